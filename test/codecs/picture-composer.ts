import * as fc from 'fast-check';
import t from 'tap';
import { createPictureComposer } from '../../src/codecs/picture-composer.js';
import { fitPicture } from '../../src/media/picture-layout.js';
import { frameSizeBytes } from '../../src/media/video-frame.js';
import { i420Planes, type Plane, type Rect } from '../../src/media/yuv.js';

const BACKGROUND = { y: 20, u: 100, v: 150 };
const PICTURE = 200;
/** swscale rounds so far where much is made small. */
const TOLERANCE = 6;

/** Whether a plane is bright where the rectangle is, and as the background elsewhere. */
function isOnlyIn(
  { data, width, height }: Plane,
  { x, y, width: across, height: down }: Rect,
  outside: number,
): boolean {
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const isInside = column >= x && column < x + across && row >= y && row < y + down;
      const value = data[row * width + column] ?? 0;
      if (isInside ? Math.abs(value - PICTURE) > TOLERANCE : value !== outside) return false;
    }
  }
  return true;
}

const halved = ({ x, y, width, height }: Rect): Rect => ({ x: x / 2, y: y / 2, width: width / 2, height: height / 2 });

await t.test('composer: a picture touches nothing outside of its place, whatever the sizes', async (t) => {
  const even = (most: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: most }).map((half) => 2 * half);
  await t.resolves(
    fc.assert(
      fc.asyncProperty(
        fc.record({ x: even(40), y: even(20), width: even(100).map((w) => w + 2), height: even(60).map((h) => h + 2) }),
        fc.record({ width: fc.integer({ min: 1, max: 500 }), height: fc.integer({ min: 1, max: 300 }) }),
        fc.constantFrom('contain' as const, 'cover' as const),
        async (rect, size, fit) => {
          const canvas = { width: rect.x + rect.width + 34, height: rect.y + rect.height + 8 };
          const composer = await createPictureComposer({ ...canvas, fit, background: BACKGROUND });
          composer.arrange([{ id: 1, rect }]);
          const bytes = frameSizeBytes('YUV420P', size.width, size.height);
          composer.show({ id: 1, ...size, data: new Uint8Array(bytes).fill(PICTURE) });
          const { y, u, v } = i420Planes(composer.draw(0));
          composer.close();
          const { target } = fitPicture(size, rect, fit);
          return (
            isOnlyIn(y, target, BACKGROUND.y) &&
            isOnlyIn(u, halved(target), BACKGROUND.u) &&
            isOnlyIn(v, halved(target), BACKGROUND.v)
          );
        },
      ),
      { numRuns: 150 },
    ),
  );
});

await t.test('composer: where nothing changes no picture is made', async (t) => {
  const composer = await createPictureComposer({ width: 64, height: 64, fit: 'cover', background: BACKGROUND });
  composer.arrange([{ id: 1, rect: { x: 0, y: 0, width: 32, height: 32 } }]);
  const show = (value: number): void =>
    composer.show({ id: 1, width: 32, height: 32, data: new Uint8Array(1536).fill(value) });
  show(50);
  const first = composer.draw(0);
  t.equal(composer.draw(40_000).data, first.data);
  show(60);
  const second = composer.draw(80_000);
  t.same([first.data[0], second.data[0], second.timestamp], [50, 60, 80_000], 'what was given out does not change');
  composer.arrange([]);
  t.equal(composer.draw(120_000).data[0], BACKGROUND.y);
  composer.close();
});

await t.test('composer: where a cell changes its size its label is made anew', async (t) => {
  const make = () => createPictureComposer({ width: 320, height: 320, fit: 'cover', background: BACKGROUND });
  const [moved, fresh] = [await make(), await make()];
  const cell = (height: number) => ({ id: 1, rect: { x: 0, y: 0, width: 320, height }, label: 'Ann' });
  const picture = { id: 1, width: 2, height: 2, data: new Uint8Array(6).fill(60) };
  moved.arrange([cell(320)]);
  moved.show(picture);
  const large = moved.draw(0).data;
  moved.arrange([cell(180)]);
  fresh.arrange([cell(180)]);
  fresh.show(picture);
  const small = moved.draw(40_000).data;
  t.equal(Buffer.compare(small, fresh.draw(40_000).data), 0, 'as if it had always been there');
  t.ok(small.some((luma) => luma > 180) && Buffer.compare(small, large) !== 0);
  moved.close();
  fresh.close();
});

await t.test('composer: labels of many come one after the other', async (t) => {
  const composer = await createPictureComposer({ width: 640, height: 640, fit: 'cover', background: BACKGROUND });
  const cells = Array.from({ length: 10 }, (_, id) => ({
    id,
    rect: { x: 0, y: id * 64, width: 640, height: 64 },
    label: 'W',
  }));
  composer.arrange(cells);
  for (const { id } of cells) composer.show({ id, width: 2, height: 2, data: new Uint8Array(6).fill(60) });
  const labelled = (): number => {
    const { data } = composer.draw(0);
    return cells.filter(({ rect }) => data.subarray(rect.y * 640, (rect.y + 64) * 640).some((luma) => luma > 180))
      .length;
  };
  t.same([labelled(), labelled(), labelled(), labelled()], [4, 8, 10, 10]);
  composer.close();
});
