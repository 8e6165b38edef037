import { RtpPacket } from '../../engine/rtp/packet.js';
import type { ReceivedSection } from '../../engine/sdp/negotiated.js';
import type { UpStream } from './up-stream.js';

/** LiveKit's names of layers, lowest first. */
const LAYER_NAMES = ['q', 'h', 'f'];
/** A layer that has nothing for so many of its picture intervals, while its siblings go on, is not sent any more. */
const MAX_MISSED_INTERVALS = 4;
const MIN_MISSED_US = 150_000;
const STALL_CHECK_INTERVAL_US = 20_000;
/** Nobody takes the track. */
const NOBODY = -1;
/** A layer that nobody takes any more is encoded for so long yet: many come back soon. */
const RELEASE_DELAY_US = 3_000_000;

/** Something that takes the packets of a track. The packet is a view that is used again: nothing of it may be kept. */
export interface TrackSink {
  /** The highest layer that it would show, by rank; -1 while it shows none. The track is told of changes by `wantsChanged`. */
  readonly wantedRank: number;
  /** Part of what it takes that gets lost on its way, 0 to 1. */
  readonly fractionLost: number;
  onPacket(stream: UpStream, packet: RtpPacket, sequence: number, nowUs: number): void;
  /** It will go on with this layer when a whole key frame of it is there, and has another one until then. */
  awaits(stream: UpStream): boolean;
  /** Such a key frame is there: it comes now, packet by packet, by `onPacket`, with what came after it. */
  takeOver(stream: UpStream): void;
  /** A simulcast layer came, came back, or was replaced. */
  onStream(stream: UpStream): void;
  /** A layer is not sent any more, as far as its siblings tell. */
  onStreamStopped(stream: UpStream, nowUs: number): void;
}

/** The media of one published track: its streams (simulcast layers) and those who take it. */
export class UpTrack {
  readonly kind: 'audio' | 'video';
  section: ReceivedSection;
  /** An administrator muted the track: nothing of it goes any further, whether its client stops or not. */
  heldBack = false;
  /** Told the highest layer that anybody takes, by rank, whenever it changes; -1 for nobody. Infinity is at first in force. */
  onWantedRank: ((rank: number) => void) | undefined;
  readonly #streams = new Map<string, UpStream>();
  #layers: readonly UpStream[] = [];
  #sinks: readonly TrackSink[] = [];
  readonly #live = new Set<UpStream>();
  readonly #held = new RtpPacket();
  #nextStallCheckUs = 0;
  #wantedRank = NOBODY;
  #toldRank = Infinity;
  #releaseUs = NaN;

  constructor(section: ReceivedSection) {
    this.kind = section.kind;
    this.section = section;
  }

  get streams(): ReadonlyMap<string, UpStream> {
    return this.#streams;
  }

  /** The streams that have come, the lowest layer first. */
  get layers(): readonly UpStream[] {
    return this.#layers;
  }

