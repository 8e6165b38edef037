import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { Vp8Descriptor } from '../../src/engine/rtp/vp8.js';
import { MARK_OFFSET, type SimulcastSource, type SourcePicture } from './layered-source.js';

/** A picture as a subscriber got it. */
export interface ShownPicture {
  readonly source: SourcePicture;
  readonly pictureId: number;
  readonly tl0: number;
  readonly timestamp: number;
  readonly atUs: number;
  readonly sequences: number[];
}

const RIDS = ['q', 'h', 'f'];

/** What one subscriber gets of a SimulcastSource, put together again as a receiver does it. */
export class ShownStream {
  readonly pictures: ShownPicture[] = [];
  /** All numbers that came, without those of empty packets. */
  readonly sequences: number[] = [];
  empty = 0;
  readonly #source: SimulcastSource;
  readonly #packet = new RtpPacket();
  readonly #descriptor = new Vp8Descriptor();

  constructor(source: SimulcastSource) {
    this.#source = source;
  }

  receive(buffer: Buffer): void {
    const packet = this.#packet;
    if (!packet.parse(buffer)) throw new Error('not a packet');
    this.sequences.push(packet.sequenceNumber);
    if (packet.payloadLength === 0) {
      this.empty++;
      return;
    }
    const payload = Buffer.from(packet.payload());
    this.#descriptor.parse(payload, 0, payload.length);
    const rid = RIDS[payload[MARK_OFFSET + 4]!]!;
    const source = this.#source.layer(rid).pictures[payload.readUInt32BE(MARK_OFFSET)]!;
    let picture = this.pictures.findLast((one) => one.source === source);
    if (!picture) {
      picture = {
        source,
        pictureId: this.#descriptor.pictureId,
        tl0: this.#descriptor.tl0PictureIndex,
        timestamp: packet.timestamp,
        atUs: this.#source.nowUs,
        sequences: [],
      };
      this.pictures.push(picture);
    }
    picture.sequences.push(packet.sequenceNumber);
  }

  /**
   * What is wrong with the stream as a whole; empty when a receiver can show every picture of it. `onTime`: it came without a network
   * in between, so that its timestamps are those of its coming.
   */
  faults(onTime = true): string[] {
    const faults: string[] = [];
    const whole = new Map<string, Set<number>>();
    this.sequences.sort((a, b) => ((a - b) << 16) >> 16);
    for (let i = 1; i < this.sequences.length; i++) {
      const step = (this.sequences[i]! - this.sequences[i - 1]!) & 0xffff;
      if (step !== 1) faults.push(`sequence ${this.sequences[i - 1]} is followed by ${this.sequences[i]}`);
    }
    for (const [i, picture] of this.pictures.entries()) {
      const { source } = picture;
      const name = `${source.rid}${source.number} (picture ${picture.pictureId})`;
      if (picture.sequences.length !== source.packets) faults.push(`${name} has ${picture.sequences.length} packets`);
      const before = this.pictures[i - 1];
      if (before) faults.push(...followFaults(before, picture, name, onTime));
      if (source.key) whole.set(source.rid, new Set());
      const decoded = source.key || before?.source.rid === source.rid ? whole.get(source.rid) : undefined;
      if (!decoded) faults.push(`${name} comes after another layer without a key frame`);
      for (const need of source.needs) if (!decoded?.has(need)) faults.push(`${name} needs ${source.rid}${need}`);
      decoded?.add(source.number);
    }
    return faults;
  }

  /** The longest time between two pictures, in ms. */
  longestGapMs(): number {
    let longest = 0;
    for (let i = 1; i < this.pictures.length; i++) {
      longest = Math.max(longest, this.pictures[i]!.atUs - this.pictures[i - 1]!.atUs);
    }
    return longest / 1000;
  }
}

function followFaults(before: ShownPicture, picture: ShownPicture, name: string, onTime: boolean): string[] {
  const faults: string[] = [];
  if (((picture.pictureId - before.pictureId) & 0x7fff) !== 1) faults.push(`${name} follows ${before.pictureId}`);
  const tl0Step = (picture.tl0 - before.tl0) & 0xff;
  if (tl0Step !== (picture.source.temporalId === 0 ? 1 : 0)) faults.push(`${name} steps tl0picidx by ${tl0Step}`);
  const elapsed = (picture.timestamp - before.timestamp) | 0;
  if (elapsed <= 0) faults.push(`${name} goes ${elapsed} in time`);
  const realMs = (picture.atUs - before.atUs) / 1000;
  if (onTime && Math.abs(elapsed / 90 - realMs) > 2)
    faults.push(`${name} comes ${elapsed / 90} ms later, not ${realMs}`);
  return faults;
}
