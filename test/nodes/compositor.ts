import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import t from 'tap';
import { VirtualClock } from '../../src/media/clock.js';
import { type InputLink, type NodePorts, parseOptions } from '../../src/media/node.js';
import { readPattern } from '../../src/media/pattern.js';
import { fitPicture, gridLayout, speakerLayout } from '../../src/media/picture-layout.js';
import type { SessionAccess } from '../../src/media/session-access.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { blackFrame, type Rect } from '../../src/media/yuv.js';
import { compositor } from '../../src/nodes/compositor.js';
import { pictures as shots, upTo } from './media-lab.js';
import { collect, settle, testContext, writeAll, type TestContext } from './node-lab.js';

const CANVAS = { width: 640, height: 360 };
/** Numbered pictures in the shape of the whole. */
const pictures = (count: number, options: object = {}): VideoFrame[] =>
  shots(count, { width: 320, height: 180, ...options });
const PLAIN = { ...CANVAS, gap: 0, labels: false };

async function make(options: object, context: TestContext = testContext()): Promise<Required<NodePorts>> {
  return (await compositor.create(parseOptions(compositor, { ...PLAIN, ...options }), context)) as Required<NodePorts>;
}

/** The part of a picture in a rectangle, luma only, as a picture of its own. */
function part({ data, width }: VideoFrame, rect: Rect): Pick<VideoFrame, 'data' | 'width' | 'height'> {
  const luma = new Uint8Array(rect.width * rect.height);
  for (let row = 0; row < rect.height; row++) {
    const start = (rect.y + row) * width + rect.x;
    luma.set(data.subarray(start, start + rect.width), row * rect.width);
  }
  return { data: luma, width: rect.width, height: rect.height };
}

const numberIn = (frame: VideoFrame, rect: Rect | undefined): number | undefined =>
  rect && readPattern(part(frame, rect));

/** Numbers in the cells of a grid of `count`, which show all of each picture. */
function numbersIn(frame: VideoFrame, count: number): (number | undefined)[] {
  return gridLayout(count, CANVAS, 0).map((cell) => numberIn(frame, fitPicture(CANVAS, cell, 'contain').target));
}

/** Runs it over whole inputs, as fast as can be. */
async function compose(
  options: object,
  inputs: readonly (readonly VideoFrame[])[],
  context?: TestContext,
): Promise<VideoFrame[]> {
  const ports = await make({ live: false, ...options }, context);
  const writes = inputs.map((frames) => writeAll(ports.input('in'), frames));
  ports.seal('in');
  const output = await collect<VideoFrame>(ports.output('out'));
  await Promise.all(writes);
  await ports.close();
  return output;
}

await t.test('compositor: every picture of every input is in its cell, whatever its size', async (t) => {
  const sizes = [
    { width: 640, height: 360 },
    { width: 320, height: 240 },
    { width: 240, height: 320 },
    { width: 333, height: 251 },
  ];
  const inputs = sizes.map((size, i) => pictures(30, { first: 100 * i, ...size }));
  const output = await compose({ fps: 30 }, inputs);
  t.equal(output.length, 30);
  const cells = gridLayout(4, CANVAS, 0);
  output.forEach((frame, n) => {
    t.match(frame, { kind: 'video', format: 'YUV420P', ...CANVAS, timestamp: Math.round((n * 1_000_000) / 30) });
    t.equal(numberIn(frame, cells[0]), n);
    // In cells of 320x180 these have bars at the sides.
    t.equal(numberIn(frame, { ...cells[1]!, x: 320 + 40, width: 240 }), 100 + n);
    t.equal(numberIn(frame, { ...cells[3]!, x: 320 + 40, width: 240 }), 300 + n);
  });
  t.same(new Set(part(output[5]!, { ...cells[2]!, width: 80 }).data), new Set([16]), 'and the bars are black');
});

