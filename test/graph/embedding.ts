import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { graph, graphFromFile, graphFromLine, planGraph, checkPipeline, runGraph } from '../../src/pipeline.js';
import { gain, resampler } from '../../src/nodes.js';
import { concat, levelAt } from '../nodes/node-lab.js';
import { pipelineFile } from '../cli/cli-lab.js';

/** A second of a tone at 300 Hz, mono at 48 kHz, in chunks of 20 ms. */
function tone(): AudioData[] {
  return Array.from({ length: 50 }, (_, chunk) => {
    const data = Int16Array.from({ length: 960 }, (_sample, index) =>
      Math.round(8000 * Math.sin((2 * Math.PI * 300 * (chunk * 960 + index)) / 48_000)),
    );
    return audioData(data, 48_000, 1, chunk * 20_000);
  });
}

const chain = graph({
  nodes: {
    mic: { type: 'input', media: 'audio', sampleRate: 48_000, channels: 1 },
    loud: { type: 'gain', db: 6, from: 'mic' },
    speech: { type: 'output', from: 'loud', media: 'audio', sampleRate: 16_000, channels: 1 },
  },
});

function keep(into: AudioData[]): Writable {
  return new Writable({
    objectMode: true,
    write(value: AudioData, _encoding, done) {
      into.push(value);
      done();
    },
  });
}

await t.test('a graph between the streams of a program', async (t) => {
  const [mic, speech] = [new PassThrough({ objectMode: true }), new PassThrough({ objectMode: true })];
  const heard: AudioData[] = [];
  const run = await runGraph(chain, { inputs: { mic }, outputs: { speech } });
  await Promise.all([pipeline(Readable.from(tone()), mic), pipeline(speech, keep(heard)), run.finished]);
  const samples = concat(heard);
  t.ok(Math.abs(samples.length - 16_000) < 32, `${samples.length} samples at 16 kHz`);
  t.ok(Math.abs(levelAt(samples, 16_000, 300) - (20 * Math.log10(8000 / 32_767) + 6)) < 0.2, 'the tone, 6 dB louder');
  t.match(run.report(), { outcome: 'ended', links: [{ chunks: 50 }, {}, {}] });
});

await t.test('nodes by themselves do the same', async (t) => {
  const alone: AudioData[] = [];
  await pipeline(Readable.from(tone()), gain({ db: 6 }), resampler({ sampleRate: 16_000, channels: 1 }), keep(alone));
  const embedded: AudioData[] = [];
  const run = await runGraph(chain, { inputs: { mic: Readable.from(tone()) }, outputs: { speech: keep(embedded) } });
  await run.finished;
  t.same(concat(embedded), concat(alone), 'sample for sample');
});

await t.test('words of a program, as a recogniser of its own gives them', async (t) => {
  const folder = t.testdir();
  const subtitles = graph({
    nodes: {
      words: { type: 'input', media: 'transcript' },
      file: { type: 'webvtt', from: 'words', path: join(folder, 'said.vtt') },
    },
  });
  const said = (text: string, start: number, end: number) => ({ kind: 'transcript', text, isFinal: true, start, end });
  const words = Readable.from([said('good evening', 0, 800_000), said('stop', 1_500_000, 2_000_000)]);
  await (
    await runGraph(subtitles, { inputs: { words } })
  ).finished;
  const text = await readFile(join(folder, 'said.vtt'), 'utf8');
  t.match(text, /00:00\.000 --> 00:0?0:?00\.800\s+good evening/);
  t.match(text, /stop/);
  for (const [wrong, message] of [
    [{ kind: 'transcript', text: 'good', isFinal: true, start: 0 }, 'a transcript has no proper "end"'],
    [{ kind: 'text', text: 'good', isFinal: true }, /format that was announced/],
  ] as const) {
    const run = await runGraph(subtitles, { inputs: { words: Readable.from([wrong]) } });
    await t.rejects(run.finished, { code: 'SLUICE_FORMAT_MISMATCH', message, place: { node: 'words' } });
  }
});

