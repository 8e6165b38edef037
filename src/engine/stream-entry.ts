import {
  type ParticipantInfo,
  type TrackInfo,
  TrackSource,
  TrackType,
  type VideoLayer,
  type VideoQuality,
} from '@livekit/protocol';
import type { ConnectionInfo, StreamState } from './port.js';
import type { VideoSize } from './video-preference.js';

/** One of the sizes that a video track is sent in, by the server's name for it. */
export interface TrackLayer extends VideoSize {
  readonly quality: VideoQuality;
}

/** The tracks of a stream, by the server's ids. */
interface Tracks {
  readonly audioTrack: string | undefined;
  readonly videoTrack: string | undefined;
}

/** One stream with the tracks it is made of. */
export interface StreamEntry extends Tracks {
  readonly state: StreamState;
  /** Of the video track; empty where nothing tells. */
  readonly layers: readonly TrackLayer[];
  /** Tracks of before its participant, or this one, went to another server: those that come back take their places. */
  readonly awaited?: Tracks;
}

/** What became of a stream and its tracks. */
export type StreamChange =
  | { readonly type: 'streamUpdated' | 'streamDropped'; readonly stream: StreamEntry }
  /** Its tracks are there again, and nothing else about it has changed. */
  | { readonly type: 'streamReturned'; readonly stream: StreamEntry }
  /** A track goes on as another one. */
  | { readonly type: 'trackMoved'; readonly from: string; readonly to: string }
  /** A track of a stream that goes on does not come back. */
  | { readonly type: 'trackLost'; readonly trackSid: string };

/** Takes changes, in their order. */
interface ChangeList {
  push(change: StreamChange): unknown;
}

const KINDS = ['audioTrack', 'videoTrack'] as const;
export const NO_TRACKS: Tracks = { audioTrack: undefined, videoTrack: undefined };

/** The streams of a participant, by their ids. */
export function groupTracks(participant: ParticipantInfo, connection: ConnectionInfo): Map<string, StreamEntry> {
  const streams = new Map<string, StreamEntry>();
  for (const track of participant.tracks) {
    const group = groupOf(track);
    const streamId = streamIdOf(connection.connectionId, group);
    const old = streams.get(streamId);
    const audioTrack = track.type === TrackType.AUDIO ? track.sid : old?.audioTrack;
    const videoTrack = track.type === TrackType.VIDEO ? track.sid : old?.videoTrack;
    const layers = track.type === TrackType.VIDEO ? layersOf(track) : (old?.layers ?? []);
    const name = LIVEKIT_GROUPS.has(group) ? connection.name : group;
    // What is muted is not there for now, though its track is.
    const hasAudio = track.type === TrackType.AUDIO ? !track.muted : old?.state.hasAudio === true;
    const hasVideo = track.type === TrackType.VIDEO ? !track.muted : old?.state.hasVideo === true;
    streams.set(streamId, {
      audioTrack,
      videoTrack,
      layers,
      state: { streamId, name, connection, hasAudio, hasVideo },
    });
  }
  return streams;
}

/** Those of its first codec; servers that tell of no codecs name them with the track. */
function layersOf(track: TrackInfo): TrackLayer[] {
  const unnamed: { readonly layers: readonly VideoLayer[] } = track;
  const layers = track.codecs[0]?.layers ?? [];
  return (layers.length > 0 ? layers : unnamed.layers)
    .map(({ quality, width, height }) => ({ quality, width, height }))
    .filter(({ width, height }) => width > 0 && height > 0);
}

/** The id of a stream: its connection and its group. */
export function streamIdOf(connectionId: string, group: string): string {
  return `${connectionId}:${group}`;
}

/** The tracks of a stream, those that are expected back included. */
export function tracksOf({ audioTrack, videoTrack, awaited }: StreamEntry): string[] {
  const sids = [audioTrack, videoTrack, awaited?.audioTrack, awaited?.videoTrack];
  return sids.filter((sid) => sid !== undefined);
}

/** A stream whose tracks are all expected back. */
export function awaitTracks({ state, audioTrack, videoTrack, awaited }: StreamEntry): StreamEntry {
  const expected = { audioTrack: audioTrack ?? awaited?.audioTrack, videoTrack: videoTrack ?? awaited?.videoTrack };
  return { state, layers: [], ...NO_TRACKS, awaited: expected };
}

export function hasSameTracks(one: Tracks, other: Tracks): boolean {
  return one.audioTrack === other.audioTrack && one.videoTrack === other.videoTrack;
}

/** A stream that is there again: its tracks take the places of those of before, and what is missing is still awaited. */
export function putBack(stream: StreamEntry, old: StreamEntry, awaited: Tracks, changes: ChangeList): StreamEntry {
  for (const kind of KINDS) {
    const [from, to] = [awaited[kind], stream[kind]];
    if (from !== undefined && to !== undefined && from !== to) changes.push({ type: 'trackMoved', from, to });
  }
  const left: Tracks = {
    audioTrack: stream.audioTrack === undefined ? awaited.audioTrack : undefined,
    videoTrack: stream.videoTrack === undefined ? awaited.videoTrack : undefined,
  };
  const { audioTrack, videoTrack } = stream;
  const isComplete = hasSameTracks(left, NO_TRACKS);
  const entry = withMedia({ ...stream, ...(!isComplete && { awaited: left }) }, old.state);
  if (!hasSameState(entry, old)) changes.push({ type: 'streamUpdated', stream: entry });
  else if (!hasSameTracks(old, { audioTrack, videoTrack })) changes.push({ type: 'streamReturned', stream: entry });
  return entry;
}

/** What is left of a stream when nothing more of it comes back; undefined when that is nothing. */
export function giveUpTracks(stream: StreamEntry, changes: ChangeList): StreamEntry | undefined {
  const { state, layers, audioTrack, videoTrack, awaited } = stream;
  if (!awaited) return stream;
  if (audioTrack === undefined && videoTrack === undefined) {
    changes.push({ type: 'streamDropped', stream });
    return undefined;
  }
  for (const kind of KINDS)
    if (awaited[kind] !== undefined) changes.push({ type: 'trackLost', trackSid: awaited[kind] });
  const left = withMedia({ state, layers, audioTrack, videoTrack }, state);
  if (!hasSameState(left, stream)) changes.push({ type: 'streamUpdated', stream: left });
  return left;
}

/** A stream that is awaited in part still counts as what it was. */
function withMedia(stream: StreamEntry, before: StreamState): StreamEntry {
  const { state, audioTrack, videoTrack, awaited } = stream;
  const hasAudio = audioTrack === undefined ? awaited?.audioTrack !== undefined && before.hasAudio : state.hasAudio;
  const hasVideo = videoTrack === undefined ? awaited?.videoTrack !== undefined && before.hasVideo : state.hasVideo;
  return { ...stream, state: { ...state, hasAudio, hasVideo } };
}

/** Whether the same is said of a stream. */
export function hasSameState({ state: one }: StreamEntry, { state: other }: StreamEntry): boolean {
  return one.name === other.name && one.hasAudio === other.hasAudio && one.hasVideo === other.hasVideo;
}

/** The names that LiveKit's clients give to groups of tracks themselves; any other was given by the publisher. */
const LIVEKIT_GROUPS = new Set(['camera', 'screen_share']);

/** The group that a track belongs to: its stream name, else what its source says. */
function groupOf(track: TrackInfo): string {
  if (track.stream !== '') return track.stream;
  const isScreen = track.source === TrackSource.SCREEN_SHARE || track.source === TrackSource.SCREEN_SHARE_AUDIO;
  return isScreen ? 'screen_share' : 'camera';
}
