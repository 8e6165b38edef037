import { BandwidthEstimator } from '../../src/engine/rtp/bandwidth/bandwidth-estimator.js';
import { PacedSender } from '../../src/engine/rtp/bandwidth/paced-sender.js';
import { PACER_PRIORITY } from '../../src/engine/rtp/pacer.js';
import { HeaderTemplate } from '../../src/engine/rtp/packet-writer.js';
import { parseRtcp } from '../../src/engine/rtp/rtcp.js';
import { TwccRecorder } from '../../src/engine/rtp/twcc.js';

const TWCC_ID = 3;
const BEAT_US = 5_000;
const FRAME_US = 33_333;
const AUDIO_US = 20_000;
const FEEDBACK_US = 50_000;
const STEP_US = 1_000;
const PACKET_BYTES = 1100;

/** A path that all flows of a simulation share. Every field may be changed while it runs. */
export class Path {
  rateBps = Infinity;
  /** A packet that would wait longer is dropped. */
  queueMs = 300;
  delayMs = 25;
  /** Share of packets lost at random. */
  loss = 0;
  /** Added to each packet, uniformly between 0 and this; packets may overtake one another. */
  jitterMs = 0;
  /** Packets do not overtake one another. */
  inOrder = false;
  /** Other people's traffic through the same queue, in bit/s. */
  crossBps = 0;
  /** How late the receiver stamps packets: each stall of its loop, in ms; packets of one stall get the time of its end. */
  stallMs = 0;
  /** From one stall to the next, on average. */
  stallEveryMs = 20;
  /** No feedback comes back while true. */
  deaf = false;
  /** How long each packet waited, in ms; those dropped are not in it. */
  readonly waitsMs: number[] = [];
  #freeUs = 0;
  #lastUs = 0;
  #seed: number;

  constructor(seed = 1) {
    this.#seed = seed;
  }

