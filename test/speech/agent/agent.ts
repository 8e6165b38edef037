import { join } from 'node:path';
import t from 'tap';
import { audioData } from '../../../src/media/audio-data.js';
import { SluiceError } from '../../../src/media/errors.js';
import type { AnswerRequest, LanguageModel } from '../../../src/speech/language-model.js';
import type { Synthesiser } from '../../../src/speech/synthesiser.js';
import { readAudio } from '../../nodes/media-lab.js';
import { PACKAGE_ROOT } from '../../support/package-root.js';
import { decimate } from '../../support/signal.js';
import { AgentLab, NumberedVoice, RATE, ScriptedMind, numbered } from './agent-lab.js';

const ANSWER = 'The light is on. It will go off in an hour, unless somebody turns it off before.';

t.test('who has said something is answered, and hears it all', async (t) => {
  const voice = new NumberedVoice({ wordMs: () => 200, tellsWords: true });
  const lab = await AgentLab.open((clock) => ({
    llm: new ScriptedMind(clock, [ANSWER]),
    tts: voice,
    fallbackTts: voice,
    fallbackText: 'sorry',
  }));
  await lab.says('is the light on');
  await lab.turn(2);
  t.match(lab.turns, [
    { role: 'user', text: 'is the light on', participant: 'Ann' },
    { role: 'agent', text: ANSWER },
  ]);
  t.notOk(lab.turns[1]?.isInterrupted);
  const frames = voice.said[0]?.at(-1)?.to ?? 0;
  t.same(lab.numbers.slice(0, frames), numbered(frames), 'to the sample');
  t.same(lab.states, ['thinking', 'speaking', 'listening']);
  t.match(lab.captions.at(-1), { text: ANSWER, isFinal: true });
  t.equal(lab.captions[0]?.text, 'The', 'captions come as the words are heard');
  t.same(lab.failures, []);
  await lab.close();
});

t.test('a noise makes it silent for a while, and it goes on with the next sample', async (t) => {
  for (let round = 0; round < 40; round++) {
    const { lab, voice } = await talking();
    await lab.pass(100 + round * 53);
    const fromUs = lab.nowUs;
    lab.agent.activity('ann', true, fromUs);
    await lab.pass(700);
    lab.agent.activity('ann', false, lab.nowUs - 100_000);
    await lab.turn(2);
    const frames = voice.said[0]?.at(-1)?.to ?? 0;
    const [numbers, right] = [lab.numbers, numbered(frames)];
    const wrong = right.findIndex((number, i) => number !== numbers[i]);
    if (wrong >= 0 || numbers.length !== frames) t.fail(`round ${round}: sample ${wrong} of ${frames} is another one`);
    const gaps = lab.left.map(({ atUs }, i) => atUs - (lab.left[i - 1]?.atUs ?? atUs));
    t.ok(Math.max(...gaps) > 1_500_000, `it was silent for ${Math.max(...gaps) / 1000} ms`);
    t.match(lab.turns[1], { role: 'agent', text: ANSWER });
    t.notOk(lab.turns[1]?.isInterrupted);
    await lab.close();
  }
});

t.test('a voice that goes on is silence at once, and words end the answer', async (t) => {
  const { lab } = await talking();
  await lab.pass(700);
  const fromUs = lab.nowUs;
  lab.agent.activity('ann', true, fromUs);
  await lab.pass(1500);
  const lastUs = lab.left.at(-1)?.atUs ?? 0;
  t.ok(lastUs - fromUs <= 520_000, `the last sound left ${(lastUs - fromUs) / 1000} ms after the voice began`);
  t.notMatch(lab.turns, [{}, {}], 'it may still go on');
  lab.agent.transcript('ann', { text: 'stop it', isFinal: false, endUs: lab.nowUs });
  await lab.turn(2);
  t.match(lab.turns[1], { role: 'agent', isInterrupted: true });
  await lab.close();
});

t.test('where nobody tells how far its sound has come, what was heard is marked as estimated', async (t) => {
  const { lab } = await talking();
  lab.agent.mouth.audio.playedBy(undefined);
  await lab.pass(700);
  await lab.says('stop it');
  await lab.turn(2);
  t.match(lab.turns[1], { role: 'agent', isInterrupted: true, isEstimated: true });
  await lab.close();
});

