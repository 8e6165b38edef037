import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import { audioData } from '../../src/media/audio-data.js';
import { parseOptions } from '../../src/media/node.js';
import type { Transcript } from '../../src/media/transcript.js';
import type { VoiceActivity } from '../../src/media/voice-activity.js';
import { sttExec } from '../../src/nodes/stt-exec.js';
import type { Transcriber } from '../../src/speech/transcriber.js';
import { type TestContext, settle, testContext } from '../nodes/node-lab.js';

const ANN = { streamId: 's1', connectionId: 'c1', name: 'Ann', hasAudio: true, hasVideo: false };

/** A node whose program prints how many samples it was given. */
function counting(context: TestContext): Transcriber {
  const script = 'console.log(fs.readFileSync(0).readUInt32LE(40) / 2, "samples")';
  return sttExec.create(
    parseOptions(sttExec, { command: [process.execPath, '-e', script], leadMs: 100 }),
    context,
  ) as Transcriber;
}

const chunks = (seconds: number): Readable =>
  Readable.from(
    Array.from({ length: seconds * 50 }, (_, i) => audioData(new Int16Array(320), 16_000, 1, 1_000_000 + i * 20_000)),
  );

function spoke(isSpeaking: boolean, ms: number): VoiceActivity {
  const stage = isSpeaking ? 'speech-began' : 'speech-ended';
  const passed = [
    { stage: 'heard', atUs: ms },
    { stage, atUs: ms + 1 },
  ];
  return { kind: 'voice-activity', isSpeaking, timestamp: 1_000_000 + ms * 1000, passed };
}

t.test('each utterance is a transcript with its speaker, its place, and the stages that it passed', async (t) => {
  const context = testContext({ branch: ANN });
  const node = counting(context);
  const activity = Readable.from([spoke(true, 500), spoke(false, 1000), spoke(true, 2000), spoke(false, 2300)]);
  const [transcripts] = await Promise.all([
    node.output().toArray() as Promise<Transcript[]>,
    pipeline(chunks(3), node.input('audio')),
    pipeline(activity, node.input('activity')),
  ]);
  t.match(transcripts, [
    { text: '11200 samples', start: 1_400_000, end: 2_100_000, isFinal: true, participant: 'Ann', streamId: 's1' },
    { text: '8000 samples', start: 2_900_000, end: 3_400_000 },
  ]);
  t.same(
    transcripts[0]?.words,
    [
      { text: '11200', start: 1_500_000, end: 1_714_286, isEstimated: true },
      { text: 'samples', start: 1_714_286, end: 2_000_000, isEstimated: true },
    ],
    'a program does not say when words were said: as long as they are, from where the voice began to where it ended',
  );
  const stages = transcripts.map(({ passed = [] }) => passed.map(({ stage }) => stage));
  t.same(stages, [
    ['heard', 'speech-ended', 'transcribed'],
    ['heard', 'speech-ended', 'transcribed'],
  ]);
  t.equal(transcripts[1]!.passed![0]!.atUs, 2300, 'of its own end');
  t.equal(context.measures.get('final transcript')?.length, 2);
  t.same(context.drops, new Map());
});

t.test('a node that is destroyed ends its program', async (t) => {
  const context = testContext();
  const node = sttExec.create(
    parseOptions(sttExec, { command: [process.execPath, '-e', 'setInterval(() => undefined, 1000)'] }),
    context,
  ) as Transcriber;
  await pipeline(chunks(1), node.input('audio'));
  const output = node.output();
  while (!process.getActiveResourcesInfo().includes('ProcessWrap')) await new Promise((go) => setImmediate(go));
  const closed = new Promise((resolve) => output.once('close', resolve));
  output.destroy();
  await closed;
  await settle();
  t.notOk(process.getActiveResourcesInfo().includes('ProcessWrap'));
  t.same(context.drops, new Map(), 'what was cancelled is no failure');
});
