import { StringDecoder } from 'node:string_decoder';
import type { DataStream_Chunk, DataStream_Header, DataStream_Trailer } from '@livekit/protocol';
import { MAX_CAPTIONS_BYTES } from '../../media/captions.js';
import { CAPTIONS_ATTRIBUTES, CAPTIONS_TOPIC } from './caption-packets.js';

/** Streams that may be open at once; one more ends the one that is open longest. */
const MAX_OPEN = 64;

/** What has come of a text. */
export interface StreamedText {
  readonly text: string;
  readonly isFinal: boolean;
  readonly segmentId: string;
  /** '' where the sender named none. */
  readonly trackSid: string;
  /** Whom the server says it is from. */
  readonly identity: string;
}

interface OpenStream {
  readonly identity: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly lengthBytes: number | undefined;
  readonly decoder: StringDecoder;
  text: string;
  bytes: number;
  nextChunk: bigint;
  told: boolean;
}

/**
 * Puts the text streams together that carry captions: in one piece as a rule, or a piece at a time while somebody speaks, and
 * then each piece tells the text so far. Pure; what is malformed, too long or too much is counted and left out.
 */
export class TextStreams {
  /** Streams that were given up. */
  discarded = 0;
  readonly #open = new Map<string, OpenStream>();

  /** `senderSid`: the participant that the server has it from, so that nobody writes into the streams of others. */
  begin(senderSid: string, identity: string, header: DataStream_Header): void {
    if (header.topic !== CAPTIONS_TOPIC || header.contentHeader.case !== 'textHeader') return;
    const length = header.totalLength;
    if (length !== undefined && length > BigInt(MAX_CAPTIONS_BYTES)) {
      this.discarded++;
      return;
    }
    const [oldest] = this.#open.keys();
    if (this.#open.size >= MAX_OPEN && oldest !== undefined) this.#discard(oldest);
    this.#open.set(keyOf(senderSid, header), {
      identity,
      attributes: header.attributes,
      lengthBytes: length === undefined ? undefined : Number(length),
      decoder: new StringDecoder('utf8'),
      text: '',
      bytes: 0,
      nextChunk: 0n,
      told: false,
    });
  }

  /** The text so far, where there is more to come of it; undefined when there is nothing new to tell yet. */
  add(senderSid: string, chunk: DataStream_Chunk): StreamedText | undefined {
    const key = keyOf(senderSid, chunk);
    const stream = this.#open.get(key);
    // A client that lost its connection may send again what had come.
    if (!stream || chunk.chunkIndex < stream.nextChunk) return undefined;
    stream.bytes += chunk.content.length;
    if (chunk.chunkIndex > stream.nextChunk || stream.bytes > MAX_CAPTIONS_BYTES) {
      this.#discard(key);
      return undefined;
    }
    stream.nextChunk++;
    stream.text += stream.decoder.write(Buffer.from(chunk.content));
    const isWhole = stream.lengthBytes !== undefined && stream.bytes >= stream.lengthBytes;
    if (isWhole || isFinal(stream.attributes) || stream.text === '') return undefined;
    stream.told = true;
    return textOf(stream, stream.attributes, false);
  }

  /** The whole text; undefined when it has been told. */
  end(senderSid: string, trailer: DataStream_Trailer): StreamedText | undefined {
    const key = keyOf(senderSid, trailer);
    const stream = this.#open.get(key);
    if (!stream) return undefined;
    this.#open.delete(key);
    const attributes = { ...stream.attributes, ...trailer.attributes };
    // A sender that gives up says why.
    if (trailer.reason !== '') {
      this.discarded++;
      return undefined;
    }
    stream.text += stream.decoder.end();
    const final = isFinal(attributes);
    return stream.told && !final ? undefined : textOf(stream, attributes, final);
  }

  #discard(key: string): void {
    this.#open.delete(key);
    this.discarded++;
  }
}

function keyOf(senderSid: string, { streamId }: { readonly streamId: string }): string {
  return `${senderSid} ${streamId}`;
}

function isFinal(attributes: Readonly<Record<string, string>>): boolean {
  return attributes[CAPTIONS_ATTRIBUTES.isFinal] === 'true';
}

function textOf(stream: OpenStream, attributes: Readonly<Record<string, string>>, final: boolean): StreamedText {
  return {
    text: stream.text,
    isFinal: final,
    segmentId: attributes[CAPTIONS_ATTRIBUTES.segmentId] ?? '',
    trackSid: attributes[CAPTIONS_ATTRIBUTES.trackId] ?? '',
    identity: stream.identity,
  };
}