await t.test('compositor: not live, inputs are put together by their time', async (t) => {
  const context = testContext();
  const late = pictures(15, { first: 500, startUs: 500_000 });
  const output = await compose({ fps: 15 }, [pictures(30), late], context);
  t.equal(output.length, 15, 'half of 30');
  t.same(
    output.map((frame, n) => (n < 8 ? numbersIn(frame, 1) : numbersIn(frame, 2))),
    upTo(15).map((n) => (n < 8 ? [2 * n] : [2 * n, 500 + 2 * n - 15])),
    'who comes later gets a cell later',
  );
  t.same([...context.drops], [['more pictures than wanted', 23]]);
});

await t.test('compositor: not live, it makes the same bytes every time', async (t) => {
  const run = async (): Promise<string> => {
    const hash = createHash('sha256');
    const inputs = [
      pictures(20),
      pictures(12, { startUs: 111_111 }),
      pictures(25, { startUs: 7, width: 320, height: 240 }),
    ];
    for (const { data, timestamp } of await compose({ fps: 24, gap: 4, labels: true }, inputs)) {
      hash.update(data).update(String(timestamp));
    }
    return hash.digest('hex');
  };
  t.equal(await run(), await run());
});

await t.test('compositor: a picture of another shape has bars or fills its cell, and gaps stay free', async (t) => {
  const lumaIn = (frame: VideoFrame | undefined, rect: Rect): number[] => [...new Set(frame && part(frame, rect).data)];
  const [left, right] = gridLayout(2, CANVAS, 8);
  const edge = { ...left!, width: 16 };
  const between = { ...left!, x: left!.width, width: right!.x - left!.width };
  t.equal(between.width, 8);
  for (const [fit, atEdge] of [
    ['contain', 235],
    ['cover', 16],
  ] as const) {
    const black = [blackFrame(480, 640, 0)];
    const [frame] = await compose({ fit, gap: 8, background: '#ffffff' }, [black, black]);
    t.same(lumaIn(frame, edge), [atEdge], fit);
    t.same(lumaIn(frame, between), [235]);
  }
});

await t.test('compositor: an input may change its size on the way', async (t) => {
  const frames = [
    ...pictures(10, { width: 192, height: 128 }),
    ...pictures(10, { first: 10, startUs: 333_333, width: 640, height: 360 }),
    ...pictures(10, { first: 20, startUs: 666_667, width: 320, height: 200 }),
  ];
  const output = await compose({ fps: 30 }, [pictures(30, { first: 1000 }), frames]);
  const [left, right] = gridLayout(2, CANVAS, 0);
  t.same(
    output.map((frame, n) => [
      numberIn(frame, fitPicture(CANVAS, left!, 'contain').target),
      numberIn(frame, fitPicture(frames[n]!, right!, 'contain').target),
    ]),
    upTo(30).map((n) => [1000 + n, n]),
  );
});

/** A live compositor on a clock that stands still until it is told to go on. */
class Live {
  readonly clock = new VirtualClock();
  readonly context: TestContext;
  readonly frames: VideoFrame[] = [];
  output!: Readable;
  ports!: Required<NodePorts>;

  constructor(session?: SessionAccess) {
    const context = testContext({ clock: this.clock });
    this.context = session ? { ...context, session: () => session } : context;
  }

  async open(options: object): Promise<this> {
    this.ports = await make(options, this.context);
    this.output = this.ports.output('out');
    this.output.on('data', (frame: VideoFrame) => this.frames.push(frame));
    await this.#until(1);
    return this;
  }

  join(name: string, link: InputLink = {}): Writable {
    return this.ports.input('in', { name, flow: 'push', ...link });
  }

  /** The next picture, one interval later. */
  async next(intervalMs = 40): Promise<VideoFrame> {
    await settle(2);
    const wanted = this.frames.length + 1;
    this.clock.advance(intervalMs);
    return this.#until(wanted);
  }

  async #until(count: number): Promise<VideoFrame> {
    while (this.frames.length < count) await once(this.output, 'data');
    return this.frames.at(-1)!;
  }
}

/** Picture `number`, now. */
const picture = (number: number): VideoFrame => pictures(1, { first: number, ...CANVAS })[0]!;

