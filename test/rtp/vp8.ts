import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
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
