import type { RtpPacket } from '../../engine/rtp/packet.js';
import type { ReceivedSection } from '../../engine/sdp/negotiated.js';
import type { UpStream } from './up-stream.js';

/** Something that takes the packets of a track. The packet is a view that is used again: nothing of it may be kept. */
export interface TrackSink {
  onPacket(stream: UpStream, packet: RtpPacket, sequence: number, nowUs: number): void;
  /** A simulcast layer came, or was replaced. */
  onStream(stream: UpStream): void;
}

/** The media of one published track: its streams (simulcast layers) and those who take it. */
export class UpTrack {
  readonly kind: 'audio' | 'video';
  section: ReceivedSection;
  readonly #streams = new Map<string, UpStream>();
  #sinks: readonly TrackSink[] = [];

  constructor(section: ReceivedSection) {
    this.kind = section.kind;
    this.section = section;
  }

  get streams(): ReadonlyMap<string, UpStream> {
    return this.#streams;
  }

  get sinkCount(): number {
    return this.#sinks.length;
  }

  addSink(sink: TrackSink): void {
    this.#sinks = [...this.#sinks, sink];
  }

  removeSink(sink: TrackSink): void {
    this.#sinks = this.#sinks.filter((other) => other !== sink);
  }

  /** Takes a stream in, in place of one with the same rid. */
  addStream(stream: UpStream): UpStream | undefined {
    const old = this.#streams.get(stream.rid);
    this.#streams.set(stream.rid, stream);
    for (const sink of this.#sinks) sink.onStream(stream);
    return old;
  }

  deliver(stream: UpStream, packet: RtpPacket, sequence: number, nowUs: number): void {
    const sinks = this.#sinks;
    for (let i = 0; i < sinks.length; i++) sinks[i]?.onPacket(stream, packet, sequence, nowUs);
  }
}