  /** Loss on the worst way to those who take the track, 0 to 1. */
  get fractionLost(): number {
    let most = 0;
    for (const sink of this.#sinks) most = Math.max(most, sink.fractionLost);
    return most;
  }

  get sinkCount(): number {
    return this.#sinks.length;
  }

  addSink(sink: TrackSink): void {
    this.#sinks = [...this.#sinks, sink];
    this.wantsChanged();
  }

  removeSink(sink: TrackSink): void {
    this.#sinks = this.#sinks.filter((other) => other !== sink);
    this.wantsChanged();
  }

  /** Takes a stream in, in place of one with the same rid. */
  addStream(stream: UpStream): UpStream | undefined {
    const old = this.#streams.get(stream.rid);
    stream.rank = rankOf(stream.rid, this.section.rids);
    this.#streams.set(stream.rid, stream);
    this.#layers = [...this.#streams.values()].sort((a, b) => a.rank - b.rank);
    if (old) this.#live.delete(old);
    for (const sink of this.#sinks) sink.onStream(stream);
    return old;
  }

  deliver(stream: UpStream, packet: RtpPacket, sequence: number, nowUs: number): void {
    if (stream.beginsPicture) this.#onPicture(stream, nowUs);
    if (this.heldBack) return;
    const sinks = this.#sinks;
    for (let i = 0; i < sinks.length; i++) sinks[i]!.onPacket(stream, packet, sequence, nowUs);
    const { gate, info } = stream;
    if (info.startsKeyFrame && sequence === stream.highest && sinks.some((sink) => sink.awaits(stream))) {
      gate.begin(sequence, nowUs);
    }
    if (gate.active && gate.add(sequence, packet.buffer, packet.marker, nowUs)) this.#open(stream, nowUs);
  }

  /** The layer is being sent, or was until all of them paused. */
  isLive(stream: UpStream): boolean {
    return this.#live.has(stream);
  }

  /** A sink has changed its mind about what it would show. */
  wantsChanged(): void {
    this.#wantedRank = this.#sinks.reduce((most, sink) => Math.max(most, sink.wantedRank), NOBODY);
    this.#releaseUs = NaN;
    if (this.#wantedRank > this.#toldRank) this.#tellRank();
  }

  /** Finds layers that have stopped, and lets go of those that nobody takes. To be called every few milliseconds. */
  tick(nowUs: number): void {
    if (nowUs >= this.#nextStallCheckUs) {
      this.#nextStallCheckUs = nowUs + STALL_CHECK_INTERVAL_US;
      this.#checkStalls(nowUs);
    }
    if (this.kind === 'audio' || this.#wantedRank >= this.#toldRank) return;
    if (Number.isNaN(this.#releaseUs)) this.#releaseUs = nowUs + RELEASE_DELAY_US;
    else if (nowUs >= this.#releaseUs) this.#tellRank();
  }

  /** Lets those who wait for a layer have its key frame. */
  #open(stream: UpStream, nowUs: number): void {
    const waiting = this.#sinks.filter((sink) => sink.awaits(stream));
    for (const sink of waiting) sink.takeOver(stream);
    for (const { sequence, buffer } of stream.gate.take()) {
      if (!this.#held.parse(buffer)) continue;
      stream.info.read(stream.codec.name, this.#held);
      for (const sink of waiting) sink.onPacket(stream, this.#held, sequence, nowUs);
    }
  }

  #checkStalls(nowUs: number): void {
    const siblings = this.#layers.length - 1;
    if (siblings === 0) return;
    for (const stream of this.#layers) {
      const { missedPictures, missedSinceUs, frameIntervalUs } = stream;
      // Each sibling may be one picture ahead.
      if (missedPictures <= siblings || !this.#live.has(stream)) continue;
      if (nowUs - missedSinceUs < Math.max(MIN_MISSED_US, MAX_MISSED_INTERVALS * frameIntervalUs)) continue;
      this.#live.delete(stream);
      for (const sink of this.#sinks) sink.onStreamStopped(stream, nowUs);
    }
  }

  #onPicture(stream: UpStream, nowUs: number): void {
    // Its siblings should have this picture too.
    for (let i = 0; i < this.#layers.length; i++) {
      const other = this.#layers[i]!;
      if (other !== stream && other.missedPictures++ === 0) other.missedSinceUs = nowUs;
    }
    if (this.#live.has(stream) || this.#streams.get(stream.rid) !== stream) return;
    this.#live.add(stream);
    for (const sink of this.#sinks) sink.onStream(stream);
  }

  #tellRank(): void {
    this.#toldRank = this.#wantedRank;
    this.#releaseUs = NaN;
    this.onWantedRank?.(this.#toldRank);
  }
}

/** Rank of a layer: 0 is the lowest. `rids` are those of the track as its sender lists them, lowest first. */
function rankOf(rid: string, rids: readonly string[]): number {
  const known = LAYER_NAMES.indexOf(rid);
  return known === -1 ? Math.max(0, rids.indexOf(rid)) : known;
}
