import fc from 'fast-check';
import t from 'tap';
import { layoutGrid } from '../../src/server/page/layout.js';

const DESKTOP = { width: 1248, height: 640, gap: 12 };
const PHONE = { width: 340, height: 560, gap: 8 };

t.test('two stand side by side on a desk and above each other on a phone', (t) => {
  t.equal(layoutGrid(2, DESKTOP).columns, 2);
  t.equal(layoutGrid(2, PHONE).columns, 1);
  t.equal(layoutGrid(4, DESKTOP).columns, 2);
  t.equal(layoutGrid(9, DESKTOP).columns, 3);
  t.end();
});

t.test('tiles fit the space, or keep a readable width and grow downwards', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 320, max: 2560 }),
      fc.integer({ min: 200, max: 1440 }),
      (count, width, height) => {
        const gap = 8;
        const { columns, tileWidth, tileHeight } = layoutGrid(count, { width, height, gap });
        const rows = Math.ceil(Math.max(1, count) / columns);
        const fitsAcross = columns * tileWidth + (columns - 1) * gap <= width;
        const fitsDown = rows * tileHeight + (rows - 1) * gap <= height;
        const shape = tileWidth / tileHeight;
        return fitsAcross && (fitsDown || tileWidth < 340) && tileWidth >= 150 && shape > 0.74 && shape < 1.8;
      },
    ),
  );
  t.end();
});

t.test('no space yet (a hidden page) is no division by zero', (t) => {
  const { columns, tileWidth, tileHeight } = layoutGrid(3, { width: 0, height: 0, gap: 12 });
  t.ok(columns >= 1 && Number.isFinite(tileWidth) && Number.isFinite(tileHeight));
  t.end();
});