  /** Uniform in [0, 1), the same for the same seed. */
  random(): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return this.#seed / 0x1_0000_0000;
  }

  /** How long a packet would wait now. */
  waitingMs(nowUs: number): number {
    return Math.max(0, this.#freeUs - nowUs) / 1000;
  }

  /** When a packet of so many bytes arrives; NaN when it is lost. */
  take(nowUs: number, sizeBytes: number): number {
    const startUs = Math.max(nowUs, this.#freeUs);
    if (startUs - nowUs > this.queueMs * 1000) return NaN;
    this.waitsMs.push((startUs - nowUs) / 1000);
    this.#freeUs = startUs + (sizeBytes * 8e6) / this.rateBps;
    if (this.random() < this.loss) return NaN;
    const atUs = this.#freeUs + this.delayMs * 1000 + this.random() * this.jitterMs * 1000;
    return (this.#lastUs = this.inOrder ? Math.max(this.#lastUs, atUs) : atUs);
  }
}

/** The value that a share of all is below. */
export function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;
}

interface Arrival {
  readonly atUs: number;
  readonly sequence: number;
  readonly bytes: number;
}

/** What was seen in one interval of 100 ms. */
export interface Interval {
  readonly atS: number;
  readonly targetBps: number;
  readonly mediaBps: number;
  readonly arrivedBps: number;
  readonly queueMs: number;
  readonly estimatedQueueMs: number;
  readonly use: string;
  readonly loss: number;
}

export interface FlowOptions {
  readonly startBps?: number;
  /** The most that the encoder makes. Default 10 Mbit/s. */
  readonly mediaBps?: number;
  /** Default: as much as `mediaBps`. */
  readonly wantedBps?: number;
  readonly minBps?: number;
  readonly transportSequence?: boolean;
}

/** A sender of audio and video that does as its estimator says, and the receiver that sends it feedback. */
export class Flow {
  readonly path: Path;
  readonly estimator: BandwidthEstimator;
  readonly sender: PacedSender;
  readonly log: Interval[] = [];
  /** The most that the encoder makes; 0 sends nothing at all. */
  mediaBps: number;
  readonly #recorder = new TwccRecorder(1);
  readonly #header: HeaderTemplate;
  readonly #padding: HeaderTemplate;
  #arrivals: Arrival[] = [];
  #feedback: { readonly atUs: number; readonly packet: Buffer }[] = [];
  #sequence = 0;
  #nowUs = 0;
  #nextFrameUs = 0;
  #nextAudioUs = 0;
  #nextFeedbackUs = 0;
  #nextStallUs = 0;
  #stalledUntilUs = 0;
  #media = 0;
  #arrived = 0;
  lost = 0;

  constructor(path: Path, options: FlowOptions = {}) {
    this.path = path;
    this.mediaBps = options.mediaBps ?? 10_000_000;
    this.estimator = new BandwidthEstimator({
      startBps: options.startBps ?? 300_000,
      ...(options.minBps !== undefined && { minBps: options.minBps }),
    });
    const template = { payloadType: 96, ssrc: 1, absSendTimeId: 2, transportSequenceId: TWCC_ID };
    this.#header = new HeaderTemplate(template);
    this.#padding = new HeaderTemplate({ ...template, ssrc: 2 });
    this.sender = new PacedSender({
      estimator: this.estimator,
      send: (packet) => {
        this.#transmit(packet);
      },
      padding: (room) => this.#padding.allocatePadding(255, this.#sequence++, room),
    });
    if (options.transportSequence !== false) this.sender.setExtensions({ absSendTime: 2, transportSequence: TWCC_ID });
    this.sender.wantedBps = options.wantedBps ?? this.mediaBps;
  }

  /** Mean of what arrived between two moments, in bit/s. */
  arrivedBps(fromS: number, toS: number): number {
    const part = this.#between(fromS, toS);
    return part.reduce((sum, { arrivedBps }) => sum + arrivedBps, 0) / part.length;
  }

  /** The lowest and the highest target between two moments, in bit/s. */
  targets(fromS: number, toS: number): { readonly least: number; readonly most: number } {
    const targets = this.#between(fromS, toS).map(({ targetBps }) => targetBps);
    return { least: Math.min(...targets), most: Math.max(...targets) };
  }

  #between(fromS: number, toS: number): Interval[] {
    return this.log.filter(({ atS }) => atS > fromS && atS <= toS);
  }

  step(nowUs: number): void {
    this.#nowUs = nowUs;
    if (this.mediaBps > 0) this.#produce(nowUs);
    if (nowUs % BEAT_US === 0) this.sender.poll(nowUs);
    this.#receive(nowUs);
    for (; this.#feedback[0] && this.#feedback[0].atUs <= nowUs; this.#feedback.shift()) {
      for (const report of parseRtcp(this.#feedback[0].packet)) {
        if (report.type === 'twcc' && !this.path.deaf) this.estimator.feedback(report.packet, nowUs);
      }
    }
    if (nowUs % 100_000 === 0) this.#note(nowUs);
  }

  #produce(nowUs: number): void {
    if (nowUs >= this.#nextAudioUs) {
      this.#nextAudioUs = nowUs + AUDIO_US;
      this.#emit(80, PACER_PRIORITY.audio, nowUs);
    }
    if (nowUs < this.#nextFrameUs) return;
    this.#nextFrameUs = nowUs + FRAME_US;
    const videoBps = Math.max(20_000, Math.min(this.estimator.targetBps, this.mediaBps) - 40_000);
    let bytes = (videoBps / 8) * (FRAME_US / 1e6) * (0.8 + 0.4 * this.path.random());
    for (; bytes > 0; bytes -= PACKET_BYTES)
      this.#emit(Math.ceil(Math.min(bytes, PACKET_BYTES)), PACER_PRIORITY.video, nowUs);
  }

  #emit(payloadBytes: number, priority: 0 | 2, nowUs: number): void {
    const packet = this.#header.allocate(payloadBytes, false, this.#sequence++, 0);
    this.#media += packet.length;
    this.sender.enqueue(packet, priority, nowUs);
  }

  #transmit(packet: Buffer): void {
    const atUs = this.path.take(this.#nowUs, packet.length);
    if (Number.isNaN(atUs)) {
      this.lost++;
      return;
    }
    const arrival = { atUs, sequence: packet.readUInt16BE(21), bytes: packet.length };
    let at = this.#arrivals.length;
    while (at > 0 && this.#arrivals[at - 1]!.atUs > atUs) at--;
    this.#arrivals.splice(at, 0, arrival);
  }

  #receive(nowUs: number): void {
    const { path } = this;
    if (path.stallMs > 0 && nowUs >= this.#nextStallUs) {
      this.#nextStallUs = nowUs + (0.5 + path.random()) * path.stallEveryMs * 1000;
      this.#stalledUntilUs = nowUs + path.random() * path.stallMs * 1000;
    }
    if (nowUs >= this.#stalledUntilUs) {
      let count = 0;
      for (; count < this.#arrivals.length && this.#arrivals[count]!.atUs <= nowUs; count++) {
        const { sequence, atUs, bytes } = this.#arrivals[count]!;
        this.#recorder.record(sequence, path.stallMs > 0 ? nowUs : atUs);
        this.#arrived += bytes;
      }
      this.#arrivals.splice(0, count);
    }
    if (nowUs < this.#nextFeedbackUs) return;
    this.#nextFeedbackUs = nowUs + FEEDBACK_US;
    for (const packet of this.#recorder.build(1)) this.#feedback.push({ atUs: nowUs + path.delayMs * 1000, packet });
  }

  #note(nowUs: number): void {
    this.log.push({
      atS: nowUs / 1e6,
      targetBps: this.estimator.targetBps,
      mediaBps: this.#media * 80,
      arrivedBps: this.#arrived * 80,
      queueMs: this.path.waitingMs(nowUs),
      estimatedQueueMs: this.estimator.queueMs,
      use: this.estimator.pathUse,
      loss: this.estimator.lossRatio,
    });
    this.#media = this.#arrived = 0;
  }
}

/** Runs flows on their one path, on a clock that only this moves. */
export class Simulation {
  readonly path: Path;
  readonly flows: readonly Flow[];
  nowUs = 0;

  constructor(path: Path, ...flows: readonly Flow[]) {
    this.path = path;
    this.flows = flows;
  }

  run(seconds: number): this {
    for (const endUs = this.nowUs + seconds * 1e6; this.nowUs < endUs; this.nowUs += STEP_US) {
      const { crossBps } = this.path;
      if (crossBps > 0 && this.nowUs % 10_000 === 0) this.path.take(this.nowUs, crossBps / 800);
      for (const flow of this.flows) flow.step(this.nowUs);
    }
    return this;
  }
}