t.test('who shows that they listen is talked to on', async (t) => {
  const { lab } = await talking();
  await lab.pass(400);
  await lab.says('uh-huh', 300);
  await lab.turn(2);
  t.match(lab.turns[1], { role: 'agent', text: ANSWER });
  t.notOk(lab.turns[1]?.isInterrupted);
  await lab.close();
});

t.test('several people are answered one after the other, each knows whom it answers', async (t) => {
  const voice = new NumberedVoice({ wordMs: () => 200, tellsWords: true });
  let mind: ScriptedMind | undefined;
  const lab = await AgentLab.open((clock) => ({
    llm: (mind = new ScriptedMind(clock, ['Both.'])),
    tts: voice,
    fallbackTts: voice,
    fallbackText: '',
  }));
  lab.agent.joined('bob', 'Bob');
  lab.agent.activity('bob', true, lab.nowUs);
  await lab.says('is it late');
  const bobUs = lab.nowUs;
  lab.agent.activity('bob', false, bobUs);
  lab.agent.transcript('bob', { text: 'is it dark', isFinal: true, endUs: bobUs });
  await lab.turn(3);
  t.match(
    lab.turns.map(({ participant, text }) => [participant, text]),
    [
      ['Bob', 'is it dark'],
      ['Ann', 'is it late'],
      [undefined, 'Both.'],
    ],
  );
  t.match(mind?.asked.at(-1)?.messages, [
    { role: 'user', name: 'Bob', text: 'is it dark' },
    { role: 'user', name: 'Ann', text: 'is it late' },
  ]);
  const { frameworkMs = NaN } = lab.latencies[0] ?? {};
  t.ok(frameworkMs <= 20, `Ann waited for what Bob had to say, which is not ours: ${frameworkMs} ms are`);
  await lab.close();
});

t.test("the agent's own voice out of a loudspeaker does not interrupt it", async (t) => {
  const clip = await readAudio(join(PACKAGE_ROOT, 'pipelines', 'media', 'speech.ogg'));
  const speech = decimate(clip.samples.subarray(0, 6 * 48_000), 48_000 / RATE);
  const voice: Synthesiser = {
    async say(text, { onAudio }) {
      for await (const piece of text) if (piece === '') return;
      await onAudio(speech, { sampleRate: RATE, numberOfChannels: 1 });
    },
  };
  const lab = await AgentLab.open((clock) => ({
    llm: new ScriptedMind(clock, [ANSWER]),
    tts: voice,
    fallbackTts: voice,
    fallbackText: '',
  }));
  await lab.says('is the light on');
  let heard = 0;
  for (let i = 0; i < 200; i++) {
    await lab.pass(20);
    for (; heard < lab.left.length; heard++)
      lab.agent.hear('ann', audioData(lab.left[heard]!.numbers, RATE, 1, lab.nowUs));
    if (i === 60) lab.agent.activity('ann', true, lab.nowUs);
  }
  lab.agent.activity('ann', false, lab.nowUs);
  lab.agent.transcript('ann', { text: 'the light is on', isFinal: true, endUs: lab.nowUs });
  await lab.turn(2);
  t.match(lab.turns[1], { role: 'agent', text: ANSWER });
  t.notOk(lab.turns[1]?.isInterrupted);
  const gapsMs = lab.left.slice(1).map(({ atUs }, i) => (atUs - lab.left[i]!.atUs) / 1000);
  t.ok(Math.max(...gapsMs) < 30, `nor does it pause: ${Math.max(...gapsMs)} ms at most`);
  await lab.close();
});

t.test('an engine that dies in the middle of an answer is heard to fail, and the conversation goes on', async (t) => {
  for (let round = 0; round < 100; round++) {
    const dies = round % 2 === 0 ? 'tts' : 'llm';
    let deaths = 0;
    const fallback = new NumberedVoice({ wordMs: () => 100, tellsWords: false });
    const voice = new NumberedVoice({
      wordMs: () => 200,
      tellsWords: round % 3 === 0,
      before: (piece) => {
        if (dies === 'tts' && deaths === 0 && piece === round % 12) {
          deaths++;
          throw new SluiceError('SLUICE_SPEECH_FAILED', 'it died', { retryable: true });
        }
      },
    });
    const lab = await AgentLab.open((clock) => ({
      llm: dies === 'llm' ? new DyingMind(ANSWER, round % 12) : new ScriptedMind(clock, [ANSWER]),
      tts: voice,
      fallbackTts: fallback,
      fallbackText: 'I am sorry.',
    }));
    await lab.says('is the light on');
    await lab.turn(2);
    const said = lab.turns[1]?.text ?? '';
    if (!said.endsWith('I am sorry.')) t.fail(`round ${round}: ${said}`);
    const before = said.slice(0, -'I am sorry.'.length).trim();
    if (!ANSWER.startsWith(before)) t.fail(`round ${round}: ${before} is not how the answer begins`);
    if (fallback.said.length !== 1) t.fail(`round ${round}: the fallback was not heard`);
    t.same(lab.failures, [dies === 'tts' ? 'not said' : 'not answered']);
    await lab.says('again please');
    await lab.turn(4);
    t.match(lab.turns[3], { role: 'agent', text: ANSWER }, 'it goes on');
    if (voice.open + fallback.open > 0 || lab.agent.mouth.waitingUs > 0) t.fail(`round ${round}: something is left`);
    await lab.close();
  }
});

