import { BitrateSteps } from '../../src/codecs/bitrate-steps.js';
import type { LayerOrder } from '../../src/codecs/layered-encoder.js';
import { RtpPacket, isRtcp } from '../../src/engine/rtp/packet.js';
import { readTransportSequence } from '../../src/engine/rtp/header-extensions.js';
import { TwccRecorder } from '../../src/engine/rtp/twcc.js';
import type { SentSection } from '../../src/engine/sdp/negotiated.js';
import { Ticker } from '../../src/engine/ticker.js';
import type { Transport } from '../../src/engine/transport.js';
import { UplinkSender } from '../../src/engine/uplink-sender.js';
import { UplinkEntry } from '../../src/engine/uplink-track.js';
import { planLayers } from '../../src/engine/video/layer-plan.js';
import { VideoBudget } from '../../src/engine/video/video-budget.js';
import { VideoLayer } from '../../src/engine/video/video-layer.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { Path } from '../rtp/bandwidth-simulation.js';

const TWCC_ID = 3;
const FRAME_RATE = 30;
const FEEDBACK_MS = 50;
/** Of a key frame, in pictures: what the encoders are bound to. */
const KEY_SIZE = 3;

/** What was seen in one interval of 100 ms. */
export interface UplinkInterval {
  readonly atS: number;
  readonly arrivedBps: number;
  readonly availableBps: number;
  readonly targets: readonly number[];
  readonly keys: number;
}

/** Pictures of one size through a path, with everything real but the encoders, on a clock that only `run` moves. */
export class SimulatedUplink {
  readonly log: UplinkInterval[] = [];
  readonly layers: readonly VideoLayer[];
  readonly #clock = new VirtualClock();
  readonly #path: Path;
  readonly #sender: UplinkSender;
  readonly #budget: VideoBudget;
  readonly #encoders: readonly SimulatedEncoder[];
  readonly #recorder = new TwccRecorder(1);
  readonly #packet = new RtpPacket();
  readonly #size: { readonly width: number; readonly height: number };
  #arrivedBytes = 0;

  constructor(path: Path, width: number, height: number) {
    this.#path = path;
    this.#size = { width, height };
    const plan = planLayers(width, height, true);
    this.layers = plan.map((layer, index) => new VideoLayer(index, layer, 'vp8'));
    this.#encoders = plan.map(() => new SimulatedEncoder(path));
    this.#budget = new VideoBudget(this.layers, FRAME_RATE, () => this.#size);
    const ticker = new Ticker(this.#clock, 5, (error) => {
      throw error;
    });
    this.#sender = new UplinkSender(this.#clock, ticker, 'me');
    const send = (packet: Buffer): boolean => this.#transmit(packet);
    this.#sender.attach({ send } as unknown as Transport);
    this.#publish(plan, width, height);
    this.#every(1000 / FRAME_RATE, () => {
      this.#show();
    });
    this.#every(FEEDBACK_MS, () => {
      this.#feedBack();
    });
    this.#every(100, () => {
      this.#note();
    });
  }

  run(seconds: number): this {
    this.#clock.advance(seconds * 1000);
    return this;
  }

  /** Mean of what arrived between two moments, in bit/s, headers of RTP included. */
  arrivedBps(fromS: number, toS: number): number {
    const part = this.log.filter(({ atS }) => atS > fromS && atS <= toS);
    return part.reduce((sum, { arrivedBps }) => sum + arrivedBps, 0) / part.length;
  }

  #publish(layers: ReturnType<typeof planLayers>, width: number, height: number): void {
    const entry = new UplinkEntry(
      {
        kind: 'video',
        streamName: 'camera',
        muted: false,
        stereo: false,
        dtx: false,
        videoCodec: 'vp8',
        width,
        height,
        fps: FRAME_RATE,
        layers,
        onKeyFrameRequest: () => undefined,
        onWanted: () => undefined,
        demand: () => this.#budget.demand,
        setBudget: (bps) => {
          this.#budget.set(bps, this.#clock.nowUs());
        },
      },
      '1',
    );
    this.#sender.add(entry, sectionOf(layers.map((layer) => layer.rid)));
    for (const [index, layer] of this.layers.entries()) layer.stream = entry.streams[index];
    this.#sender.rebalance();
  }

  #show(): void {
    const nowUs = this.#clock.nowUs();
    for (const [index, layer] of this.layers.entries()) {
      const order = layer.order(this.#size, FRAME_RATE, FRAME_RATE, nowUs);
      const made = order && this.#encoders[index]!.encode(order, nowUs);
      if (!made) continue;
      const data = new Uint8Array(made.bytes);
      const type = made.key ? 'key' : 'delta';
      const chunk = { kind: 'encoded-video', codec: 'vp8', type, data, timestamp: nowUs, duration: 0 } as const;
      layer.sendEncoded({ ...chunk, layer: index, width: order.width, height: order.height });
    }
  }

  #transmit(packet: Buffer): boolean {
    const nowUs = this.#clock.nowUs();
    if (isRtcp(packet)) return true;
    const atUs = this.#path.take(nowUs, packet.length);
    if (Number.isNaN(atUs)) return true;
    this.#packet.parse(packet);
    const sequence = readTransportSequence(this.#packet, TWCC_ID);
    this.#clock.after((atUs - nowUs) / 1000, () => {
      this.#recorder.record(sequence, this.#clock.nowUs());
      this.#arrivedBytes += packet.length;
    });
    return true;
  }

  #feedBack(): void {
    for (const packet of this.#recorder.build(1)) {
      this.#clock.after(this.#path.delayMs, () => {
        this.#sender.receive(packet);
      });
    }
  }

  #note(): void {
    this.log.push({
      atS: this.#clock.nowUs() / 1e6,
      arrivedBps: this.#arrivedBytes * 80,
      availableBps: this.#sender.availableBps ?? 0,
      targets: this.layers.map((layer) => layer.targetBps),
      keys: this.layers.reduce((sum, layer) => sum + layer.keyFramesEncoded, 0),
    });
    this.#arrivedBytes = 0;
  }

  #every(ms: number, task: () => void): void {
    this.#clock.after(ms, () => {
      task();
      this.#every(ms, task);
    });
  }
}

/** Makes pictures of about the size that it is asked for; what changes its rate costs a key frame, as with VP8. */
class SimulatedEncoder {
  readonly #path: Path;
  #steps: BitrateSteps | undefined;
  #size = '';

  constructor(path: Path) {
    this.#path = path;
  }

  encode({ width, height, bitrate, frameRate, keyFrame }: LayerOrder, nowUs: number): { bytes: number; key: boolean } {
    const size = `${width}x${height}`;
    let key = keyFrame || size !== this.#size;
    if (!this.#steps || size !== this.#size) this.#steps = new BitrateSteps(bitrate);
    this.#size = size;
    this.#steps.want(bitrate);
    if (this.#steps.step(nowUs, keyFrame)) key = true;
    const bits = (this.#steps.current / frameRate) * (0.8 + 0.4 * this.#path.random());
    return { bytes: Math.max(100, Math.round((bits * (key ? KEY_SIZE : 1)) / 8)), key };
  }
}

function sectionOf(rids: readonly string[]): SentSection {
  return {
    mid: '1',
    kind: 'video',
    accepted: true,
    codecs: [{ name: 'vp8', payloadType: 96, rtxPayloadType: 97, clockRate: 90_000, fmtp: {}, feedback: [] }],
    extensions: { mid: 4, absSendTime: 2, transportSequence: TWCC_ID, rid: 10, repairedRid: 11 },
    rids,
    opus: { stereo: false, dtx: false, fec: false },
  };
}
