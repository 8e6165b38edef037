import { createVideoDecoder, type VideoDecoder } from '../../src/codecs/video-decoder.js';
import { createVideoEncoder, type VideoEncoder } from '../../src/codecs/video-encoder.js';
import { InboundTrack } from '../../src/engine/inbound-track.js';
import type { InboundStats } from '../../src/engine/port.js';
import { PacketHistory } from '../../src/engine/rtp/history.js';
import { HeaderTemplate } from '../../src/engine/rtp/packet-writer.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { wrapRtx } from '../../src/engine/rtp/rtx.js';
import { Vp8Packetizer } from '../../src/engine/rtp/vp8.js';
import type { NegotiatedCodec } from '../../src/engine/sdp/negotiated.js';
import { SenderClock } from '../../src/engine/sender-clock.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import { drawPattern, readPattern } from '../../src/media/pattern.js';

const VP8: NegotiatedCodec = {
  name: 'vp8',
  payloadType: 96,
  rtxPayloadType: 97,
  clockRate: 90_000,
  fmtp: {},
  feedback: ['nack', 'nack pli'],
};

const SSRC = 5;
const WIDTH = 320;
const HEIGHT = 192;
export const FPS = 30;
const FRAME_MS = 1000 / FPS;
/** Small, so that the pictures of the pattern take several packets, as those of a camera do. */
const PAYLOAD_BYTES = 60;
/** A server passes on requests for key frames at most this often. */
const KEY_FRAME_INTERVAL_US = 500_000;

/** What happens to a packet on its way, either way. */
export interface WayConditions {
  loss: number;
  delayMs: number;
  /** Added evenly to each packet on its own: packets overtake each other. */
  jitterMs: number;
}

export interface Shown {
  readonly number: number | undefined;
  readonly atUs: number;
  readonly timestampUs: number;
}

/** Pictures of a real encoder on a way that loses and delays packets, to a receiver of the engine and a real decoder, by the virtual clock. */
export class VideoWay {
  readonly clock = new VirtualClock();
  readonly conditions: WayConditions;
  readonly shown: Shown[] = [];
  readonly track: InboundTrack;
  /** Pictures that the sender made, and those among them that were key frames. */
  made = 0;
  readonly keyFrames: number[] = [];
  lost = 0;
  resent = 0;
  /** Drops packets of the picture with this number for ever. */
  neverDelivered: number | undefined;
  /** Number of the picture that a packet belongs to, by its RTP time. */
  readonly #numbers = new Map<number, number>();
  readonly #encoder: VideoEncoder;
  readonly #decoder: VideoDecoder;
  readonly #template = new HeaderTemplate({ payloadType: VP8.payloadType, ssrc: SSRC });
  readonly #packetizer = new Vp8Packetizer(32_760);
  readonly #history = new PacketHistory();
  readonly #view = new RtpPacket();
  #sequence = 65_500;
  #rtxSequence = 0;
  #random: number;
  #keyWanted = false;
  #keySentUs = -Infinity;

