import {
  type CreateRoomRequest,
  DataPacket_Kind,
  type Room as RoomInfo,
  type SendDataRequest,
  type UpdateRoomMetadataRequest,
} from '@livekit/protocol';
import { MAX_USER_PAYLOAD_BYTES, sendFromServer } from '../data-relay.js';
import type { RoomMember } from '../member.js';
import type { Room } from '../room.js';
import type { Rooms } from '../rooms.js';
import { TwirpError } from './twirp.js';

/** Longest name, and longest metadata, in characters. */
const MAX_ROOM_NAME_LENGTH = 256;
const MAX_METADATA_LENGTH = 64 * 1024;
/** Longest time that a room without participants is kept, in seconds: a day. */
const MAX_TIMEOUT_S = 24 * 60 * 60;
const NONCE_BYTES = 16;

/** Errors: TwirpError `not_found`. */
function roomOf(rooms: Rooms, name: string): Room {
  const room = rooms.get(name);
  if (!room) throw new TwirpError('not_found', 'there is no such room');
  return room;
}

/** Errors: TwirpError `not_found`. */
export function memberOf(rooms: Rooms, at: { readonly room: string; readonly identity: string }): RoomMember {
  const member = rooms.get(at.room)?.byIdentity(at.identity);
  if (!member) throw new TwirpError('not_found', 'there is no such participant in the room');
  return member;
}

/** Makes a room that lives without participants for a while; one that is there is changed to what the request gives. */
export function createRoom(rooms: Rooms, request: CreateRoomRequest): RoomInfo {
  const { name, emptyTimeout, departureTimeout, maxParticipants, metadata } = request;
  if (name === '') throw new TwirpError('invalid_argument', 'the name of the room is missing');
  if (name.length > MAX_ROOM_NAME_LENGTH)
    throw new TwirpError('invalid_argument', `the name of a room has at most ${MAX_ROOM_NAME_LENGTH} characters`);
  checkMetadata(metadata);
  if (Math.max(emptyTimeout, departureTimeout) > MAX_TIMEOUT_S)
    throw new TwirpError('invalid_argument', `a room without participants is kept for at most ${MAX_TIMEOUT_S} s`);
  if (request.egress) throw new TwirpError('unimplemented', 'this server has no egress');
  const room = rooms.create(name, {
    ...(emptyTimeout > 0 && { emptyTimeoutS: emptyTimeout }),
    ...(departureTimeout > 0 && { departureTimeoutS: departureTimeout }),
    ...(maxParticipants > 0 && { maxParticipants }),
    ...(metadata !== '' && { metadata }),
  });
  if (!room) throw new TwirpError('resource_exhausted', 'the server has as many rooms as it can have');
  return room.info();
}

export function deleteRoom(rooms: Rooms, name: string): void {
  if (!rooms.delete(name)) throw new TwirpError('not_found', 'there is no such room');
}

export function updateRoomMetadata(rooms: Rooms, { room: name, metadata }: UpdateRoomMetadataRequest): RoomInfo {
  checkMetadata(metadata);
  const room = roomOf(rooms, name);
  room.configure({ metadata });
  return room.info();
}

export function sendData(rooms: Rooms, request: SendDataRequest): void {
  const { data: payload, kind, topic, destinationIdentities, destinationSids, nonce } = request;
  if (payload.length > MAX_USER_PAYLOAD_BYTES)
    throw new TwirpError('invalid_argument', `data has at most ${MAX_USER_PAYLOAD_BYTES} bytes`);
  if (nonce.length !== 0 && nonce.length !== NONCE_BYTES)
    throw new TwirpError('invalid_argument', `a nonce has ${NONCE_BYTES} bytes`);
  const packet = { payload, destinationIdentities, destinationSids, nonce, ...(topic !== undefined && { topic }) };
  const dataKind = kind === DataPacket_Kind.LOSSY ? 'lossy' : 'reliable';
  sendFromServer(packet, dataKind, roomOf(rooms, request.room).participants);
}

function checkMetadata(metadata: string): void {
  if (metadata.length > MAX_METADATA_LENGTH)
    throw new TwirpError('invalid_argument', `metadata has at most ${MAX_METADATA_LENGTH} characters`);
}
