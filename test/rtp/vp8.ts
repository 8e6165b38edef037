import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { TemporalPlace } from '../../src/codecs/temporal-layers.js';
import {
  Vp8Descriptor,
  Vp8Packetizer,
  isVp8KeyFrame,
  setVp8PictureId,
  setVp8Tl0PictureIndex,
  vp8KeyFrameSize,
} from '../../src/engine/rtp/vp8.js';

t.test('descriptor fields, bit by bit', (t) => {
  const descriptor = new Vp8Descriptor();
  const read = (...bytes: number[]) => descriptor.parse(Uint8Array.from([0xee, ...bytes, 0xee]), 1, bytes.length);

  t.ok(read(0x10, 0xaa));
  t.match(descriptor, {
    length: 1,
    frameStart: true,
    nonReference: false,
    pictureId: -1,
    pictureIdBits: 0,
    tl0PictureIndex: -1,
    temporalId: -1,
    keyIndex: -1,
  });
  t.ok(read(0xb0, 0xf0, 0x92, 0x34, 0x56, 0b10_1_00111, 0xaa));
  t.match(descriptor, {
    length: 6,
    frameStart: true,
    nonReference: true,
    pictureId: 0x1234,
    pictureIdBits: 15,
    tl0PictureIndex: 0x56,
    temporalId: 2,
    layerSync: true,
    keyIndex: 7,
  });
  t.ok(read(0x80, 0x80, 0x7f, 0xaa));
  t.match(descriptor, {
    length: 3,
    frameStart: false,
    pictureId: 0x7f,
    pictureIdBits: 7,
    temporalId: -1,
    keyIndex: -1,
  });
  t.ok(read(0x90, 0x20, 0x40, 0xaa));
  t.match(descriptor, { length: 3, temporalId: 1, keyIndex: -1, layerSync: false, pictureId: -1 });
  t.ok(read(0x90, 0x10, 0x05, 0xaa));
  t.match(descriptor, { length: 3, temporalId: -1, keyIndex: 5 });
  t.ok(read(0x12, 0xaa));
  t.match(descriptor, { partitionIndex: 2, partitionStart: true, frameStart: false });

  t.notOk(read(0x10), 'nothing behind the descriptor');
  t.notOk(read(0x90), 'cut short');
  t.notOk(read(0x90, 0x80));
  t.notOk(read(0x90, 0x80, 0x81));
  t.notOk(read(0x90, 0xf0, 0x92, 0x34, 0x56));
  t.notOk(descriptor.parse(Uint8Array.of(0x10, 0), 0, 3), 'longer than the buffer');
  t.end();
});

t.test('picture id and tl0picidx are rewritten in place, in their width', (t) => {
  const descriptor = new Vp8Descriptor();
  const long = Uint8Array.of(0x90, 0xe0, 0x80, 0x01, 0x05, 0x40, 0xaa);
  t.ok(descriptor.parse(long, 0, long.length));
  setVp8PictureId(long, descriptor, 0x1_7fff);
  setVp8Tl0PictureIndex(long, descriptor, 0x1ff);
  t.same([...long], [0x90, 0xe0, 0xff, 0xff, 0xff, 0x40, 0xaa]);
  const short = Uint8Array.of(0x90, 0x80, 0x01, 0xaa);
  t.ok(descriptor.parse(short, 0, short.length));
  setVp8PictureId(short, descriptor, 0x1ff);
  setVp8Tl0PictureIndex(short, descriptor, 9);
  t.same([...short], [0x90, 0x80, 0x7f, 0xaa]);
  const none = Uint8Array.of(0x10, 0xaa);
  t.ok(descriptor.parse(none, 0, none.length));
  setVp8PictureId(none, descriptor, 3);
  t.same([...none], [0x10, 0xaa]);
  t.end();
});

t.test('key frames say so, and how large they are', (t) => {
  const key = Uint8Array.of(0x50, 1, 0, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0x81);
  t.ok(isVp8KeyFrame(key));
  t.same(vp8KeyFrameSize(key), { width: 0x280, height: 0x168 }, 'without the two bits of scaling');
  t.notOk(isVp8KeyFrame(Uint8Array.of(0x51)));
  t.notOk(isVp8KeyFrame(new Uint8Array(0)));
  t.equal(vp8KeyFrameSize(key.subarray(0, 9)), undefined);
  t.equal(vp8KeyFrameSize(Uint8Array.from([...key].fill(0, 3, 4))), undefined, 'no start code');
  t.end();
});

