import { DataPacket, type Transcription } from '@livekit/protocol';
import { type CaptionsData, MAX_CAPTIONS_BYTES, MAX_SEGMENT_ID_LENGTH } from '../../media/captions.js';
import type { Directory } from '../directory.js';
import type { StreamEntry } from '../stream-entry.js';
import { RecentSegments } from './recent-segments.js';
import { type StreamedText, TextStreams } from './text-streams.js';

/** Longer packets are not read: those with captions are shorter on every server. */
const MAX_PACKET_BYTES = 64 * 1024;

/**
 * Finds the captions in the data packets of a session, and the stream that they are of. Takes LiveKit's transcriptions, which
 * servers pass on from agents only (and ours from participants about themselves), and text streams, which anybody may send:
 * those about a track of somebody else count where an agent says it.
 */
export class CaptionReceiver {
  readonly #directory: Directory;
  readonly #deliver: (streamId: string, captions: CaptionsData) => void;
  readonly #texts = new TextStreams();
  /** Of each stream that captions came of. */
  readonly #segments = new Map<string, RecentSegments>();
  /** Streams that have left: what was said last comes by another way than the news of that, and may come later. */
  readonly #leaving = new Set<StreamEntry>();
  #discarded = 0;

  constructor(directory: Directory, deliver: (streamId: string, captions: CaptionsData) => void) {
    this.#directory = directory;
    this.#deliver = deliver;
  }

  /** Captions that were malformed, too long, or of no stream that is there. */
  get discarded(): number {
    return this.#discarded + this.#texts.discarded;
  }

  /** Takes one packet as it came over a data channel. */
  receive(data: Uint8Array): void {
    const packet = data.length <= MAX_PACKET_BYTES ? decode(data) : undefined;
    if (!packet) {
      this.#discarded++;
      return;
    }
    const { value, participantSid, participantIdentity } = packet;
    switch (value.case) {
      case 'transcription':
        this.#takeTranscription(participantIdentity, value.value);
        break;
      case 'streamHeader':
        this.#texts.begin(participantSid, participantIdentity, value.value);
        break;
      case 'streamChunk':
        this.#takeText(this.#texts.add(participantSid, value.value));
        break;
      case 'streamTrailer':
        this.#takeText(this.#texts.end(participantSid, value.value));
        break;
      default:
    }
  }

  /** A stream has left the session; its last captions may come until it is forgotten. */
  leave(entry: StreamEntry): void {
    this.#leaving.add(entry);
  }

  forget(entry: StreamEntry): void {
    this.#leaving.delete(entry);
    this.#segments.delete(entry.state.streamId);
  }

  #takeTranscription(sender: string, { transcribedParticipantIdentity, trackId, segments }: Transcription): void {
    const entry = this.#streamOf(transcribedParticipantIdentity || sender, trackId);
    for (const { id, text, final } of segments) this.#take(entry, id, text, final);
  }

  #takeText(told: StreamedText | undefined): void {
    if (!told) return;
    const { identity, trackSid, segmentId, text, isFinal } = told;
    const foreign = this.#directory.isAgent(identity) ? this.#directory.streamOfTrack(trackSid) : undefined;
    this.#take(foreign ?? this.#streamOf(identity, trackSid), segmentId, text, isFinal);
  }

  #streamOf(identity: string, trackSid: string): StreamEntry | undefined {
    for (const entry of this.#leaving) {
      const { audioTrack, videoTrack, state } = entry;
      if (state.connection.identity === identity && (trackSid === audioTrack || trackSid === videoTrack)) return entry;
    }
    return this.#directory.streamOfSpeaker(identity, trackSid);
  }

  #take(entry: StreamEntry | undefined, id: string, text: string, isFinal: boolean): void {
    if (!entry || Buffer.byteLength(text) > MAX_CAPTIONS_BYTES) {
      this.#discarded++;
      return;
    }
    const segmentId = id.length > MAX_SEGMENT_ID_LENGTH ? '' : id;
    const { streamId } = entry.state;
    let recent = this.#segments.get(streamId);
    if (!recent) this.#segments.set(streamId, (recent = new RecentSegments()));
    if (!recent.isNew(segmentId, text, isFinal)) return;
    this.#deliver(streamId, { kind: 'captions', text, isFinal, ...(segmentId !== '' && { segmentId }) });
  }
}

function decode(data: Uint8Array): DataPacket | undefined {
  try {
    return DataPacket.fromBinary(data);
  } catch {
    return undefined;
  }
}
