import {
  type AddTrackRequest,
  DisconnectReason,
  type MuteTrackRequest,
  Pong,
  RequestResponse,
  RequestResponse_Reason,
  type SessionDescription,
  TrackPublishedResponse,
  type UpdateParticipantMetadata,
  type UpdateSubscription,
  type UpdateTrackSettings,
} from '@livekit/protocol';
import { toErrorData } from '../media/errors.js';
import type { Participant } from './participant.js';
import type { Request } from './signal-socket.js';
import { announceTrack, sourceName } from './track.js';

/** Most tracks that one participant publishes. */
const MAX_TRACKS = 50;
/** Longest name, and longest metadata and attributes together, in characters. */
const MAX_NAME_LENGTH = 256;
const MAX_METADATA_LENGTH = 64 * 1024;

/** Does what a client asks. Requests that the protocol has and this server does not need are ignored. */
export function handleRequest(participant: Participant, request: Request): void {
  if (!participant.present) return;
  switch (request.case) {
    case 'offer':
      void onOffer(participant, request.value);
      return;
    case 'answer':
      onAnswer(participant, request.value);
      return;
    case 'addTrack':
      onAddTrack(participant, request.value);
      return;
    case 'mute':
      onMute(participant, request.value);
      return;
    case 'subscription':
      onSubscription(participant, request.value);
      return;
    case 'trackSetting':
      onTrackSetting(participant, request.value);
      return;
    case 'updateMetadata':
      onUpdateMetadata(participant, request.value);
      return;
    case 'leave':
      participant.leave(DisconnectReason.CLIENT_INITIATED);
      return;
    case 'ping':
      participant.send({ case: 'pong', value: BigInt(Date.now()) });
      return;
    case 'pingReq':
      participant.rttMs = Number(request.value.rtt);
      participant.send({
        case: 'pongResp',
        value: new Pong({ lastPingTimestamp: request.value.timestamp, timestamp: BigInt(Date.now()) }),
      });
      return;
    default:
    // Trickled candidates are not needed: the server learns addresses from the client's own checks.
  }
}

async function onOffer(participant: Participant, offer: SessionDescription): Promise<void> {
  try {
    await participant.publisher.answer(offer);
  } catch (error) {
    refuse(participant, error, 'an offer');
  }
}

function onAnswer(participant: Participant, answer: SessionDescription): void {
  try {
    participant.subscriber.accept(answer);
  } catch (error) {
    refuse(participant, error, 'an answer');
  }
}

/** A description that cannot be used leaves both sides with different ideas of the connection: it ends. */
function refuse(participant: Participant, error: unknown, what: string): void {
  const { code, message } = toErrorData(error);
  participant.context.log.warn({ participant: participant.sid, code, message }, `${what} could not be used`);
  participant.leave(DisconnectReason.STATE_MISMATCH);
}

function onAddTrack(participant: Participant, request: AddTrackRequest): void {
  const { permissions } = participant.grants;
  const name = sourceName(request.source) ?? '';
  const allowed = permissions.canPublishSources.length === 0 || permissions.canPublishSources.includes(name);
  if (!permissions.canPublish || !allowed) {
    respond(participant, 0, RequestResponse_Reason.NOT_ALLOWED, 'the token does not grant publishing this');
    return;
  }
  if (participant.publisher.trackCount >= MAX_TRACKS) {
    respond(
      participant,
      0,
      RequestResponse_Reason.LIMIT_EXCEEDED,
      `a participant publishes at most ${MAX_TRACKS} tracks`,
    );
    return;
  }
  const known = participant.publisher.announced(request.cid);
  // A client that publishes again what it has just taken back asks before it offers: that is a new track.
  const track = known && !known.media ? known : announceTrack(request, participant.sid);
  if (!track) return;
  participant.publisher.announce(track);
  participant.send({
    case: 'trackPublished',
    value: new TrackPublishedResponse({ cid: request.cid, track: track.info }),
  });
}

function onMute(participant: Participant, { sid, muted }: MuteTrackRequest): void {
  const track = participant.publisher.track(sid);
  if (!track || track.info.muted === muted) return;
  track.info.muted = muted;
  if (track.media) participant.changed();
}

function onSubscription(participant: Participant, request: UpdateSubscription): void {
  if (!participant.grants.permissions.canSubscribe) {
    respond(participant, 0, RequestResponse_Reason.NOT_ALLOWED, 'the token does not grant subscribing');
    return;
  }
  const wanted = new Set([...request.trackSids, ...request.participantTracks.flatMap((tracks) => tracks.trackSids)]);
  if (!request.subscribe) {
    for (const sid of wanted) participant.subscriber.remove(sid);
    return;
  }
  for (const track of participant.room.tracksFor(participant))
    if (wanted.has(track.sid)) participant.subscriber.add(track);
}

function onTrackSetting(participant: Participant, settings: UpdateTrackSettings): void {
  for (const sid of settings.trackSids) participant.subscriber.applySettings(sid, settings);
}

function onUpdateMetadata(participant: Participant, update: UpdateParticipantMetadata): void {
  const { requestId } = update;
  if (!participant.grants.permissions.canUpdateOwnMetadata) {
    respond(participant, requestId, RequestResponse_Reason.NOT_ALLOWED, 'the token does not grant changing metadata');
    return;
  }
  const attributes = { ...participant.attributes, ...update.attributes };
  const length = Object.entries(attributes).reduce(
    (sum, [key, value]) => sum + key.length + value.length,
    update.metadata.length,
  );
  if (length > MAX_METADATA_LENGTH || update.name.length > MAX_NAME_LENGTH) {
    respond(participant, requestId, RequestResponse_Reason.LIMIT_EXCEEDED, 'name, metadata or attributes are too long');
    return;
  }
  if (update.name !== '') participant.name = update.name;
  if (update.metadata !== '') participant.metadata = update.metadata;
  // An empty value takes an attribute away.
  participant.attributes = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ''));
  participant.changed();
  respond(participant, requestId, RequestResponse_Reason.OK, '');
}

function respond(participant: Participant, requestId: number, reason: RequestResponse_Reason, message: string): void {
  participant.send({ case: 'requestResponse', value: new RequestResponse({ requestId, reason, message }) });
}
