import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { type AssembledFrame, FrameAssembler } from '../../src/engine/rtp/frame-assembler.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';

const ms = 1000;

/** libwebrtc's pattern of three layers: what a picture reads, and which of the three buffers it writes. */
const L1T3 = [
  { temporalId: 0, sync: false, reads: ['last'], writes: 'last' },
  { temporalId: 2, sync: true, reads: ['last'], writes: undefined },
  { temporalId: 1, sync: true, reads: ['last'], writes: 'golden' },
  { temporalId: 2, sync: false, reads: ['last', 'golden'], writes: undefined },
  { temporalId: 0, sync: false, reads: ['last'], writes: 'last' },
  { temporalId: 2, sync: false, reads: ['last', 'golden'], writes: 'arf' },
  { temporalId: 1, sync: false, reads: ['last', 'golden'], writes: 'golden' },
  { temporalId: 2, sync: false, reads: ['last', 'golden', 'arf'], writes: undefined },
] as const;

interface Picture {
  readonly number: number;
  readonly temporalId: number;
  readonly key: boolean;
  /** Numbers of the pictures that it is predicted from. */
  readonly needs: readonly number[];
  readonly packets: Buffer[];
}

/** A VP8 stream of three temporal layers, each picture of two packets whose data carries its number. */
class LayeredStream {
  readonly pictures: Picture[] = [];
  /** Pictures above this layer are left out, as a forwarder does that closes the gap in the sequence numbers. */
  maxTemporalId = 2;
  sequence = 65_530;
  #pictureId = 32_760;
  #tl0 = 250;
  #step = 0;
  readonly #buffers = new Map<string, number>();

