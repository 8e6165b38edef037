import { Readable, type Writable } from 'node:stream';
import t from 'tap';
import { audioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import type { KeyFrameSource } from '../../src/media/key-frame-source.js';
import type { MediaValue } from '../../src/media/media-value.js';
import { parseOptions, type NodePorts } from '../../src/media/node.js';
import { sync } from '../../src/nodes/sync.js';
import { settle, testContext } from './node-lab.js';

const sound = (index: number): MediaValue => audioData(new Int16Array(160), 8000, 1, index * 20_000);
const picture = (index: number): EncodedVideoChunk => ({
  kind: 'encoded-video',
  codec: 'vp8',
  type: 'key',
  data: new Uint8Array(1),
  timestamp: index * 40_000,
  duration: 0,
});

/** Audio and video on their way through a sync node, and when they left: media time and clock, in ms. */
class Lab {
  readonly clock = new VirtualClock();
  readonly left: { readonly kind: string; readonly mediaMs: number; readonly atMs: number }[] = [];
  readonly ports: Required<NodePorts>;
  readonly audio: Writable;
  readonly video: Writable;
  readonly outputs: readonly Readable[];

  constructor(maxMs: number) {
    const context = testContext({ clock: this.clock });
    this.ports = sync.create(parseOptions(sync, { maxMs }), context) as Required<NodePorts>;
    this.audio = this.ports.input('audio');
    this.video = this.ports.input('video');
    this.outputs = ['audio', 'video'].map((port) => this.ports.output(port));
    for (const output of this.outputs) {
      output.on('data', ({ kind, timestamp }: MediaValue) => {
        this.left.push({ kind, mediaMs: timestamp / 1000, atMs: this.clock.nowUs() / 1000 });
      });
    }
  }

  /** Writes sound that comes `lateMs` after its media time. */
  sound(count: number, lateMs = 0, fromMs = 0): void {
    for (let i = fromMs / 20; i < fromMs / 20 + count; i++)
      this.clock.after(i * 20 + lateMs, () => this.audio.write(sound(i)));
  }

  pictures(count: number, lateMs = 0): void {
    for (let i = 0; i < count; i++) this.clock.after(i * 40 + lateMs, () => this.video.write(picture(i)));
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      await settle(2);
      this.clock.advance(10);
      await settle(2);
    }
  }

  /** How far apart in media time audio and video were at most when they left, from a time on. */
  apartMs(fromMs = 0): number {
    let [audio, video, most] = [-Infinity, -Infinity, 0];
    for (const { kind, mediaMs, atMs } of this.left) {
      if (kind === 'audio') audio = mediaMs;
      else video = mediaMs;
      if (atMs >= fromMs && audio > -Infinity && video > -Infinity) most = Math.max(most, Math.abs(audio - video));
    }
    return most;
  }

  of(kind: string): number[] {
    return this.left.filter((one) => one.kind === kind).map(({ mediaMs }) => mediaMs);
  }
}

const every = (step: number, count: number): number[] => Array.from({ length: count }, (_, i) => i * step);

await t.test('sync: sound that is ahead of its pictures waits for them, and the other way round', async (t) => {
  for (const [soundLate, pictureLate] of [
    [0, 300],
    [300, 0],
  ] as const) {
    const lab = new Lab(500);
    lab.sound(100, soundLate);
    lab.pictures(50, pictureLate);
    lab.clock.after(2000 + soundLate, () => lab.audio.end());
    lab.clock.after(2000 + pictureLate, () => lab.video.end());
    await lab.pass(2500);
    t.ok(lab.apartMs() <= 40, `at most ${lab.apartMs()} ms apart, where they came 300 ms apart`);
    t.same(lab.of('audio'), every(20, 100), 'nothing is lost');
    t.same(lab.of('encoded-video'), every(40, 50));
    const longest = Math.max(...lab.left.map(({ mediaMs, atMs }) => atMs - mediaMs));
    t.ok(longest <= 350, `at most ${longest} ms later than their time`);
  }
});

await t.test('sync: what is further behind than the most is not waited for longer', async (t) => {
  const lab = new Lab(200);
  lab.sound(100);
  lab.pictures(50, 600);
  await lab.pass(3000);
  t.same(lab.of('audio'), every(20, 100));
  t.same(lab.of('encoded-video'), every(40, 50));
  const waits = lab.left.filter(({ kind }) => kind === 'audio').map(({ mediaMs, atMs }) => atMs - mediaMs);
  t.ok(Math.max(...waits) <= 210, `sound waits ${Math.max(...waits)} ms at most`);
});

await t.test('sync: one that never comes holds the other back once, and then no more', async (t) => {
  const lab = new Lab(300);
  lab.sound(100);
  await lab.pass(2500);
  t.same(lab.of('audio'), every(20, 100));
  const late = lab.left.filter(({ mediaMs }) => mediaMs >= 400).map(({ mediaMs, atMs }) => atMs - mediaMs);
  t.ok(Math.max(...late) <= 10, `later it leaves at once: ${Math.max(...late)} ms`);
  t.equal(lab.left[0]?.atMs, 300);
});

await t.test('sync: one that stops and comes back is in step again', async (t) => {
  const lab = new Lab(300);
  lab.sound(200);
  for (let i = 0; i < 100; i++) if (i < 25 || i >= 60) lab.clock.after(i * 40 + 150, () => lab.video.write(picture(i)));
  await lab.pass(4500);
  t.same(lab.of('audio'), every(20, 200));
  t.ok(lab.apartMs(3200) <= 40, `${lab.apartMs(3200)} ms apart at the end`);
});

await t.test('sync: at the end of one the other goes on alone, and both end', async (t) => {
  const lab = new Lab(300);
  const ended: string[] = [];
  lab.outputs.forEach((output, i) => output.once('end', () => ended.push(i === 0 ? 'audio' : 'video')));
  lab.audio.write(sound(0));
  lab.audio.write(sound(1));
  await settle();
  t.same(lab.left, []);
  lab.video.end();
  await settle();
  t.same(lab.of('audio'), [0, 20]);
  t.same(ended, ['video']);
  lab.audio.end();
  await settle();
  t.same(ended, ['video', 'audio']);
  void lab.ports.close();
});

await t.test('sync: a key frame that its reader needs is asked of who gives the pictures', async (t) => {
  const lab = new Lab(100);
  const asked: string[] = [];
  for (const [name, input] of Object.entries({ sound: lab.audio, pictures: lab.video })) {
    const source = new Readable({ objectMode: true, read: () => undefined });
    Object.assign(source, { requestKeyFrame: () => asked.push(name) }).pipe(input);
  }
  const output = lab.outputs[1] as Readable & KeyFrameSource;
  output.requestKeyFrame();
  t.same(asked, ['pictures']);
  void lab.ports.close();
});

await t.test('sync: holds back who gives more than may wait', async (t) => {
  const lab = new Lab(100);
  for (let i = 0; i < 20; i++) lab.audio.write(sound(i));
  await settle();
  t.ok(lab.audio.writableLength > 10, `${lab.audio.writableLength} wait outside`);
  for (let i = 0; i < 12; i++) lab.video.write(picture(i));
  await settle();
  t.same(lab.of('audio'), every(20, 20));
  void lab.ports.close();
});