t.test('the stages of an answer add up to the time between the voices', async (t) => {
  const voice = new NumberedVoice({ wordMs: () => 200, tellsWords: true });
  const lab = await AgentLab.open((clock) => ({
    llm: new ScriptedMind(clock, [ANSWER], 40),
    tts: voice,
    fallbackTts: voice,
    fallbackText: '',
  }));
  const beganUs = lab.nowUs;
  await lab.says('is the light on', 1000);
  await lab.turn(2);
  const [latency] = lab.latencies;
  const sum = Object.values(latency?.stages ?? {}).reduce((all, ms) => all + ms, 0);
  t.ok(Math.abs(sum - (latency?.voiceToVoiceMs ?? 0)) < 0.001, `${sum} is ${latency?.voiceToVoiceMs}`);
  const firstUs = lab.left[0]?.atUs ?? 0;
  const measuredMs = (firstUs - beganUs) / 1000 - 1000;
  t.ok(
    Math.abs(measuredMs - (latency?.voiceToVoiceMs ?? 0)) <= 20,
    `${measuredMs} ms on the samples, ${latency?.voiceToVoiceMs} in the ledger`,
  );
  t.match(
    Object.entries(latency?.stages ?? {}).map(([stage, ms]) => [stage, Math.round(ms)]),
    [
      ['detection', 200],
      ['transcription', 50],
      ['endpointing', 250],
      ['thinking', 40],
    ],
  );
  t.ok((latency?.frameworkMs ?? 99) <= 20, `${latency?.frameworkMs} ms are ours`);
  t.same(lab.turns[1]?.latency, latency);
  await lab.close();
});

t.test('what is said into an answer waits for its end, which is not ours', async (t) => {
  const { lab } = await talking({ minWords: 5 });
  await lab.says('tell me more', 300);
  await lab.turn(4);
  t.notOk(lab.turns.some(({ isInterrupted }) => isInterrupted));
  const { voiceToVoiceMs = NaN, frameworkMs = NaN } = lab.latencies[1] ?? {};
  t.ok(voiceToVoiceMs > 2000, `it is answered after ${voiceToVoiceMs} ms`);
  t.ok(frameworkMs <= 20, `${frameworkMs} ms are ours`);
  await lab.close();
});

/** An agent that has just begun to say ANSWER. */
async function talking(
  changes: Parameters<typeof AgentLab.open>[1] = {},
): Promise<{ readonly lab: AgentLab; readonly voice: NumberedVoice }> {
  const voice = new NumberedVoice({ wordMs: () => 200, tellsWords: true });
  const lab = await AgentLab.open(
    (clock) => ({ llm: new ScriptedMind(clock, [ANSWER]), tts: voice, fallbackTts: voice, fallbackText: '' }),
    changes,
  );
  await lab.says('is the light on');
  await lab.turn(1);
  return { lab, voice };
}

/** Dies at a word of its first answer. */
class DyingMind implements LanguageModel {
  readonly #text: string;
  #diesAt: number | undefined;

  constructor(text: string, diesAt: number) {
    this.#text = text;
    this.#diesAt = diesAt;
  }

  async answer({ onText }: AnswerRequest): Promise<{ text: string; calls: [] }> {
    for (const [i, [word]] of [...this.#text.matchAll(/\S+\s*/g)].entries()) {
      await Promise.resolve();
      if (i === this.#diesAt) {
        this.#diesAt = undefined;
        throw new SluiceError('SLUICE_SPEECH_FAILED', 'it died', { retryable: true });
      }
      onText(word);
    }
    return { text: this.#text, calls: [] };
  }
}
