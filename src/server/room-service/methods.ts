import {
  CreateRoomRequest,
  DeleteRoomRequest,
  DeleteRoomResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
  ListRoomsRequest,
  ListRoomsResponse,
  MuteRoomTrackRequest,
  MuteRoomTrackResponse,
  RemoveParticipantResponse,
  RoomParticipantIdentity,
  SendDataRequest,
  SendDataResponse,
  UpdateParticipantRequest,
  UpdateRoomMetadataRequest,
  UpdateSubscriptionsRequest,
  UpdateSubscriptionsResponse,
} from '@livekit/protocol';
import type { Rooms } from '../rooms.js';
import type { ApiGrants } from '../token.js';
import { muteTrack, removeParticipant, updateParticipant, updateSubscriptions } from './participants.js';
import { createRoom, deleteRoom, memberOf, sendData, updateRoomMetadata } from './rooms.js';
import { TwirpError, type TwirpMessage, type TwirpMessageClass, decodeMessage } from './twirp.js';

/** Reads the request of a call, checks that it is granted, and does it. Errors: TwirpError. */
export type RoomServiceMethod = (rooms: Rooms, grants: ApiGrants, contentType: string, body: Buffer) => TwirpMessage;

/** Methods that LiveKit has and this server does not. */
export const UNIMPLEMENTED: ReadonlySet<string> = new Set(['ForwardParticipant', 'MoveParticipant', 'PerformRpc']);

/** What LiveKit calls the RoomService, by the names of its methods. */
export const METHODS: ReadonlyMap<string, RoomServiceMethod> = new Map([
  ['CreateRoom', method(CreateRoomRequest, mayCreate, createRoom)],
  [
    'DeleteRoom',
    method(DeleteRoomRequest, mayCreate, (rooms, { room }) => {
      deleteRoom(rooms, room);
      return new DeleteRoomResponse();
    }),
  ],
  [
    'ListRooms',
    method(
      ListRoomsRequest,
      mayList,
      (rooms, { names }) => new ListRoomsResponse({ rooms: rooms.list(names).map((room) => room.info()) }),
    ),
  ],
  ['UpdateRoomMetadata', method(UpdateRoomMetadataRequest, mayAdminister, updateRoomMetadata)],
  [
    'SendData',
    method(SendDataRequest, mayAdminister, (rooms, request) => {
      sendData(rooms, request);
      return new SendDataResponse();
    }),
  ],
  [
    'ListParticipants',
    method(ListParticipantsRequest, mayAdminister, (rooms, { room }) => {
      // LiveKit has nobody in a room that is not there.
      const participants = [...(rooms.get(room)?.participants ?? [])].map((member) => member.info());
      return new ListParticipantsResponse({ participants });
    }),
  ],
  [
    'GetParticipant',
    method(RoomParticipantIdentity, mayAdminister, (rooms, request) => memberOf(rooms, request).info()),
  ],
  [
    'RemoveParticipant',
    method(RoomParticipantIdentity, mayAdminister, (rooms, request) => {
      removeParticipant(rooms, request);
      return new RemoveParticipantResponse();
    }),
  ],
  ['UpdateParticipant', method(UpdateParticipantRequest, mayAdminister, updateParticipant)],
  [
    'MutePublishedTrack',
    method(
      MuteRoomTrackRequest,
      mayAdminister,
      (rooms, request) => new MuteRoomTrackResponse({ track: muteTrack(rooms, request) }),
    ),
  ],
  [
    'UpdateSubscriptions',
    method(UpdateSubscriptionsRequest, mayAdminister, (rooms, request) => {
      updateSubscriptions(rooms, request);
      return new UpdateSubscriptionsResponse();
    }),
  ],
]);

type Check<M> = (grants: ApiGrants, request: M) => void;

function method<M extends TwirpMessage>(
  type: TwirpMessageClass<M>,
  check: Check<M>,
  call: (rooms: Rooms, request: M) => TwirpMessage,
): RoomServiceMethod {
  return (rooms, grants, contentType, body) => {
    const request = decodeMessage(type, contentType, body);
    check(grants, request);
    return call(rooms, request);
  };
}

function mayCreate(grants: ApiGrants): void {
  if (!grants.roomCreate) throw denied('roomCreate');
}

function mayList(grants: ApiGrants): void {
  if (!grants.roomList) throw denied('roomList');
}

function mayAdminister(grants: ApiGrants, { room }: { readonly room: string }): void {
  if (room === '') throw new TwirpError('invalid_argument', 'the room is missing');
  if (!grants.roomAdmin || grants.room !== room) throw denied('roomAdmin for this room');
}

function denied(grant: string): TwirpError {
  return new TwirpError('permission_denied', `the token does not grant ${grant}`);
}
