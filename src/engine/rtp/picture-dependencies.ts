import type { FramePayload } from './frame-payload.js';

/** `decodable`: all that it needs was taken. `skip`: not decodable, but no base picture either. `broken`: only a key picture helps. */
export type Verdict = 'decodable' | 'skip' | 'broken';

/** VP8's descriptor has two bits for temporal layers. */
const MAX_LAYERS = 4;

/**
 * Tells which pictures can still be decoded after a loss, from what VP8's payload descriptors say (RFC 7741, 4.2): picture id, tl0picidx,
 * temporal layer, layer sync and non-reference. Without them, as in H.264, every loss breaks the chain up to the next key picture.
 * While nothing is lost it is not to be asked: a forwarder that leaves out layers closes the gap in the sequence numbers.
 */
export class PictureDependencies {
  #broken = true;
  /** Something is missing behind the picture that was seen last, and nobody knows what it was. */
  #gap = false;
  /** Of the picture seen last, whether it was taken or not. */
  #pictureId = -1;
  #tl0 = -1;
  /** Whether a layer above the base is complete since its last sync. */
  readonly #whole: boolean[] = new Array<boolean>(MAX_LAYERS).fill(false);

  /** Nothing but a key picture can be decoded. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Some picture may not be decodable, though its packets are all there: ask `judge`. */
  get uncertain(): boolean {
    return this.#broken || this.#gap || this.#whole.includes(false);
  }

  /** Packets are missing for good in front of the next picture. */
  lost(): void {
    this.#gap = true;
    if (this.#pictureId === -1 && this.#tl0 === -1) this.#broken = true;
  }

  /** What can be done with a picture, by the payload that begins it. `mayMiss`: something may be missing in front of it. */
  judge(payload: FramePayload, mayMiss = false): Verdict {
    if (payload.key) return 'decodable';
    if (this.#broken) return 'broken';
    if (this.#isKnown(payload)) return 'skip';
    const gap = mayMiss || this.#gap;
    if (payload.temporalId === -1 || payload.tl0PictureIndex === -1 || this.#tl0 === -1)
      return !gap || this.#follows(payload) ? 'decodable' : 'broken';
    const ahead = (payload.tl0PictureIndex - this.#tl0) & 0xff;
    if (ahead >= 0x80) return 'skip';
    if (payload.temporalId === 0) return ahead === 1 ? 'decodable' : ahead === 0 ? 'skip' : 'broken';
    if (ahead > 0) return 'broken';
    if (payload.layerSync) return 'decodable';
    if (gap && !this.#follows(payload)) return 'skip';
    for (let layer = 1; layer <= payload.temporalId; layer++) if (!this.#whole[layer]) return 'skip';
    return 'decodable';
  }

  /** A picture was handed to the decoder. */
  took(payload: FramePayload, key: boolean): void {
    if (key) {
      this.#whole.fill(true);
      this.#broken = false;
    } else this.#closeGap(payload);
    this.#gap = false;
    if (payload.temporalId > 0 && payload.layerSync) this.#whole[payload.temporalId] = true;
    this.#see(payload);
  }

  /** A base picture cannot be had. */
  breakChain(): void {
    this.#broken = true;
  }

  /** A picture was given up, whole or in part. `mayMiss`: something is missing in front of it. */
  skipped(payload: FramePayload, mayMiss = false): void {
    if (this.#isKnown(payload)) return;
    this.#gap ||= mayMiss;
    this.#closeGap(payload);
    if (payload.nonReference) this.#see(payload);
    else if (payload.temporalId > 0) {
      this.#whole.fill(false, payload.temporalId);
      this.#pictureId = payload.pictureId;
    } else this.#broken = true;
  }

  /** Begins anew with another source. */
  reset(): void {
    this.#broken = true;
    this.#gap = false;
    this.#pictureId = this.#tl0 = -1;
    this.#whole.fill(false);
  }

  /** Whether nothing is missing between a picture and the one seen last. */
  #follows(payload: FramePayload): boolean {
    return this.#ahead(payload) <= 1;
  }

  /** Whether a picture has been seen, or others behind it. */
  #isKnown(payload: FramePayload): boolean {
    const ahead = this.#ahead(payload);
    return ahead === 0 || (ahead !== Infinity && ahead > (payload.pictureIdBits === 15 ? 0x3fff : 0x3f));
  }

  /** How many pictures behind the one seen last, around the circle; Infinity where nobody knows. */
  #ahead({ pictureId, pictureIdBits }: FramePayload): number {
    if (pictureId === -1 || this.#pictureId === -1) return Infinity;
    return (pictureId - this.#pictureId) & (pictureIdBits === 15 ? 0x7fff : 0x7f);
  }

  /** Whole pictures that were lost may have belonged to any layer above the base. */
  #closeGap(payload: FramePayload): void {
    if (this.#gap && !this.#follows(payload)) this.#whole.fill(false);
    this.#gap = false;
  }

  #see(payload: FramePayload): void {
    this.#pictureId = payload.pictureId;
    if (payload.temporalId <= 0) this.#tl0 = payload.tl0PictureIndex;
  }
}
