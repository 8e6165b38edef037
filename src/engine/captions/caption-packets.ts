import { randomUUID } from 'node:crypto';
import {
  DataPacket,
  DataPacket_Kind,
  DataStream_Chunk,
  DataStream_Header,
  DataStream_TextHeader,
  DataStream_Trailer,
  Transcription,
  TranscriptionSegment,
} from '@livekit/protocol';

/** What text streams that carry captions are called. */
export const CAPTIONS_TOPIC = 'lk.transcription';

/** Names of what is said about such a stream. */
export const CAPTIONS_ATTRIBUTES = {
  segmentId: 'lk.segment_id',
  isFinal: 'lk.transcription_final',
  trackId: 'lk.transcribed_track_id',
} as const;

/** What captions are about. */
export interface CaptionedTrack {
  /** The server's id of the track whose sound it is. */
  readonly trackSid: string;
  /** Of the participant who publishes that track. */
  readonly identity: string;
}

/** One text of a segment, on its way to the others. */
export interface SentCaptions extends CaptionedTrack {
  readonly text: string;
  readonly isFinal: boolean;
  readonly segmentId: string;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
}

/**
 * The data packets that carry a text: a transcription, and a text stream. Clients listen to the one or the other, and a
 * LiveKit server passes transcriptions on only where an agent sends them; both carry the id of the segment.
 */
export function captionPackets(captions: SentCaptions): Buffer[] {
  return [transcriptionOf(captions), ...textStreamOf(captions)].map((value) =>
    Buffer.from(new DataPacket({ kind: DataPacket_Kind.RELIABLE, value }).toBinary()),
  );
}

/** Those of a packet's values that carry captions. */
type PacketValue =
  | { readonly case: 'transcription'; readonly value: Transcription }
  | { readonly case: 'streamHeader'; readonly value: DataStream_Header }
  | { readonly case: 'streamChunk'; readonly value: DataStream_Chunk }
  | { readonly case: 'streamTrailer'; readonly value: DataStream_Trailer };

function transcriptionOf({ text, isFinal, segmentId, trackSid, identity }: SentCaptions): PacketValue {
  const segment = new TranscriptionSegment({ id: segmentId, text, final: isFinal });
  const value = new Transcription({
    transcribedParticipantIdentity: identity,
    trackId: trackSid,
    segments: [segment],
  });
  return { case: 'transcription', value };
}

function textStreamOf({ text, isFinal, segmentId, trackSid, timeMs }: SentCaptions): PacketValue[] {
  const streamId = randomUUID();
  const content = Buffer.from(text);
  const header = new DataStream_Header({
    streamId,
    timestamp: BigInt(timeMs),
    topic: CAPTIONS_TOPIC,
    mimeType: 'text/plain',
    totalLength: BigInt(content.length),
    attributes: {
      [CAPTIONS_ATTRIBUTES.segmentId]: segmentId,
      [CAPTIONS_ATTRIBUTES.isFinal]: String(isFinal),
      [CAPTIONS_ATTRIBUTES.trackId]: trackSid,
    },
    contentHeader: { case: 'textHeader', value: new DataStream_TextHeader() },
  });
  return [
    { case: 'streamHeader', value: header },
    { case: 'streamChunk', value: new DataStream_Chunk({ streamId, chunkIndex: 0n, content }) },
    { case: 'streamTrailer', value: new DataStream_Trailer({ streamId }) },
  ];
}
