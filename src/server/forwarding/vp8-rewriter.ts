import { Vp8Descriptor, setVp8PictureId, setVp8Tl0PictureIndex } from '../../engine/rtp/vp8.js';

/**
 * Keeps picture id and tl0picidx of a forwarded VP8 stream growing steadily when its source changes: receivers find what a
 * picture depends on by them (RFC 7741, 4.2).
 */
export class Vp8Rewriter {
  readonly #descriptor = new Vp8Descriptor();
  #pictureIdOffset = 0;
  #tl0Offset = 0;
  #lastPictureId = -1;
  #lastTl0 = -1;

  /** Changes a payload in place. `restart`: it is the first one of another source, or after a pause. */
  rewrite(buffer: Uint8Array, offset: number, payloadLength: number, restart: boolean): void {
    const descriptor = this.#descriptor;
    if (!descriptor.parse(buffer, offset, payloadLength)) return;
    const { pictureId, tl0PictureIndex } = descriptor;
    if (restart) {
      if (this.#lastPictureId !== -1 && pictureId !== -1) this.#pictureIdOffset = this.#lastPictureId + 1 - pictureId;
      if (this.#lastTl0 !== -1 && tl0PictureIndex !== -1) this.#tl0Offset = this.#lastTl0 + 1 - tl0PictureIndex;
    }
    if (pictureId !== -1) {
      const out = (pictureId + this.#pictureIdOffset) & 0x7fff;
      // Signed distance on the circle of 15 bits: a late packet does not move the last one back.
      if (this.#lastPictureId === -1 || ((out - this.#lastPictureId) << 17) >> 17 > 0) this.#lastPictureId = out;
      setVp8PictureId(buffer, descriptor, out);
    }
    if (tl0PictureIndex === -1) return;
    const out = (tl0PictureIndex + this.#tl0Offset) & 0xff;
    if (this.#lastTl0 === -1 || ((out - this.#lastTl0) << 24) >> 24 > 0) this.#lastTl0 = out;
    setVp8Tl0PictureIndex(buffer, descriptor, out);
  }
}
