import * as fc from 'fast-check';
import t from 'tap';
import {
  arrange,
  fitPicture,
  gridLayout,
  placeRect,
  placesFor,
  speakerLayout,
  type Layout,
} from '../../src/media/picture-layout.js';
import type { Rect } from '../../src/media/yuv.js';

const HD = { width: 1280, height: 720 };

t.test('grid: cells of one size, as large as can be', async (t) => {
  t.same(gridLayout(1, HD, 4), [{ x: 0, y: 0, width: 1280, height: 720 }]);
  t.same(gridLayout(2, HD, 0), [
    { x: 0, y: 0, width: 640, height: 720 },
    { x: 640, y: 0, width: 640, height: 720 },
  ]);
  const nine = gridLayout(9, HD, 0);
  t.same(nine[0], { x: 0, y: 0, width: 426, height: 240 });
  t.same(nine[8], { x: 852, y: 480, width: 426, height: 240 });
  t.same(
    gridLayout(4, HD, 8).map(({ x, y }) => [x, y]),
    [
      [0, 0],
      [644, 0],
      [0, 364],
      [644, 364],
    ],
    'with gaps between them, both ways',
  );
  const five = gridLayout(5, HD, 4);
  t.equal(new Set(five.map(({ y }) => y)).size, 2, 'five are in two rows');
  t.same(
    five.slice(3).map(({ x }) => x + (five[3]?.width ?? 0)),
    [HD.width / 2 - 2, HD.width / 2 + 2 + (five[3]?.width ?? 0)],
    'the last row is centred',
  );
  t.same(
    gridLayout(2, { width: 360, height: 640 }, 0).map(({ x }) => x),
    [0, 0],
    'in a high picture one below the other',
  );
});

t.test('speaker: one large, the others in a strip', async (t) => {
  t.same(speakerLayout(1, HD, 4), [{ x: 0, y: 0, width: 1280, height: 720 }], 'alone over all of it');
  t.same(speakerLayout(3, HD, 4), [
    { x: 0, y: 0, width: 1020, height: 720 },
    { x: 1024, y: 0, width: 256, height: 144 },
    { x: 1024, y: 148, width: 256, height: 144 },
  ]);
  t.same(
    speakerLayout(2, { width: 720, height: 1280 }, 4)[1],
    { x: 0, y: 1024, width: 144, height: 256 },
    'below it in a high picture',
  );
  const streams = ['a', 'b', 'c'].map((name) => ({ name }));
  t.same(
    arrange('speaker', streams, { ...HD, gap: 4, large: 1 }).map(({ index }) => index),
    [1, 0, 2],
  );
});

t.test('custom: places by name, and by order for the others', async (t) => {
  const places = [
    { x: 0, y: 0, width: 1, height: 1 },
    { stream: 'Ann', x: 0.75, y: 0.5, width: 0.25, height: 0.5 },
    { x: 10, y: 21, width: 320.9, height: 4000 },
  ];
  const streams = [{ name: 'Ann' }, { name: 'Bob' }, { name: 'Ann', streamId: 'TR_2' }, { name: 'Eve' }];
  t.same(placesFor(streams, places), [1, 0, 2, undefined]);
  t.same(arrange(places, streams, { ...HD, gap: 0, large: 0 }), [
    { index: 1, rect: { x: 0, y: 0, width: 1280, height: 720 } },
    { index: 0, rect: { x: 960, y: 360, width: 320, height: 360 } },
    { index: 2, rect: { x: 10, y: 20, width: 320, height: 700 } },
  ]);
  t.same(placesFor(streams, [{ stream: 'TR_2', x: 0, y: 0, width: 1, height: 1 }]), [
    undefined,
    undefined,
    0,
    undefined,
  ]);
  t.same(placeRect({ x: 1, y: 5000, width: 1, height: 1 }, HD), { x: 1278, y: 718, width: 2, height: 2 });
});

t.test('no layout leaves the picture, and none of its cells lie over others', async (t) => {
  const even = ({ x, y, width, height }: Rect): boolean => [x, y, width, height].every((value) => value % 2 === 0);
  t.doesNotThrow(() => {
    fc.assert(
      fc.property(
        fc.constantFrom<Layout>('grid', 'speaker'),
        fc.integer({ min: 0, max: 150 }),
        fc.integer({ min: 32, max: 960 }),
        fc.integer({ min: 32, max: 960 }),
        fc.integer({ min: 0, max: 32 }),
        (layout, count, halfWidth, halfHeight, halfGap) => {
          const canvas = { width: 2 * halfWidth, height: 2 * halfHeight };
          const streams = Array.from({ length: count }, (_, index) => ({ name: `${index}` }));
          const rects = arrange(layout, streams, { ...canvas, gap: 2 * halfGap, large: 0 }).map(({ rect }) => rect);
          return rects.every(
            (a, i) =>
              even(a) &&
              a.x + a.width <= canvas.width &&
              a.y + a.height <= canvas.height &&
              rects
                .slice(i + 1)
                .every(
                  (b) => a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y,
                ),
          );
        },
      ),
    );
  });
});

t.test('a picture keeps its shape in its cell', async (t) => {
  const cell = { x: 100, y: 40, width: 426, height: 240 };
  t.same(fitPicture({ width: 640, height: 360 }, cell, 'contain').target, cell, 'up to the rounding of a cell');
  t.same(fitPicture({ width: 480, height: 640 }, cell, 'contain').target, { x: 222, y: 40, width: 180, height: 240 });
  t.same(fitPicture({ width: 480, height: 640 }, cell, 'cover'), {
    source: { x: 0, y: 184, width: 480, height: 270 },
    target: cell,
  });
  const ninth = { x: 0, y: 0, width: 426, height: 240 };
  t.same(
    fitPicture(HD, ninth, 'contain'),
    { source: { x: 0, y: 0, width: 1278, height: 720 }, target: ninth },
    'a third of a picture, but for two columns of pixels',
  );
  t.same(fitPicture(HD, { ...ninth, width: 400 }, 'cover').source, { x: 40, y: 0, width: 1200, height: 720 });
  t.doesNotThrow(() => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1920 }),
        fc.integer({ min: 1, max: 1080 }),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 400 }),
        fc.constantFrom('contain' as const, 'cover' as const),
        (width, height, halfWidth, halfHeight, fit) => {
          const rect = { x: 2, y: 4, width: 2 * halfWidth, height: 2 * halfHeight };
          const { source, target } = fitPicture({ width, height }, rect, fit);
          return (
            source.x >= 0 &&
            source.y >= 0 &&
            source.width >= 1 &&
            source.height >= 1 &&
            source.x % 2 === 0 &&
            source.y % 2 === 0 &&
            source.x + source.width <= width &&
            source.y + source.height <= height &&
            target.x >= rect.x &&
            target.y >= rect.y &&
            target.width >= 2 &&
            target.height >= 2 &&
            target.x + target.width <= rect.x + rect.width &&
            target.y + target.height <= rect.y + rect.height
          );
        },
      ),
    );
  });
});
