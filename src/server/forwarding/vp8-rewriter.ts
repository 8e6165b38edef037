import { write16 } from '../../engine/rtp/bytes.js';
import type { PacketInfo } from './picture.js';
import { PictureMap } from './picture-map.js';

/**
 * Chooses the temporal layers of a forwarded VP8 stream, and keeps its picture id and tl0picidx growing steadily when layers are left
 * out or the source changes: receivers find what a picture depends on by them (RFC 7741, 4.2).
 */
export class Vp8Rewriter {
  /** The temporal layer up to which pictures are to be sent. Lower ones are left at the next picture, higher ones taken at a sync point. */
  targetTemporalId = Infinity;
  readonly #pictures = new PictureMap();
  #temporalId = Infinity;
  #lastIn: number | undefined;
  #restart = true;
  #tl0Offset = 0;
  #lastTl0 = -1;

  /** The temporal layer up to which pictures are sent now. */
  get temporalId(): number {
    return this.#temporalId;
  }

  /** The next packet is the first one of another source, or after a pause; it begins a key frame. */
  restart(): void {
    this.#restart = true;
  }

  /** Whether the packet is to be sent; every packet has to be shown here, once. */
  takes(info: PacketInfo): boolean {
    if (info.pictureId === -1) {
      this.#restart = false;
      return true;
    }
    const picture = this.#unwrap(info);
    if (this.#restart) this.#begin(info, picture);
    if (this.#pictures.undecided(picture)) this.#pictures.decide(picture, this.#shows(info));
    return this.#pictures.map(picture) !== undefined;
  }

  /** Changes the ids in a copy of the payload of a packet that `takes` has let pass; it begins at `offset`. */
  rewrite(info: PacketInfo, buffer: Uint8Array, offset: number): void {
    if (info.pictureIdOffset !== -1) {
      const out = this.#pictures.map(this.#unwrap(info)) ?? 0;
      const at = offset + info.pictureIdOffset;
      if (info.pictureIdBits === 15) write16(buffer, at, 0x8000 | (out & 0x7fff));
      else buffer[at] = out & 0x7f;
    }
    if (info.tl0PictureIndexOffset === -1) return;
    const out = (info.tl0PictureIndex + this.#tl0Offset) & 0xff;
    // Signed distance on the circle of 8 bits: a late packet does not move the last one back.
    if (this.#lastTl0 === -1 || ((out - this.#lastTl0) << 24) >> 24 > 0) this.#lastTl0 = out;
    buffer[offset + info.tl0PictureIndexOffset] = out;
  }

  #begin(info: PacketInfo, picture: number): void {
    this.#restart = false;
    this.#temporalId = this.targetTemporalId;
    this.#pictures.restart(picture);
    if (this.#lastTl0 !== -1 && info.tl0PictureIndex !== -1) this.#tl0Offset = this.#lastTl0 + 1 - info.tl0PictureIndex;
  }

  /** Decides about a picture by its first packet. */
  #shows({ startsKeyFrame, temporalId, layerSync }: PacketInfo): boolean {
    // Upwards one layer at a time: a picture that depends on the base layer only does not make those above its own decodable.
    if (startsKeyFrame || this.#temporalId > this.targetTemporalId) this.#temporalId = this.targetTemporalId;
    else if (layerSync && temporalId === this.#temporalId + 1 && temporalId <= this.targetTemporalId)
      this.#temporalId = temporalId;
    return temporalId <= this.#temporalId;
  }

  /** Picture ids of 7 or 15 bits as numbers that go on growing. */
  #unwrap({ pictureId, pictureIdBits }: PacketInfo): number {
    if (this.#lastIn === undefined || this.#restart) return (this.#lastIn = pictureId);
    const unused = 32 - pictureIdBits;
    const unwrapped = this.#lastIn + (((pictureId - this.#lastIn) << unused) >> unused);
    if (unwrapped > this.#lastIn) this.#lastIn = unwrapped;
    return unwrapped;
  }
}