await t.test(
  'compositor: live, who comes gets a cell, who goes leaves it, who stalls keeps it for a while',
  async (t) => {
    const live = await new Live().open({ holdMs: 200, background: '#ffffff' });
    t.same(
      new Set(live.frames[0]!.data.subarray(0, 640 * 360)),
      new Set([235]),
      'the background while nobody is there',
    );
    const ann = live.join('Ann');
    t.same(numbersIn(await live.next(), 1), [undefined], 'no cell before the first picture');
    ann.write(picture(1));
    t.same(numbersIn(await live.next(), 1), [1]);
    const bob = live.join('Bob');
    bob.write(picture(50));
    t.same(numbersIn(await live.next(), 2), [1, 50]);
    for (const number of [51, 52, 53]) {
      bob.write(picture(number));
      t.same(numbersIn(await live.next(), 2), [1, number], `Ann's last picture stays`);
    }
    t.same(numbersIn(await live.next(), 2), [1, 53]);
    bob.write(picture(54));
    t.same(numbersIn(await live.next(), 1), [54], 'then the others have her room');
    ann.write(picture(2));
    t.same(numbersIn(await live.next(), 2), [2, 54], 'and she has it back');
    bob.end(picture(55));
    t.same(numbersIn(await live.next(), 2), [2, 55], 'the last picture is shown');
    t.same(numbersIn(await live.next(), 1), [2]);
    t.same(
      live.frames.map(({ timestamp }) => timestamp),
      live.frames.map((_, n) => n * 40_000),
    );
    live.ports.seal('in');
    ann.end();
    const ended = once(live.output, 'end');
    await settle(2);
    live.clock.advance(200);
    await ended;
    await live.ports.close();
  },
);

await t.test('compositor: live, what comes faster than it is shown is left out, counted', async (t) => {
  const live = await new Live().open({});
  const ann = live.join('Ann');
  for (let number = 0; number < 30; number += 3) {
    for (let i = 0; i < 3; i++) ann.write(picture(number + i));
    t.same(numbersIn(await live.next(), 1), [number + 2], 'the newest');
  }
  t.same([...live.context.drops], [['more pictures than wanted', 20]], 'all others');
  await live.ports.close();
});

await t.test('compositor: live, pictures of a file are shown in their own time', async (t) => {
  const live = await new Live().open({ fps: 10, queueMs: 200 });
  const file = live.join('file', { flow: 'pull' });
  let taken = 0;
  for (const frame of pictures(30)) file.write(frame, () => taken++);
  await settle();
  t.ok(taken > 3 && taken < 9, `it is held back after ${taken} of them`);
  const seen = [];
  for (let n = 0; n < 10; n++) seen.push(numbersIn(await live.next(100), 1)[0]);
  t.same(
    seen,
    upTo(10).map((n) => 3 * n),
    'every third at a third of the rate',
  );
  t.equal(taken, 30);
  await live.ports.close();
});

await t.test('compositor: a reader that is too slow loses pictures, counted', async (t) => {
  const clock = new VirtualClock();
  const context = testContext({ clock });
  const ports = await make({}, context);
  const output = ports.output('out');
  output.read(0);
  for (let n = 1; n <= output.readableHighWaterMark; n++) {
    while (output.readableLength < n) await settle(1);
    if (n < output.readableHighWaterMark) clock.advance(40);
  }
  clock.advance(400);
  t.same([...context.drops], [['reader too slow', 10]]);
  await ports.close();
});

await t.test('compositor: speaker shows one large, who is asked for or who speaks', async (t) => {
  const [large, small] = speakerLayout(2, CANVAS, 0).map((cell) => fitPicture(CANVAS, cell, 'contain').target);
  const session = Object.assign(new EventEmitter(), { currentSpeaker: undefined as { streamId: string } | undefined });
  const live = await new Live(session as unknown as SessionAccess).open({ layout: 'speaker', session: 'room' });
  const ann = live.join('Ann', { branch: 'TR_a' });
  const bob = live.join('Bob', { branch: 'TR_b' });
  const both = (frame: VideoFrame) => [numberIn(frame, large), numberIn(frame, small)];
  ann.write(picture(1));
  bob.write(picture(2));
  t.same(both(await live.next()), [1, 2], 'the first, while nobody speaks');
  session.currentSpeaker = { streamId: 'TR_b' };
  t.same(both(await live.next()), [2, 1], 'pictures that did not change move as well');
  session.currentSpeaker = undefined;
  t.same(both(await live.next()), [2, 1], 'it stays when all are silent');
  session.currentSpeaker = { streamId: 'TR_none' };
  t.same(both(await live.next()), [2, 1], 'and when somebody without a picture speaks');
  await live.ports.close();

  const fixed = await compose({ layout: 'speaker', speaker: 'two' }, []);
  t.same(fixed, [], 'nothing comes of nothing');
  const named = await new Live().open({ layout: 'speaker', speaker: 'Bob' });
  named.join('Ann').write(picture(3));
  named.join('Bob').write(picture(4));
  t.same(both(await named.next()), [4, 3]);
  await named.ports.close();
});

