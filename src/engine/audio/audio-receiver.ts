import type { EncodedAudioChunk } from '../../media/encoded-chunk.js';
import { MediaTimeline } from '../media-timeline.js';
import { type AudioPacket, JitterBuffer, type JitterBufferResult } from '../rtp/jitter-buffer.js';
import { SequenceUnwrapper, TimestampUnwrapper } from '../rtp/sequence.js';
import type { AudioConsumer, EncodedAudioConsumer } from './audio-consumer.js';
import { AudioDecoding } from './audio-decoding.js';
import { PERIOD_US } from './audio-sender.js';

const CLOCK_RATE = 48_000;
const PERIOD_SAMPLES = 960;
/** Two packets: one that is a beat late is still in time. */
const MIN_DELAY_MS = 40;
/** Beyond this the time stamps jump to where the packets are, in µs. */
const MAX_TIMESTAMP_ERROR_US = 60_000;

/** Receives one audio track: order, loss and jitter, and decoding for those who read it, and for nobody else. */
export class AudioReceiver {
  readonly #jitterBuffer = new JitterBuffer({
    minDelayMs: MIN_DELAY_MS,
    // What is left out to catch up is still a packet for those who keep them.
    onLeftOut: (packet) => {
      if (this.#encoded.size > 0) this.#passOn(packet);
    },
  });
  readonly #timeline = new MediaTimeline(CLOCK_RATE);
  readonly #sequences = new SequenceUnwrapper();
  readonly #timestamps = new TimestampUnwrapper();
  readonly #onError: (error: unknown) => void;
  readonly #decodings = new Map<string, AudioDecoding>();
  readonly #encoded = new Set<EncodedAudioConsumer>();
  #started = false;
  /** Samples that were played beyond the last beat: packets may be longer than one. */
  #aheadSamples = 0;
  #nextTimestampUs = 0;
  #lastEncodedUs = 0;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get stats(): JitterBuffer['stats'] {
    return this.#jitterBuffer.stats;
  }

  add(consumer: AudioConsumer): void {
    const key = `${consumer.format.sampleRate}/${consumer.format.numberOfChannels}`;
    let decoding = this.#decodings.get(key);
    if (!decoding) {
      decoding = new AudioDecoding(consumer.format, this.#onError);
      this.#decodings.set(key, decoding);
    }
    decoding.consumers.add(consumer);
  }

  remove(consumer: AudioConsumer): void {
    for (const [key, decoding] of this.#decodings) {
      if (!decoding.consumers.delete(consumer) || decoding.consumers.size > 0) continue;
      decoding.close();
      this.#decodings.delete(key);
    }
    this.#restIfUnread();
  }

  addEncoded(consumer: EncodedAudioConsumer): void {
    this.#encoded.add(consumer);
  }

  removeEncoded(consumer: EncodedAudioConsumer): void {
    this.#encoded.delete(consumer);
    this.#restIfUnread();
  }

  /** Takes a packet's payload; `silent` when its sender measured silence. The payload is kept. */
  receive(sequenceNumber: number, rtpTimestamp: number, payload: Uint8Array, arrivalUs: number, silent: boolean): void {
    const sequence = this.#sequences.unwrap(sequenceNumber);
    const timestamp = this.#timestamps.unwrap(rtpTimestamp);
    this.#timeline.observe(timestamp, arrivalUs);
    if (this.#isRead()) this.#jitterBuffer.insert(sequence, timestamp, payload, arrivalUs, silent);
  }

  /** Forgets the packets of a source that was replaced by another. */
  restart(): void {
    this.#jitterBuffer.reset();
    this.#sequences.reset();
    this.#timestamps.reset();
    this.#timeline.reset();
  }

  /** One beat of 20 ms: plays so much. */
  tick(nowUs: number): void {
    if (!this.#isRead()) return;
    while (this.#aheadSamples < PERIOD_SAMPLES) {
      const result = this.#jitterBuffer.pull(nowUs);
      this.#play(result);
      this.#aheadSamples += result.durationSamples;
    }
    this.#aheadSamples -= PERIOD_SAMPLES;
    if (!this.#started) return;
    for (const decoding of this.#decodings.values()) decoding.deliver(this.#nextTimestampUs);
    this.#nextTimestampUs += PERIOD_US;
  }

  close(): void {
    for (const decoding of this.#decodings.values()) decoding.close();
    this.#decodings.clear();
    this.#encoded.clear();
  }

  #isRead(): boolean {
    return this.#decodings.size > 0 || this.#encoded.size > 0;
  }

  #restIfUnread(): void {
    if (this.#isRead()) return;
    this.#jitterBuffer.reset();
    this.#started = false;
    this.#aheadSamples = 0;
  }

  #play(result: JitterBufferResult): void {
    switch (result.type) {
      case 'packet':
        this.#align(result.packet);
        for (const decoding of this.#decodings.values()) decoding.decode(result.packet.payload, result.durationSamples);
        if (this.#encoded.size > 0) this.#passOn(result.packet);
        break;
      case 'lost':
        for (const decoding of this.#decodings.values()) decoding.conceal(result.next?.payload, result.durationSamples);
        break;
      case 'empty':
        if (this.#started) for (const decoding of this.#decodings.values()) decoding.silence(result.durationSamples);
        break;
    }
  }

  /** Keeps the time stamps that are given out on those of the packets, without ever going back. */
  #align(packet: AudioPacket): void {
    const aheadUs = (this.#aheadSamples * 1_000_000) / CLOCK_RATE;
    const timestampUs = this.#timeline.timestampUs(packet.timestamp) - aheadUs;
    if (!this.#started) this.#nextTimestampUs = Math.max(timestampUs, this.#nextTimestampUs);
    else if (timestampUs - this.#nextTimestampUs > MAX_TIMESTAMP_ERROR_US) this.#nextTimestampUs = timestampUs;
    this.#started = true;
  }

  #passOn(packet: AudioPacket): void {
    // A better estimate of the time line must not turn time back.
    this.#lastEncodedUs = Math.max(this.#lastEncodedUs, Math.round(this.#timeline.timestampUs(packet.timestamp)));
    const chunk: EncodedAudioChunk = {
      kind: 'encoded-audio',
      codec: 'opus',
      data: packet.payload,
      timestamp: this.#lastEncodedUs,
      duration: (packet.durationSamples * 1_000_000) / CLOCK_RATE,
    };
    for (const consumer of this.#encoded) consumer.encodedAudio(chunk);
  }
}