t.test('a frame cut into payloads comes back, each within its limit and of about one size', (t) => {
  const packetizer = new Vp8Packetizer(0x7ffe);
  let pictureId = 0x7ffe;
  const descriptor = new Vp8Descriptor();
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 5000 }),
      fc.integer({ min: 5, max: 1200 }),
      (frame, maxPayload) => {
        const count = packetizer.begin(frame, maxPayload);
        const parts: number[] = [];
        let least = Infinity;
        let most = 0;
        for (let i = 0; i < count; i++) {
          const target = new Uint8Array(packetizer.length(i) + 3);
          packetizer.write(i, target, 3);
          assert.ok(descriptor.parse(target, 3, target.length - 3));
          assert.equal(descriptor.frameStart, i === 0);
          assert.equal(descriptor.pictureId, pictureId);
          assert.equal(descriptor.pictureIdBits, 15);
          assert.ok(packetizer.length(i) <= maxPayload);
          least = Math.min(least, packetizer.length(i));
          most = Math.max(most, packetizer.length(i));
          parts.push(...target.subarray(3 + descriptor.length));
        }
        assert.deepEqual(parts, [...frame]);
        assert.ok(most - least <= 1);
        assert.equal(packetizer.pictureId, pictureId);
        pictureId = (pictureId + 1) & 0x7fff;
      },
    ),
    { numRuns: 60 },
  );
  t.end();
});

/** What the packets of pictures say, with the places that these have; undefined has none. */
function described(packetizer: Vp8Packetizer, places: readonly (TemporalPlace | undefined)[]): Vp8Descriptor[][] {
  return places.map((place) => {
    const count = packetizer.begin(Uint8Array.of(1, 2, 3), 8, place);
    return Array.from({ length: count }, (_, index) => {
      const descriptor = new Vp8Descriptor();
      const target = new Uint8Array(packetizer.length(index));
      packetizer.write(index, target, 0);
      assert.ok(target.length <= 8 && descriptor.parse(target, 0, target.length));
      return descriptor;
    });
  });
}

t.test('each packet says the temporal layer of its picture, and how many base pictures there were', (t) => {
  const packetizer = new Vp8Packetizer(0x7ffe);
  const base = { temporalId: 0, layerSync: false, nonReference: false };
  const places = [
    base,
    { temporalId: 2, layerSync: true, nonReference: true },
    { temporalId: 1, layerSync: true, nonReference: false },
    { temporalId: 2, layerSync: false, nonReference: true },
    base,
  ];
  const pictures = described(packetizer, places);
  t.same(
    pictures.map((packets) => packets.map(({ frameStart }) => frameStart)),
    places.map(() => [true, false]),
  );
  for (const index of [0, 1]) {
    t.match(
      pictures.map((packets) => packets[index]!),
      [
        { ...base, pictureId: 0x7ffe, pictureIdBits: 15, tl0PictureIndex: 1, keyIndex: -1, length: 6 },
        { ...places[1], pictureId: 0x7fff, tl0PictureIndex: 1 },
        { ...places[2], pictureId: 0, tl0PictureIndex: 1 },
        { ...places[3], pictureId: 1, tl0PictureIndex: 1 },
        { ...base, pictureId: 2, tl0PictureIndex: 2 },
      ],
    );
  }
  described(packetizer, Array<TemporalPlace>(253).fill(base));
  t.equal(described(packetizer, [base])[0]![0]!.tl0PictureIndex, 0, 'in 8 bits');
  t.end();
});

t.test('pictures without a place are as they always were, but belong to the base once there are layers', (t) => {
  const packetizer = new Vp8Packetizer();
  t.match(described(packetizer, [undefined])[0]![0], { length: 4, pictureId: 0, temporalId: -1, tl0PictureIndex: -1 });
  const place = { temporalId: 0, layerSync: false, nonReference: false };
  const layered = described(packetizer, [place, { ...place, temporalId: 1 }, undefined, undefined]);
  t.match(
    layered.map(([first]) => first!),
    [
      { length: 6, pictureId: 1, temporalId: 0, tl0PictureIndex: 1 },
      { length: 6, pictureId: 2, temporalId: 1, tl0PictureIndex: 1 },
      { length: 6, pictureId: 3, temporalId: 0, tl0PictureIndex: 2 },
      { length: 6, pictureId: 4, temporalId: 0, tl0PictureIndex: 3 },
    ],
  );
  t.end();
});
