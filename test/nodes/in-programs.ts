import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import { levelDbfs } from '../../src/media/pcm.js';
import type { TextData } from '../../src/media/text.js';
import type { Transcript } from '../../src/media/transcript.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import * as streams from '../../src/nodes.js';
import * as defs from '../../src/nodes/index.js';
import { whiteNoise } from '../speech/voice-detector-suite.js';
import { freePort } from '../support/free-port.js';
import { chunks, codecsAtRest, HEIGHT, numbers, pictures, upTo, WIDTH } from './media-lab.js';
import { concat, levelAt } from './node-lab.js';

/** What comes to the end of a pipeline: `pipeline(source, filter, keep(values))`. */
function keep<T>(values: T[]): (given: AsyncIterable<T>) => Promise<void> {
  return async (given) => {
    for await (const value of given) values.push(value);
  };
}

function text(said: string): TextData {
  return { kind: 'text', text: said, isFinal: true };
}

/** A tone of -12 dBFS. */
function tone(frequency: number, durationMs = 1000): Readable {
  return streams.tone({ frequency, durationMs, live: false });
}

/** Levels of two tones, in whole dBFS. */
function levels(values: readonly AudioData[], ...frequencies: readonly number[]): number[] {
  return frequencies.map((hz) => Math.round(levelAt(concat(values), values[0]?.sampleRate ?? 0, hz)));
}

t.test('there is a stream for every node that needs neither a session nor a graph', (t) => {
  const bound = ['publisher', 'sessionAudio', 'subscriber', 'input', 'output'];
  t.strictSame(
    Object.keys(streams).sort(),
    Object.keys(defs)
      .filter((name) => !bound.includes(name))
      .sort(),
  );
  t.end();
});

t.test('sound goes through coding, waiting, and a program', async (t) => {
  const decoded: AudioData[] = [];
  await pipeline(
    tone(440),
    streams.opusEncoder({ bitrate: 64_000 }),
    streams.opusDecoder({ channels: 1 }),
    keep(decoded),
  );
  t.same(levels(decoded, 440), [-12]);

  const heard: AudioData[] = [];
  const half = `process.stdin.on('data', (data) => {
    for (let i = 0; i + 1 < data.length; i += 2) data.writeInt16LE(data.readInt16LE(i) / 2, i);
    process.stdout.write(data);
  })`;
  await pipeline(
    tone(440),
    streams.queue({ maxMs: 200, overflow: 'block' }),
    streams.resampler({ sampleRate: 16_000, channels: 1 }),
    streams.exec({ command: [process.execPath, '-e', half] }),
    keep(heard),
  );
  t.same(levels(heard, 440), [-18]);
  t.ok(Math.abs(concat(heard).length - 16_000) < 320, 'all of it');

  const late: AudioData[] = [];
  await pipeline(tone(440, 100), streams.delay({ ms: 60 }), keep(late));
  t.same([late.length, levels(late, 440)], [5, [-12]]);

  const noise = whiteNoise(48_000, 1000);
  const quiet: AudioData[] = [];
  await pipeline(Readable.from(chunks(noise)), streams.denoise(), keep(quiet));
  t.ok(levelDbfs(concat(quiet).subarray(24_000)) < levelDbfs(noise) - 20, 'noise goes');
});

t.test('pictures go through coding, scaling, and another rate', async (t) => {
  const shown: VideoFrame[] = [];
  await pipeline(
    streams.testPattern({ width: WIDTH * 2, height: HEIGHT * 2, fps: 30, durationMs: 1000, live: false }),
    streams.videoEncoder({ bitrate: 600_000 }),
    streams.videoDecoder(),
    streams.scaler({ width: WIDTH, height: HEIGHT }),
    streams.frameRate({ frameRate: 10 }),
    keep(shown),
  );
  t.match(shown[0], { width: WIDTH, height: HEIGHT });
  t.same(
    numbers(shown),
    upTo(10).map((i) => 3 * i),
    'each third one',
  );
  t.ok(await codecsAtRest());
});

t.test('one source has several readers, and several sources one reader that changes between them', async (t) => {
  const tee = await streams.tee();
  const all: AudioData[][] = [[], []];
  await Promise.all([
    ...all.map((values) => pipeline(tee.output('out'), keep(values))),
    pipeline(tone(440), tee.input('in')),
  ]);
  t.same(
    all.map((values) => levels(values, 440)),
    [[-12], [-12]],
  );

  const choice = await streams.switchNode({ media: 'audio', input: 'low' });
  const [low, high] = [choice.input('in', { from: 'low' }), choice.input('in', { from: 'high' })];
  choice.seal('in');
  const got: AudioData[] = [];
  await Promise.all([
    pipeline(tone(400), low),
    pipeline(tone(900), high),
    pipeline(choice.output('out'), async (given) => {
      for await (const value of given as AsyncIterable<AudioData>) {
        got.push(value);
        if (got.length === 10) choice.update({ input: 'high' });
      }
    }),
  ]);
  t.same(levels(got.slice(0, 10), 400), [-12]);
  t.same(levels(got.slice(-20), 900), [-12], 'changed while it runs');
});