await t.test('the program holds the graph back', async (t) => {
  let given = 0;
  const mic = new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      this.push(audioData(new Int16Array(960), 48_000, 1, given++ * 20_000));
    },
  });
  const speech = new PassThrough({ objectMode: true, highWaterMark: 1 });
  const run = await runGraph(chain, { inputs: { mic }, outputs: { speech } });
  await new Promise((resolve) => speech.once('readable', resolve));
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  const held = given;
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.equal(given, held, `after ${held} chunks nothing more is asked for`);
  t.ok(held < 120, 'which is what streams hold');
  speech.resume();
  t.equal((await run.stop()).outcome, 'stopped');
  t.ok(mic.destroyed, 'a stop ends what gives');
  t.ok(speech.writableEnded, 'and what takes');
});

await t.test('a failure of either side ends both', async (t) => {
  const [mic, speech] = [new PassThrough({ objectMode: true }), new PassThrough({ objectMode: true })];
  const run = await runGraph(chain, { inputs: { mic }, outputs: { speech } });
  mic.destroy(new Error('no microphone'));
  await t.rejects(run.finished, { message: 'no microphone', place: { node: 'mic' } });
  t.match(speech.errored, { message: 'no microphone' });

  const other = new PassThrough({ objectMode: true });
  const deaf = new PassThrough({ objectMode: true });
  const failing = await runGraph(chain, { inputs: { mic: other }, outputs: { speech: deaf } });
  deaf.destroy(new Error('nobody listens'));
  await t.rejects(failing.finished, { message: 'nobody listens', place: { node: 'speech' } });
  t.ok(other.destroyed);
});

await t.test('streams that are missing, and those that are not asked for', async (t) => {
  for (const [options, message] of [
    [{ inputs: {}, outputs: { speech: keep([]) } }, '"mic" is an input of the program around the pipeline'],
    [{ inputs: { mic: Readable.from([]) } }, '"speech" is an output of the program around the pipeline'],
    [
      { inputs: { mic: Readable.from([]), micro: Readable.from([]) }, outputs: { speech: keep([]) } },
      'the pipeline has no input "micro"',
    ],
    [
      { inputs: { mic: Readable.from([]) }, outputs: { speech: keep([]), gain: keep([]) } },
      'the pipeline has no output "gain"',
    ],
  ] as const) {
    const run = await runGraph(chain, options);
    await t.rejects(run.finished, { code: 'SLUICE_STREAM_MISSING', message });
    for (const stream of Object.values({ ...('inputs' in options ? options.inputs : {}) })) {
      t.ok(stream.destroyed, 'what was given is ended');
    }
  }
});

await t.test('what is wrong with a graph is told where it is written', async (t) => {
  const wrong = graph({ nodes: { a: { type: 'tone', frequency: -1 }, b: { type: 'null', from: 'a' } } });
  const { problems } = await checkPipeline(wrong);
  t.match(problems, [{ code: 'SLUICE_CONFIG_INVALID', found: '-1', place: { file: /embedding\.[jt]s$/, node: 'a' } }]);
  t.ok((problems[0]?.place?.line ?? 0) > 0 && (problems[0]?.place?.column ?? 0) > 0);
  await t.rejects(planGraph(wrong), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(runGraph(wrong), { code: 'SLUICE_CONFIG_INVALID' });
});

await t.test('graphs from files and lines, with variables', async (t) => {
  const { file, folder } = await pipelineFile(
    'nodes:\n  a: { type: tone, durationMs: "${MS}", live: false }\n  w: { type: wav, path: out.wav, from: a }',
  );
  await (
    await runGraph(await graphFromFile(file), { environment: { MS: '100' } })
  ).finished;
  t.equal((await readFile(join(folder, 'out.wav'))).length, 44 + 2 * 4800);

  const line = await graphFromLine(`tone durationMs=40 live=false ! wav path=${join(folder, 'line.wav')}`);
  await (
    await runGraph(line)
  ).finished;
  t.equal((await readFile(join(folder, 'line.wav'))).length, 44 + 2 * 1920);
  await t.rejects(graphFromLine('tone !'), { code: 'SLUICE_CONFIG_SYNTAX' });

  const still = await graphFromLine('test-pattern live=false durationMs=100 ! compositor live=false ! null');
  t.same((await planGraph(still)).sessions, [], 'a node that can do without a session gets none');
  const live = await graphFromLine('session-audio ! null', { sessionId: 'demo' });
  t.match((await planGraph(live, { environment: {} })).sessions, [{ id: 'session', config: { sessionId: 'demo' } }]);
  t.match((await checkPipeline(await graphFromLine('session-audio ! null'), { environment: {} })).problems, [
    { message: 'session "session" has no sessionId' },
  ]);
});
