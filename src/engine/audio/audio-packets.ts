import { levelDbfs } from '../../media/pcm.js';
import type { OutboundStream } from '../outbound-stream.js';
import { PERIOD_US } from './send-beat.js';

const RTP_CLOCK_RATE = 48_000;
const PERIOD_SAMPLES = (PERIOD_US * RTP_CLOCK_RATE) / 1_000_000;
/** 20 ms of silence as an Opus packet (code 0, fullband CELT): sent where there is no encoder with a state to keep. */
export const OPUS_SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe);
/** Servers tell others of a track when they have its first packets: one that is muted begins with so many of silence. */
const MUTED_LEAD_PACKETS = 50;
/** A packet of at most this many bytes is one that DTX asks not to send (RFC 7587 section 3.1.3). */
const DTX_BYTES = 2;

/** The packets of one audio track as they leave, on the RTP time of their track: what is muted, silent or skipped has its time as well. */
export class AudioPackets {
  /** The moment that packets stand for that are sent now. */
  beatUs = 0;
  isMuted = false;
  readonly #dtx: boolean;
  #stream: OutboundStream | undefined;
  #rtpTime = 0;
  /** By how much beats have come later than RTP time tells. */
  #behindUs = 0;
  /** Packets that left since it was attached. */
  #sent = 0;
  #isTalking = false;

  constructor(dtx: boolean) {
    this.#dtx = dtx;
  }

  /** Where packets go. */
  get stream(): OutboundStream | undefined {
    return this.#stream;
  }

  /** The last packet was sent, and none has been left out since. */
  get isTalking(): boolean {
    return this.#isTalking;
  }

  attach(stream: OutboundStream | undefined): void {
    this.#stream = stream;
    this.#sent = this.#behindUs = 0;
    this.#isTalking = false;
  }

  /** Beats come later by so much; earlier, when negative. */
  beatsMoved(byUs: number): void {
    this.#behindUs += byUs;
  }

  /** `samples`: what the packet was made of; undefined where nobody knows. */
  send(packet: Uint8Array, durationUs: number, samples: Int16Array | undefined): void {
    const isDue = this.isMuted ? this.#sent < MUTED_LEAD_PACKETS : packet.length > DTX_BYTES || !this.#dtx;
    if (isDue) {
      const level = samples ? Math.min(127, Math.max(0, Math.round(-levelDbfs(samples)))) : 127;
      this.#stream?.sendAudio(
        this.isMuted ? OPUS_SILENCE : packet,
        this.#rtpTime,
        !this.#isTalking,
        level,
        this.beatUs,
      );
      this.#sent++;
    }
    this.#isTalking = isDue;
    this.#rtpTime += (durationUs * RTP_CLOCK_RATE) / 1_000_000;
  }

  /** Sends nothing for a period, whose time passes. */
  skipPeriod(): void {
    this.#rtpTime += PERIOD_SAMPLES;
    this.#isTalking = false;
    this.#moveTime(-PERIOD_SAMPLES);
  }

  /** Before a packet of silence: RTP time goes to where beats have moved. False where it is there already, with one packet less. */
  followBeats(): boolean {
    if (this.#behindUs <= -PERIOD_US) {
      this.#behindUs += PERIOD_US;
      return false;
    }
    this.#moveTime(0);
    return true;
  }

  /** RTP time goes by what beats have moved, by `least` samples or more: listeners would take it for a longer way. */
  #moveTime(least: number): void {
    const samples = Math.max(least, Math.trunc((this.#behindUs * RTP_CLOCK_RATE) / 1_000_000));
    this.#rtpTime += samples;
    this.#behindUs -= (samples * 1_000_000) / RTP_CLOCK_RATE;
  }
}