  next(key = false): Picture {
    if (key) this.#step = 0;
    const { temporalId, sync, reads, writes } = L1T3[this.#step++ % L1T3.length]!;
    const number = this.pictures.length;
    const needs = key ? [] : reads.map((buffer) => this.#buffers.get(buffer)!);
    if (temporalId === 0) this.#tl0++;
    this.#pictureId++;
    if (key) for (const buffer of ['last', 'golden', 'arf']) this.#buffers.set(buffer, number);
    else if (writes) this.#buffers.set(writes, number);
    const packets =
      temporalId > this.maxTemporalId
        ? []
        : [0, 1].map((index) =>
            this.#packet(number, key, { temporalId, sync, reference: key || writes !== undefined }, index),
          );
    const picture = { number, temporalId, key, needs, packets };
    this.pictures.push(picture);
    return picture;
  }

  #packet(
    number: number,
    key: boolean,
    layer: { temporalId: number; sync: boolean; reference: boolean },
    index: number,
  ): Buffer {
    const flags = 0x80 | (layer.reference ? 0 : 0x20) | (index === 0 ? 0x10 : 0);
    const id = 0x8000 | (this.#pictureId & 0x7fff);
    const layerByte = (layer.temporalId << 6) | (layer.sync ? 0x20 : 0);
    const descriptor = [flags, 0xe0, id >> 8, id & 0xff, this.#tl0 & 0xff, layerByte];
    const head = key ? [0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0] : [0x11];
    return writeRtp({
      payloadType: 96,
      ssrc: 1,
      marker: index === 1,
      sequenceNumber: this.sequence++ & 0xffff,
      timestamp: number * 3000,
      payload: Uint8Array.from([...descriptor, ...(index === 0 ? head : []), number >> 8, number & 0xff]),
    });
  }
}

/** An assembler that is told what is lost at once, and what it gave. */
class Receiver {
  readonly assembler = new FrameAssembler({ codec: 'vp8', maxAgeMs: 100 });
  readonly numbers: number[] = [];
  readonly frames: AssembledFrame[] = [];
  readonly #view = new RtpPacket();

  take(packet: Buffer, sequence: number, nowUs = 0): void {
    assert.ok(this.#view.parse(packet));
    this.assembler.insert(this.#view, sequence, this.#view.timestamp, nowUs);
    this.drain(nowUs);
  }

  lose(sequence: number, nowUs = 0): void {
    this.assembler.giveUp(sequence);
    this.drain(nowUs);
  }

  drain(nowUs: number): void {
    for (let frame = this.assembler.next(nowUs); frame; frame = this.assembler.next(nowUs)) {
      this.frames.push(frame);
      this.numbers.push(frame.timestamp / 3000);
    }
  }
}

/** Sends pictures; those that `lost` names lose the packet with that index, or both for 2. */
function play(
  count: number,
  lost: ReadonlyMap<number, number>,
  stream = new LayeredStream(),
  receiver = new Receiver(),
) {
  for (let i = 0; i < count; i++) {
    const first = stream.sequence;
    const picture = stream.next(stream.pictures.length === 0);
    picture.packets.forEach((packet, index) => {
      const hit = lost.get(picture.number);
      if (hit === 2 || hit === index) receiver.lose(first + index);
      else receiver.take(packet, first + index);
    });
  }
  return { stream, receiver };
}

t.test('without loss everything comes, and what nobody needs is said to be so', (t) => {
  const { receiver } = play(17, new Map());
  t.same(receiver.numbers, [...Array(17).keys()]);
  t.same(
    receiver.frames.map(({ discardable }) => discardable),
    [...Array(17).keys()].map((number) => [1, 3, 7].includes(number % 8)),
  );
  t.end();
});

t.test('a forwarder may leave out upper layers and take them in again: no key frame is needed', (t) => {
  const stream = new LayeredStream();
  const receiver = new Receiver();
  play(9, new Map(), stream, receiver);
  stream.maxTemporalId = 0;
  play(16, new Map(), stream, receiver);
  stream.maxTemporalId = 2;
  play(8, new Map(), stream, receiver);
  t.same(
    receiver.numbers,
    stream.pictures.filter(({ packets }) => packets.length > 0).map(({ number }) => number),
  );
  t.equal(receiver.assembler.needsKeyFrame, false);
  t.equal(receiver.assembler.stats.losses, 0);
  t.end();
});

for (const [what, lost, missing] of [
  ['a picture of the highest layer, in part', [[5, 0]], [5, 7]],
  ['one that nobody needs, whole', [[3, 2]], [3, 5, 6, 7]],
  ['one of the middle layer', [[6, 1]], [6, 7]],
  ['one of the middle layer, whole', [[6, 2]], [6, 7]],
] as const) {
  t.test(`a lost picture above the base costs some of its layer, and no key frame: ${what}`, (t) => {
    const { receiver } = play(17, new Map(lost));
    t.same(
      receiver.numbers,
      [...Array(17).keys()].filter((number) => !(missing as readonly number[]).includes(number)),
    );
    t.equal(receiver.assembler.needsKeyFrame, false);
    t.end();
  });
}

t.test('a lost picture of the base needs a key frame, which is asked for as soon as that is certain', (t) => {
  for (const hit of [0, 1, 2]) {
    const { stream, receiver } = play(4, new Map());
    play(1, new Map([[4, hit]]), stream, receiver);
    play(1, new Map(), stream, receiver);
    t.equal(receiver.assembler.needsKeyFrame, true, `packet ${hit}`);
    play(3, new Map(), stream, receiver);
    t.same(receiver.numbers, [0, 1, 2, 3]);
    const first = stream.sequence;
    stream.next(true).packets.forEach((packet, i) => {
      receiver.take(packet, first + i);
    });
    t.equal(receiver.assembler.needsKeyFrame, false);
    t.equal(receiver.numbers.at(-1), 9);
  }
  t.end();
});

t.test('what may still come is waited for, unless what follows can do without it for too long', (t) => {
  const { stream, receiver } = play(5, new Map());
  const first = stream.sequence;
  const late = stream.next();
  play(2, new Map(), stream, receiver);
  t.equal(receiver.numbers.length, 5, 'picture 5 is missing');
  t.equal(receiver.assembler.needsKeyFrame, false);
  late.packets.forEach((packet, i) => {
    receiver.take(packet, first + i, 50 * ms);
  });
  t.same(receiver.numbers.slice(5), [5, 6, 7]);
  play(1, new Map(), stream, receiver);
  stream.next();
  play(6, new Map(), stream, receiver);
  receiver.drain(100 * ms);
  t.equal(receiver.numbers.length, 9);
  receiver.drain(101 * ms);
  t.same(
    receiver.numbers.slice(9),
    [10, 12, 14],
    'picture 9 never came, and with it those of its layer up to the next sync',
  );
  stream.next();
  play(5, new Map(), stream, receiver);
  receiver.drain(300 * ms);
  t.equal(receiver.numbers.length, 12, 'past a picture of the base there is no way');
  t.equal(receiver.assembler.needsKeyFrame, true);
  t.end();
});

t.test('whatever is lost, nothing is handed out whose pictures to predict from were not', (t) => {
  const hits = fc.array(fc.tuple(fc.integer({ min: 1, max: 59 }), fc.integer({ min: 0, max: 2 })), { maxLength: 12 });
  fc.assert(
    fc.property(hits, fc.array(fc.integer({ min: 1, max: 59 }), { maxLength: 3 }), (lost, keys) => {
      const stream = new LayeredStream();
      const receiver = new Receiver();
      const map = new Map(lost);
      for (let i = 0; i < 60; i++) {
        const first = stream.sequence;
        const picture = stream.next(i === 0 || keys.includes(i));
        picture.packets.forEach((packet, index) => {
          const hit = map.get(i);
          if (hit === 2 || hit === index) receiver.lose(first + index);
          else receiver.take(packet, first + index);
        });
      }
      const taken = new Set(receiver.numbers);
      for (const number of receiver.numbers)
        for (const needed of stream.pictures[number]!.needs) assert.ok(taken.has(needed), `${number} needs ${needed}`);
      assert.deepEqual(
        receiver.numbers,
        [...receiver.numbers].sort((a, b) => a - b),
      );
    }),
    {
      numRuns: 500,
      // The end of one picture is there before it is known that the next one is lost.
      examples: [
        [
          [
            [2, 2],
            [1, 0],
          ],
          [],
        ],
      ],
    },
  );
  t.end();
});
