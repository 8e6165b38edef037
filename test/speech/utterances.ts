import t from 'tap';
import { audioData } from '../../src/media/audio-data.js';
import { type Utterance, UtteranceCollector } from '../../src/speech/utterances.js';

const RATE = 16_000;

/** A collector that is given sound whose samples are their own number in ms. */
function setUp(options: { leadMs?: number; maxMs?: number; segmented?: boolean } = {}) {
  const utterances: Utterance[] = [];
  const collector = new UtteranceCollector({
    leadMs: options.leadMs ?? 100,
    maxMs: options.maxMs ?? 10_000,
    onUtterance: (utterance) => utterances.push(utterance),
  });
  if (options.segmented !== false) collector.segment();
  let atMs = 0;
  const hear = (untilMs: number): void => {
    for (; atMs < untilMs; atMs += 20) {
      const data = Int16Array.from({ length: 320 }, (_, i) => atMs + Math.floor(i / 16));
      collector.audio(audioData(data, RATE, 1, atMs * 1000));
    }
  };
  const speaks = (isSpeaking: boolean, ms: number): void => {
    collector.activity({ kind: 'voice-activity', isSpeaking, timestamp: ms * 1000 });
  };
  /** First and last ms of each. */
  const spans = (): [number | undefined, number | undefined][] =>
    utterances.map(({ samples }) => [samples[0], samples.at(-1)]);
  return { collector, utterances, hear, speaks, spans };
}

t.test('an utterance is the sound from a little before speech to a little after it', async (t) => {
  const { hear, speaks, spans, utterances } = setUp();
  hear(1100);
  speaks(true, 1000);
  hear(2500);
  speaks(false, 2000);
  t.same(spans(), [[900, 2099]]);
  t.match(utterances[0], { startUs: 900_000, endUs: 2_100_000, sampleRate: RATE, numberOfChannels: 1 });
  hear(4000);
  speaks(true, 3500);
  hear(5000);
  speaks(false, 4500);
  t.same(spans()[1], [3400, 4599]);
});

t.test('what is told before the sound has come waits for it', async (t) => {
  const { hear, speaks, spans } = setUp();
  speaks(true, 1000);
  speaks(false, 1500);
  speaks(true, 3000);
  speaks(false, 3200);
  hear(1000);
  t.same(spans(), []);
  hear(4000);
  t.same(spans(), [
    [900, 1599],
    [2900, 3299],
  ]);
});

t.test('sound that has passed is remembered for as long as voice activity may take', async (t) => {
  const { hear, speaks, spans } = setUp();
  hear(10_000);
  speaks(true, 7500);
  speaks(false, 9000);
  t.same(spans(), [[7400, 9099]]);
});

t.test('what is too long comes in parts', async (t) => {
  const { hear, speaks, spans } = setUp({ maxMs: 1000 });
  speaks(true, 100);
  hear(2700);
  speaks(false, 2500);
  t.same(spans(), [
    [0, 999],
    [1000, 1999],
    [2000, 2599],
  ]);
});

t.test('an end of the sound is the end of what was being said', async (t) => {
  const { collector, hear, speaks, spans } = setUp();
  hear(1000);
  speaks(true, 800);
  hear(1500);
  collector.end();
  t.same(spans(), [[700, 1499]]);
});

t.test('without voice activity all sound is one utterance', async (t) => {
  const { collector, hear, spans } = setUp({ segmented: false });
  hear(5000);
  collector.end();
  t.same(spans(), [[0, 4999]]);
});

t.test('speech at the beginning of the sound begins with it', async (t) => {
  const { hear, speaks, utterances } = setUp();
  speaks(true, 20);
  speaks(false, 500);
  hear(1000);
  t.match(utterances[0], { startUs: 0, endUs: 600_000 });
});