await t.test('compositor: places by name, one on top of another', async (t) => {
  const layout = [
    { x: 0, y: 0, width: 1, height: 1 },
    { stream: 'Ann', x: 400, y: 200, width: 192, height: 108 },
  ];
  const live = await new Live().open({ layout });
  const inset = { x: 400, y: 200, width: 192, height: 108 };
  const ann = live.join('Ann');
  const bob = live.join('Bob');
  const eve = live.join('Eve');
  ann.write(shots(1, { first: 7, width: 384, height: 216 })[0]);
  bob.write(picture(1));
  eve.write(picture(9));
  for (const number of [2, 3, 4]) {
    const frame = await live.next();
    t.equal(numberIn(frame, inset), 7, 'it stays on top of one that changes');
    t.equal(numberIn(frame, { x: 0, y: 0, ...CANVAS }), number - 1);
    bob.write(picture(number));
  }
  t.same([...live.context.drops], [['no place in the layout', 1]]);
  await live.ports.close();
});

await t.test('compositor: names are written into the pictures', async (t) => {
  const cells = gridLayout(2, CANVAS, 0);
  const corner = (frame: VideoFrame, index: number): Uint8Array => {
    const { x, y, height } = cells[index]!;
    return part(frame, { x, y: y + height - 36, width: 120, height: 36 }).data;
  };
  const shownAs = async (names: readonly string[], options: object = {}): Promise<VideoFrame> => {
    const live = await new Live().open({ labels: true, fit: 'cover', ...options });
    for (const name of names) live.join(name).write(blackFrame(320, 180, 0, { y: 128, u: 90, v: 90 }));
    const frame = await live.next();
    await live.ports.close();
    return frame;
  };
  const frame = await shownAs(['Ann', `Zoë %{pts} \\:'"[a];`]);
  const bright = (data: Uint8Array): number => data.filter((luma) => luma > 180).length;
  t.ok(bright(corner(frame, 0)) > 60, 'letters');
  t.ok(bright(corner(frame, 1)) > bright(corner(frame, 0)) * 2, 'a longer name has more of them, whatever it holds');
  t.notSame(corner(frame, 0), corner(await shownAs(['Bob', 'x']), 0), 'another name looks different');
  t.same(corner(frame, 0), corner(await shownAs(['Ann', 'y']), 0), 'the same one the same');
  t.equal(bright(corner(await shownAs(['Ann', 'x'], { labels: false }), 0)), 0);
  t.equal(bright(corner(await shownAs(['\n \u0000', '']), 0)), 0, 'nothing where there is nothing to write');
});

await t.test('compositor: refuses what is no YUV420P picture', async (t) => {
  const ports = await make({});
  const [frame] = pictures(1);
  await t.rejects(writeAll(ports.input('in'), [{ ...frame!, format: 'RGB24', data: new Uint8Array(320 * 180 * 3) }]), {
    code: 'SLUICE_FORMAT_MISMATCH',
    mend: /scaler/,
  });
  await t.rejects(writeAll(ports.input('in'), [{ ...frame!, width: 322 }]), { code: 'SLUICE_FORMAT_MISMATCH' });
  await ports.close();
  t.throws(() => parseOptions(compositor, { width: 641 }), { code: 'SLUICE_CONFIG_INVALID' });
  t.throws(() => parseOptions(compositor, { background: 'red' }), { code: 'SLUICE_CONFIG_INVALID', message: /colour/ });
});
