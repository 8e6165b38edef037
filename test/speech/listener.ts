import { once } from 'node:events';
import type { Readable } from 'node:stream';
import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import { parseOptions } from '../../src/media/node.js';
import type { Transcript } from '../../src/media/transcript.js';
import { sttDeepgram } from '../../src/nodes/stt-deepgram.js';
import type { Listener } from '../../src/speech/listener.js';
import { type TestContext, settle, testContext } from '../nodes/node-lab.js';
import { requireSystem } from '../support/require.js';
import { deepgramServer } from './services/deepgram.js';
import { commandGrammar, spoken } from './spoken.js';
import { chunksOf } from './streaming-stt-suite.js';

const ANN = { streamId: 's1', connectionId: 'c1', name: 'Ann', hasAudio: true, hasVideo: false };

t.test('a node whose engine hears sound while it comes', async (t) => {
  if (requireSystem(t, 'espeak-ng') === undefined || requireSystem(t, 'pocketsphinx_continuous') === undefined) return;
  const server = await deepgramServer(await commandGrammar(t.testdir()));
  t.teardown(() => server.close());
  t.beforeEach(() => {
    server.seconds.length = 0;
  });
  const node = (manner: Parameters<typeof server.url>[0], context: TestContext): Listener =>
    sttDeepgram.create(parseOptions(sttDeepgram, { baseUrl: server.url(manner) }), context) as Listener;

  await t.test(
    'gives a transcript that is final when speech has ended, with its speaker, its place and the stages that it passed',
    async (t) => {
      const context = testContext({ branch: ANN });
      const listener = node('well', context);
      const [audio, activity] = [listener.input('audio'), listener.input('activity')];
      const transcripts: Transcript[] = [];
      const output = listener.output().on('data', (transcript: Transcript) => transcripts.push(transcript));
      // Without the silence at which the service would make it final by itself.
      const said = await spoken('turn on the light');
      const sound = said.subarray(
        0,
        said.findLastIndex((sample) => Math.abs(sample) > 600),
      );
      write(audio, chunksOf(sound, 3_000_000));
      const ended = { stage: 'speech-ended', atUs: 1 };
      activity.write({ kind: 'voice-activity', isSpeaking: true, timestamp: 3_300_000, passed: [] });
      activity.write({ kind: 'voice-activity', isSpeaking: false, timestamp: 4_300_000, passed: [ended] });
      while (transcripts.at(-1)?.isFinal !== true) await once(output, 'data');
      audio.end();
      activity.end();
      await once(output, 'close');
      const final = transcripts.at(-1)!;
      t.match(final, { text: 'turn on the light', participant: 'Ann', streamId: 's1' });
      t.ok(final.start > 3_200_000 && final.end < 4_700_000, 'on the clock of the sound');
      t.equal(final.words?.length, 4);
      t.same(
        final.passed?.map(({ stage }) => stage),
        ['speech-ended', 'transcribed'],
      );
      t.equal(context.measures.get('final transcript')?.length, 1);
      t.same(context.drops, new Map());
    },
  );

  await t.test('goes on when its engine is there again, and counts what was lost', async (t) => {
    const clock = new VirtualClock();
    const context = testContext({ clock });
    const listener = node('dying-thrice', context);
    const audio = listener.input('audio');
    const transcripts = listener.output().toArray() as Promise<Transcript[]>;
    write(audio, chunksOf(await spoken('open the door'), 0));
    while (!context.drops.has('not understood')) await settle(1);
    write(audio, chunksOf(await spoken('good night'), 10_000_000));
    t.equal(server.seconds.length, 3);
    clock.advance(1000);
    audio.end();
    const given = await transcripts;
    t.same(
      given.filter(({ isFinal }) => isFinal).map(({ text }) => text),
      ['good night'],
    );
    t.ok(
      given.some(({ isFinal }) => !isFinal),
      'and what may still change',
    );
    t.same(context.drops, new Map([['not understood', 1]]));
  });

  await t.test('ends when its engine is not there for good', async (t) => {
    const context = testContext();
    const listener = node('broken', context);
    const audio = listener.input('audio');
    write(audio, chunksOf(await spoken('open the door'), 0));
    audio.end();
    t.same(await listener.output().toArray(), []);
    t.same(context.drops, new Map([['not understood', 1]]));
  });

  await t.test('keeps so much sound for an engine that is not there, and counts the rest', async (t) => {
    const context = testContext();
    const listener = node('hanging', context);
    write(listener.input('audio'), chunksOf(new Int16Array(12 * 16_000), 0));
    t.same(context.drops, new Map([['not heard', 100]]));
    await gone(listener.output());
  });

  await t.test('fails when a key is refused, and leaves nothing', async (t) => {
    const listener = node('refusing', testContext());
    write(listener.input('audio'), chunksOf(new Int16Array(16_000), 0));
    await t.rejects(listener.output().toArray(), { code: 'SLUICE_SERVICE_REFUSED' });
    const cut = node('well', testContext());
    write(cut.input('audio'), chunksOf(await spoken('open the door'), 0));
    while (server.seconds.at(-1) === 0) await settle(1);
    await gone(cut.output());
    while (server.open > 0) await settle(1);
    t.equal(server.open, 0);
  });
});

function write(input: { write(chunk: AudioData): boolean }, chunks: readonly AudioData[]): void {
  for (const chunk of chunks) input.write(chunk);
}

async function gone(output: Readable): Promise<void> {
  const closed = once(output, 'close');
  output.destroy();
  await closed;
}
