import {
  type AddTrackRequest,
  DisconnectReason,
  LeaveRequest_Action,
  type MuteTrackRequest,
  Pong,
  RequestResponse,
  RequestResponse_Reason,
  type SessionDescription,
  type SimulateScenario,
  type SyncState,
  TrackPublishedResponse,
  type UpdateLocalAudioTrack,
  type UpdateLocalVideoTrack,
  type UpdateParticipantMetadata,
  type UpdateSubscription,
  UpdateTrackSettings,
  VideoQuality,
} from '@livekit/protocol';
import { toErrorData } from '../media/errors.js';
import type { Participant } from './participant.js';
import type { Request } from './signal-socket.js';
import { type ServerTrack, announceTrack, mayPublish } from './track.js';

/** Most tracks that one participant publishes. */
const MAX_TRACKS = 50;

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
    case 'updateAudioTrack':
      onUpdateAudioTrack(participant, request.value);
      return;
    case 'updateVideoTrack':
      onUpdateVideoTrack(participant, request.value);
      return;
    case 'subscriptionPermission':
      participant.setTrackPermissions(request.value);
      return;
    case 'syncState':
      onSyncState(participant, request.value);
      return;
    case 'simulate':
      onSimulate(participant, request.value);
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
    participant.connections.accept(answer);
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
  if (!mayPublish(participant.permissions, request.source)) {
    respond(participant, 0, RequestResponse_Reason.NOT_ALLOWED, 'the participant may not publish this');
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
  tellPublished(participant, track);
}

function onMute(participant: Participant, { sid, muted }: MuteTrackRequest): void {
  const track = participant.publisher.track(sid);
  if (track) participant.setMuted(track, muted);
}

function onSubscription(participant: Participant, request: UpdateSubscription): void {
  if (participant.permissions.canSubscribe) participant.subscriptions.request(request);
  else respond(participant, 0, RequestResponse_Reason.NOT_ALLOWED, 'the participant may not subscribe');
}

function onTrackSetting(participant: Participant, settings: UpdateTrackSettings): void {
  for (const sid of settings.trackSids) participant.subscriber.applySettings(sid, settings);
}

function onUpdateAudioTrack(participant: Participant, { trackSid, features }: UpdateLocalAudioTrack): void {
  const track = participant.publisher.track(trackSid);
  if (track?.kind !== 'audio') return;
  track.info.audioFeatures = [...new Set(features)];
  if (track.media) participant.changed();
}

function onUpdateVideoTrack(participant: Participant, { trackSid, width, height }: UpdateLocalVideoTrack): void {
  const track = participant.publisher.track(trackSid);
  if (track?.kind !== 'video') return;
  track.info.width = width;
  track.info.height = height;
  if (track.media) participant.changed();
}

/** A client that is back tells what it knows: what it wants to receive, and which tracks it was told are published. */
function onSyncState(participant: Participant, state: SyncState): void {
  if (state.subscription && participant.permissions.canSubscribe) participant.subscriptions.request(state.subscription);
  const disabled = new UpdateTrackSettings({ disabled: true, quality: VideoQuality.HIGH });
  for (const sid of state.trackSidsDisabled) participant.subscriber.applySettings(sid, disabled);
  const known = new Set(state.publishTracks.map((published) => published.cid));
  for (const track of participant.tracks) if (!track.media && !known.has(track.cid)) tellPublished(participant, track);
}

/** What clients ask for to try out how they come back. It concerns nobody but themselves. */
function onSimulate(participant: Participant, { scenario }: SimulateScenario): void {
  if (scenario.case === 'serverLeave') participant.leave(DisconnectReason.SERVER_SHUTDOWN);
  else if (scenario.case === 'leaveRequestFullReconnect')
    participant.leave(DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT);
  else if (scenario.case === 'nodeFailure') participant.dropSignal();
}

function tellPublished(participant: Participant, track: ServerTrack): void {
  participant.send({
    case: 'trackPublished',
    value: new TrackPublishedResponse({ cid: track.cid, track: track.info }),
  });
}

function onUpdateMetadata(participant: Participant, update: UpdateParticipantMetadata): void {
  const { requestId } = update;
  if (!participant.permissions.canUpdateOwnMetadata) {
    respond(participant, requestId, RequestResponse_Reason.NOT_ALLOWED, 'the participant may not change its metadata');
    return;
  }
  if (participant.describe(update)) respond(participant, requestId, RequestResponse_Reason.OK, '');
  else
    respond(participant, requestId, RequestResponse_Reason.LIMIT_EXCEEDED, 'name, metadata or attributes are too long');
}

function respond(participant: Participant, requestId: number, reason: RequestResponse_Reason, message: string): void {
  participant.send({ case: 'requestResponse', value: new RequestResponse({ requestId, reason, message }) });
}
