import { createOpusDecoder, type OpusDecoder, type OpusSampleRate } from '../../codecs/opus.js';

/** Set in the first byte of a packet with two channels (RFC 6716, 3.1). */
const STEREO_BIT = 4;

/**
 * An Opus decoder of two channels from the first packet on that has two, and of one before: what is sent with one costs a third less to
 * decode as one. Opens in its own time.
 */
export class TrackDecoder {
  readonly #sampleRate: number;
  readonly #mostChannels: number;
  readonly #onError: (error: unknown) => void;
  #decoder: OpusDecoder | undefined;
  #channels = 1;
  #widens = false;
  #closed = false;

  constructor(sampleRate: number, mostChannels: number, onError: (error: unknown) => void) {
    this.#sampleRate = sampleRate;
    this.#mostChannels = mostChannels;
    this.#onError = onError;
    this.#open(1).catch(onError);
  }

  /** Of what it decodes now. */
  get numberOfChannels(): number {
    return this.#channels;
  }

  /** What was asked for is open. */
  get isOpen(): boolean {
    return this.#decoder !== undefined && this.#channels === (this.#widens ? 2 : 1);
  }

  /** Undefined while it is not open. */
  for(packet: Uint8Array | undefined): OpusDecoder | undefined {
    if (packet && (packet[0]! & STEREO_BIT) !== 0 && !this.#widens && this.#mostChannels === 2) {
      this.#widens = true;
      this.#open(2).catch(this.#onError);
    }
    return this.#decoder;
  }

  close(): void {
    this.#closed = true;
    this.#decoder?.close();
    this.#decoder = undefined;
  }

  async #open(numberOfChannels: 1 | 2): Promise<void> {
    const decoder = await createOpusDecoder({ sampleRate: this.#sampleRate as OpusSampleRate, numberOfChannels });
    // The narrow one may have been asked for first and come last.
    if (numberOfChannels < this.#channels) {
      decoder.close();
      return;
    }
    this.#decoder?.close();
    this.#decoder = decoder;
    this.#channels = numberOfChannels;
    if (this.#closed) this.close();
  }
}
