import t from 'tap';
import { AgentLab, NumberedVoice, ScriptedMind } from './agent-lab.js';

const ANSWER = 'The light is on. It will go off in an hour, unless somebody turns it off before.';
/** What may still leave after a voice has been long enough to interrupt, in ms. */
const REST_MS = 20;

t.test('words that come late are a turn after what was heard before them', async (t) => {
  const { lab, mind } = await asked();
  await lab.turn(1);
  await lab.pass(1200);
  const fromUs = lab.nowUs;
  lab.agent.activity('ann', true, fromUs);
  await lab.pass(800);
  lab.agent.activity('ann', false, fromUs + 600_000);
  // Who has been silent for so long has said everything, as soon as it is known what.
  await lab.pass(1000);
  lab.agent.transcript('ann', { text: 'stop it', isFinal: true, endUs: fromUs + 600_000 });
  await lab.turn(4);
  t.match(
    lab.turns.map(({ role, text }) => [role, text]),
    [
      ['user', 'is the light on'],
      ['agent', /^The light is on\. It/],
      ['user', 'stop it'],
      ['agent', 'Yes.'],
    ],
  );
  t.equal(lab.turns[1]?.isInterrupted, true);
  t.same(
    mind.asked.at(-1)?.messages.map(({ role, text }) => [role, text]),
    lab.turns.slice(0, 3).map(({ role, text }) => [role === 'agent' ? 'assistant' : role, text]),
    'the language model knows it in the same order',
  );
  await lab.close();
});

t.test('nothing leaves after a voice has been long enough to interrupt, wherever in the answer that is', async (t) => {
  for (const minDurationMs of [100, 300, 500]) {
    let [latestMs, cut] = [-Infinity, 0];
    for (let point = 0; point < 100; point++) {
      const { lab } = await asked({ minDurationMs });
      await lab.turn(1);
      await lab.pass(37 * point + (point % 7) * 1.3);
      const fromUs = lab.nowUs;
      // A voice is known of when it has lasted for a while.
      await lab.pass(60);
      lab.agent.activity('ann', true, fromUs);
      await lab.pass(1900);
      const lastUs = lab.left.at(-1)?.atUs ?? 0;
      if (lastUs >= fromUs + 60_000) {
        cut++;
        latestMs = Math.max(latestMs, (lastUs - fromUs) / 1000 - Math.max(60, minDurationMs));
      }
      await lab.close();
    }
    t.ok(cut > 50, `${cut} answers were cut`);
    t.ok(latestMs <= REST_MS, `the last sound left ${latestMs} ms later at most`);
  }
});

interface Asked {
  readonly lab: AgentLab;
  readonly mind: ScriptedMind;
  readonly voice: NumberedVoice;
}

/** An agent that was asked something, and is about to say ANSWER. */
async function asked({ minDurationMs = 500 } = {}): Promise<Asked> {
  const voice = new NumberedVoice({ wordMs: () => 200, tellsWords: true });
  let mind!: ScriptedMind;
  const lab = await AgentLab.open(
    (clock) => ({
      llm: (mind = new ScriptedMind(clock, [ANSWER, 'Yes.'])),
      tts: voice,
      fallbackTts: voice,
      fallbackText: '',
    }),
    { minDurationMs },
  );
  await lab.says('is the light on');
  return { lab, mind, voice };
}