t.test('sound and pictures go through sync', async (t) => {
  const sync = await streams.sync();
  const [heard, shown]: [AudioData[], VideoFrame[]] = [[], []];
  await Promise.all([
    pipeline(tone(440, 500), sync.input('audio')),
    pipeline(Readable.from(pictures(15)), sync.input('video')),
    pipeline(sync.output('audio'), keep(heard)),
    pipeline(sync.output('video'), keep(shown)),
  ]);
  await sync.close();
  t.same([heard.length, levels(heard, 440)], [25, [-12]]);
  t.same(numbers(shown), upTo(15));
});

t.test('pictures of several sources become one', async (t) => {
  const grid = await streams.compositor({
    width: 2 * WIDTH,
    height: HEIGHT,
    gap: 0,
    labels: false,
    fps: 30,
    live: false,
  });
  const writes = [pictures(10), pictures(10, { first: 100 })].map((shots, i) =>
    pipeline(Readable.from(shots), grid.input('in', { name: `p${i}` })),
  );
  grid.seal('in');
  const shown: VideoFrame[] = [];
  await Promise.all([...writes, pipeline(grid.output('out'), keep(shown))]);
  await grid.close();
  const half = ({ data }: VideoFrame, column: number): VideoFrame => {
    const luma = Array.from({ length: HEIGHT }, (_, row) => [
      ...data.subarray(row * 2 * WIDTH + column, row * 2 * WIDTH + column + WIDTH),
    ]);
    return { ...pictures(1)[0]!, data: Uint8Array.from(luma.flat()) };
  };
  t.same(numbers(shown.map((frame) => half(frame, 0))), upTo(10));
  t.same(numbers(shown.map((frame) => half(frame, WIDTH))), upTo(10, 100));
});

t.test('texts come together, are answered, and are gathered', async (t) => {
  const funnel = await streams.funnel();
  const [ann, bob] = [funnel.input('in'), funnel.input('in')];
  funnel.seal('in');
  const answers: TextData[] = [];
  await Promise.all([
    pipeline(Readable.from([text('hello')]), ann),
    pipeline(Readable.from([text('hello')]), bob),
    pipeline(
      funnel.output('out'),
      streams.rules({ rules: [{ when: 'hello', answer: ['Good morning.', 'Hello again.'] }] }),
      keep(answers),
    ),
  ]);
  t.equal(answers.map((value) => value.text).join(''), 'Good morning.Hello again.');

  const words: Transcript[] = [];
  const captions = { kind: 'captions', text: 'Good morning.', isFinal: true } as const;
  await pipeline(Readable.from([captions]), streams.transcript(), keep(words));
  t.match(words, [{ kind: 'transcript', text: 'Good morning.', isFinal: true }]);

  const gather = await streams.gather();
  const shout = `process.stdout.write(require('fs').readFileSync(0, 'utf8').toUpperCase())`;
  const input = gather.input('in');
  gather.seal('in');
  const all: TextData[] = [];
  await Promise.all([
    pipeline(
      Readable.from([text('one'), text('two')]),
      streams.llmExec({ command: [process.execPath, '-e', shout], input: 'text', history: 'none' }),
      input,
    ),
    pipeline(gather.output('out'), keep(all)),
  ]);
  t.same(
    all.map((value) => value.text),
    ['ONE\nTWO'],
  );
});

t.test('two programs talk by websocket', async (t) => {
  const port = await freePort();
  const server = await streams.websocket({ port, once: true });
  const client = await streams.websocket({ mode: 'client', url: `ws://127.0.0.1:${port}/` });
  const heard: AudioData[] = [];
  const answered: AudioData[] = [];
  const at16k = (frequency: number): Readable =>
    streams.tone({ frequency, durationMs: 500, sampleRate: 16_000, live: false });
  const reading = [pipeline(server.output('audio'), keep(heard)), pipeline(client.output('audio'), keep(answered))];
  await Promise.all([pipeline(at16k(440), client.input('audio')), pipeline(at16k(660), server.input('audio'))]);
  await client.close();
  await Promise.all([...reading, server.close()]);
  t.same([levels(heard, 440), levels(answered, 660)], [[-12], [-12]]);
});