  private constructor(conditions: WayConditions, seed: number, encoder: VideoEncoder, decoder: VideoDecoder) {
    this.conditions = conditions;
    this.#random = seed;
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.track = new InboundTrack({
      trackSid: 'TR_1',
      participantSid: 'PA_1',
      kind: 'video',
      clock: this.clock,
      sender: new SenderClock(),
      roundTripUs: () => 2 * conditions.delayMs * 1000 + conditions.jitterMs * 1000,
      requestPackets: (_, numbers) => {
        this.#cross(() => this.#retransmit(numbers));
      },
      requestKeyFrame: () => {
        this.#cross(() => {
          this.#keyWanted = true;
        });
      },
      onError: (error) => {
        throw error;
      },
    });
    this.track.video?.add({
      encodedVideo: (chunk) => {
        this.#show(chunk);
      },
    });
  }

  static async open(conditions: WayConditions, seed = 1): Promise<VideoWay> {
    const options = { codec: 'vp8', width: WIDTH, height: HEIGHT, frameRate: FPS, bitrate: 800_000 } as const;
    return new VideoWay(
      conditions,
      seed,
      await createVideoEncoder(options),
      await createVideoDecoder({ codec: 'vp8' }),
    );
  }

  /** Lets so much time pass. */
  play(seconds: number): void {
    const endUs = this.clock.nowUs() + seconds * 1e6;
    while (this.clock.nowUs() < endUs) {
      this.#make();
      this.clock.advance(FRAME_MS);
    }
  }

  stats(): InboundStats | undefined {
    return this.track.stats('s', { decoded: 0, dropped: 0, decodeUs: 0, width: 0, height: 0 }, this.clock.nowUs());
  }

  /** The longest time between two pictures from a moment on, in ms; to now, if it is longer. */
  longestGapMs(fromUs: number): number {
    let last = fromUs;
    let longest = 0;
    for (const { atUs } of [...this.shown, { atUs: this.clock.nowUs() }]) {
      if (atUs < fromUs) continue;
      longest = Math.max(longest, atUs - last);
      last = atUs;
    }
    return longest / 1000;
  }

  close(): void {
    this.track.close();
    this.#encoder.close();
    this.#decoder.close();
  }

  #make(): void {
    const nowUs = this.clock.nowUs();
    const number = this.made++;
    const keyFrame = number === 0 || (this.#keyWanted && nowUs - this.#keySentUs >= KEY_FRAME_INTERVAL_US);
    const data = drawPattern(number, WIDTH, HEIGHT);
    const frame = { kind: 'video', data, width: WIDTH, height: HEIGHT, format: 'YUV420P', timestamp: nowUs } as const;
    const chunk = this.#encoder.encode(frame, { keyFrame });
    if (!chunk) throw new Error('the encoder gave nothing');
    if (chunk.type === 'key') {
      this.#keyWanted = false;
      this.#keySentUs = nowUs;
      this.keyFrames.push(number);
    }
    this.#send(chunk, number);
  }

  #send(chunk: EncodedVideoChunk, number: number): void {
    const rtpTime = (Math.round(this.clock.nowUs() * 0.09) + 0xffff_0000) >>> 0;
    this.#numbers.set(rtpTime, number);
    const count = this.#packetizer.begin(chunk.data, PAYLOAD_BYTES);
    for (let i = 0; i < count; i++) {
      const packet = this.#template.allocate(
        this.#packetizer.length(i),
        i === count - 1,
        this.#sequence & 0xffff,
        rtpTime,
      );
      this.#packetizer.write(i, packet, this.#template.headerLength);
      this.#history.put(this.#sequence++ & 0xffff, packet, this.clock.nowUs());
      this.#carry(packet, number);
    }
  }

  #carry(packet: Buffer, number: number): void {
    if (number === this.neverDelivered) {
      this.lost++;
      return;
    }
    this.#cross(() => {
      const nowUs = this.clock.nowUs();
      if (!this.#view.parse(packet)) throw new Error('no packet');
      if (this.#view.payloadType === VP8.payloadType) this.track.receive(this.#view, VP8, [SSRC], nowUs);
      else this.track.receiveRtx(this.#view, VP8, new Map(), nowUs);
    });
  }

  #retransmit(numbers: readonly number[]): void {
    for (const wanted of numbers) {
      const original = this.#history.take(wanted, this.clock.nowUs(), 20_000);
      if (!original || !this.#view.parse(original)) continue;
      const number = this.#numbers.get(this.#view.timestamp) ?? -1;
      this.resent++;
      this.#carry(wrapRtx(this.#view, { ssrc: 6, payloadType: 97, sequenceNumber: this.#rtxSequence++ }), number);
    }
  }

  #cross(arrive: () => void): void {
    const { loss, delayMs, jitterMs } = this.conditions;
    if (this.#next() < loss) {
      this.lost++;
      return;
    }
    this.clock.after(delayMs + this.#next() * jitterMs, arrive);
  }

  #show(chunk: EncodedVideoChunk): void {
    const picture = this.#decoder.decode(chunk);
    this.shown.push({
      number: picture && readPattern(picture),
      atUs: this.clock.nowUs(),
      timestampUs: chunk.timestamp,
    });
  }

  /** 0 to 1, by the seed. */
  #next(): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return this.#random / 0x1_0000_0000;
  }
}
