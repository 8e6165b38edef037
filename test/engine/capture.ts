import type { PacketSink } from '../../src/engine/outbound-stream.js';
import { OutboundStream } from '../../src/engine/outbound-stream.js';
import { FrameAssembler } from '../../src/engine/rtp/frame-assembler.js';
import { readAudioLevel } from '../../src/engine/rtp/header-extensions.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import type { Clock } from '../../src/media/clock.js';
import type { EncodedVideoChunk, VideoCodec } from '../../src/media/encoded-chunk.js';

const AUDIO_LEVEL_ID = 1;

/** One packet as it left. */
export interface SentPacket {
  readonly atMs: number;
  /** Since the first packet. */
  readonly sequence: number;
  /** RTP time since the first packet, in units of the payload's clock. */
  readonly rtp: number;
  readonly marker: boolean;
  /** -dBov. */
  readonly level: number;
  readonly payload: Uint8Array;
  readonly buffer: Buffer;
}

/** Stands in for the network: keeps what leaves. */
export class Capture implements PacketSink {
  readonly sent: SentPacket[] = [];
  /** What left again as it was. */
  readonly resent: Buffer[] = [];
  readonly #clock: Clock;
  #first: { readonly sequence: number; readonly timestamp: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  enqueue(buffer: Buffer): void {
    const packet = new RtpPacket();
    if (!packet.parse(buffer)) throw new Error('what leaves is not RTP');
    this.#first ??= { sequence: packet.sequenceNumber, timestamp: packet.timestamp };
    this.sent.push({
      atMs: this.#clock.nowUs() / 1000,
      sequence: (packet.sequenceNumber - this.#first.sequence) & 0xffff,
      rtp: (packet.timestamp - this.#first.timestamp) >>> 0,
      marker: packet.marker,
      level: readAudioLevel(packet, AUDIO_LEVEL_ID),
      payload: new Uint8Array(packet.payload()),
      buffer,
    });
  }

  resend(buffer: Buffer): void {
    this.resent.push(buffer);
  }

  /** What left since the last call. */
  take(): SentPacket[] {
    return this.sent.splice(0);
  }
}

/** A stream into the capture; the sequence numbers begin near their end. */
export function captured(
  clock: Clock,
  kind: 'audio' | 'video',
): { readonly capture: Capture; readonly stream: OutboundStream } {
  const capture = new Capture(clock);
  const stream = new OutboundStream({
    clock,
    sink: capture,
    clockRate: kind === 'audio' ? 48_000 : 90_000,
    header: {
      payloadType: kind === 'audio' ? 111 : 96,
      ssrc: 77,
      ...(kind === 'audio' && { audioLevelId: AUDIO_LEVEL_ID }),
    },
    repeats: kind === 'audio',
  });
  return { capture, stream };
}

/** Streams of the layers of one picture into captures of their own, lowest first. */
export function capturedLayers(
  clock: Clock,
  rids: readonly string[],
): readonly { readonly capture: Capture; readonly stream: OutboundStream }[] {
  return rids.map((rid, index) => {
    const capture = new Capture(clock);
    const header = { payloadType: 96, ssrc: 100 + index, mid: { id: 4, value: '1' }, rid: { id: 10, value: rid } };
    const rtx = { ssrc: 200 + index, payloadType: 97, repairedRidId: 11 };
    return {
      capture,
      stream: new OutboundStream({ clock, sink: capture, clockRate: 90_000, header, rtx, timestampOffset: 5 }),
    };
  });
}

/** The pictures of captured packets, put together again; `timestamp` is RTP time in ms since the first. */
export function pictures(packets: readonly SentPacket[], codec: VideoCodec): EncodedVideoChunk[] {
  const assembler = new FrameAssembler({ codec });
  const packet = new RtpPacket();
  const chunks: EncodedVideoChunk[] = [];
  for (const { buffer, sequence, rtp, atMs } of packets) {
    packet.parse(buffer);
    assembler.insert(packet, sequence, rtp, atMs * 1000);
    for (let frame = assembler.next(atMs * 1000); frame; frame = assembler.next(atMs * 1000)) {
      const { data, type, timestamp } = frame;
      chunks.push({ kind: 'encoded-video', codec, type, data, timestamp: timestamp / 90, duration: 0 });
    }
  }
  return chunks;
}
