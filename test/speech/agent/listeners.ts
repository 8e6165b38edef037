import t from 'tap';
import { AgentLab, NumberedVoice, RATE, ScriptedMind } from './agent-lab.js';

const ANSWER = 'The light is on. It will go off in an hour, unless somebody turns it off before.';
/** Of a word that was heard no more than that is missing, in samples. */
const NEAR = (20 * RATE) / 1000;

t.test(
  'who leaves right after speaking is in the conversation, and answered where somebody else is there',
  async (t) => {
    for (const isAlone of [true, false]) {
      const voice = new NumberedVoice({ wordMs: () => 200, tellsWords: true });
      let mind: ScriptedMind | undefined;
      const lab = await AgentLab.open((clock) => ({
        llm: (mind = new ScriptedMind(clock, ['Good night.'])),
        tts: voice,
        fallbackTts: voice,
        fallbackText: '',
      }));
      if (!isAlone) lab.agent.joined('bob', 'Bob');
      await lab.says('good night everybody');
      lab.agent.left('ann');
      await lab.turn(isAlone ? 1 : 2);
      await lab.time.until(lab.agent.idle());
      const said = [{ role: 'user', text: 'good night everybody', participant: 'Ann', streamId: 'ann' }];
      t.match(lab.turns, isAlone ? said : [...said, { role: 'agent', text: 'Good night.' }]);
      t.equal(lab.turns.length, isAlone ? 1 : 2);
      t.equal(mind?.asked.length, isAlone ? 0 : 1, 'nobody thinks for nobody');
      t.equal(lab.numbers.length > 0, !isAlone);
      // Who comes later meets an agent that remembers.
      lab.agent.joined('cleo', 'Cleo');
      lab.agent.activity('cleo', true, lab.nowUs);
      await lab.pass(500);
      lab.agent.activity('cleo', false, lab.nowUs);
      lab.agent.transcript('cleo', { text: 'who was here', isFinal: true, endUs: lab.nowUs });
      await lab.turn(isAlone ? 3 : 4);
      t.match(mind?.asked.at(-1)?.messages[0], { role: 'user', name: 'Ann', text: 'good night everybody' });
      t.match(mind?.asked.at(-1)?.messages.at(-1), { name: 'Cleo', text: 'who was here' });
      await lab.close();
    }
  },
);

t.test('who leaves while they are answered is answered to the end where somebody else hears it', async (t) => {
  const { lab } = await talking();
  lab.agent.joined('bob', 'Bob');
  lab.agent.left('ann');
  await lab.turn(2);
  t.match(lab.turns[1], { role: 'agent', text: ANSWER });
  t.notOk(lab.turns[1]?.isInterrupted);
  t.ok(
    Object.values(lab.latencies[0]?.stages ?? { none: -1 }).every((ms) => ms >= 0),
    'how long it took is known',
  );
  await lab.close();
});

t.test('nothing more is said, nor thought, when the last one has left, and what they heard is kept', async (t) => {
  for (const isPaused of [false, true]) {
    const { lab, mind, voice } = await talking();
    await lab.pass(1300);
    if (isPaused) {
      lab.agent.activity('ann', true, lab.nowUs);
      await lab.pass(700);
    }
    const leftUs = lab.nowUs;
    lab.agent.left('ann');
    await lab.turn(2);
    await lab.time.until(lab.agent.idle());
    await lab.pass(500);
    t.ok((lab.left.at(-1)?.atUs ?? 0) <= leftUs + 20_000, 'the publisher is silent');
    t.equal(voice.open, 0, 'the engine has stopped');
    t.equal(lab.agent.mouth.waitingUs, 0);
    t.equal(lab.states.at(-1), 'listening');
    const heard = voice.said[0]?.filter(({ to }) => to <= lab.numbers.length + NEAR).map(({ text }) => text);
    t.ok(heard && heard.length > 3 && heard.length < 14, `${heard?.length} words were heard`);
    t.match(lab.turns[1], { role: 'agent', isInterrupted: true });
    t.equal(lab.turns[1]?.text, heard?.join(' '), 'to the word');
    await comes(lab, 'Bob', 'what was said');
    t.same(
      mind.asked.at(-1)?.messages.map(({ text }) => text),
      ['is the light on', lab.turns[1]?.text, 'what was said'],
    );
    await lab.close();
  }
});

t.test('who leaves before they are answered is not answered, and what they said is kept', async (t) => {
  const { lab, mind, voice } = await asked({ thinksMs: 300 });
  await lab.pass(600);
  t.equal(lab.states.at(-1), 'thinking');
  lab.agent.left('ann');
  await lab.turn(1);
  await lab.time.until(lab.agent.idle());
  await lab.pass(5000);
  t.equal(lab.left.length, 0, 'nothing is heard');
  t.equal(voice.open, 0);
  t.match(lab.turns, [{ role: 'user', text: 'is the light on' }]);
  t.equal(lab.states.at(-1), 'listening');
  await comes(lab, 'Bob', 'what was said');
  t.same(
    mind.asked.at(-1)?.messages.map(({ text }) => text),
    ['is the light on', 'what was said'],
  );
  await lab.close();
});

t.test('who interrupts and leaves has the last word', async (t) => {
  const { lab } = await talking();
  await lab.pass(1300);
  lab.agent.activity('ann', true, lab.nowUs);
  lab.agent.transcript('ann', { text: 'I have to go', isFinal: false, endUs: lab.nowUs });
  lab.agent.left('ann');
  await lab.turn(3);
  await lab.time.until(lab.agent.idle());
  t.match(
    lab.turns.map(({ role, text }) => [role, text]),
    [
      ['user', 'is the light on'],
      ['agent', /^The light is on\./],
      ['user', 'I have to go'],
    ],
  );
  await lab.close();
});

interface Asked {
  readonly lab: AgentLab;
  readonly mind: ScriptedMind;
  readonly voice: NumberedVoice;
}

/** An agent that was asked something. */
async function asked({ thinksMs = 0 } = {}): Promise<Asked> {
  const voice = new NumberedVoice({ wordMs: () => 200, tellsWords: true });
  let mind!: ScriptedMind;
  const lab = await AgentLab.open((clock) => ({
    llm: (mind = new ScriptedMind(clock, [ANSWER, 'Yes.'], thinksMs)),
    tts: voice,
    fallbackTts: voice,
    fallbackText: '',
  }));
  await lab.says('is the light on');
  return { lab, mind, voice };
}

/** And one that has just begun to say ANSWER. */
async function talking(): Promise<Asked> {
  const all = await asked();
  await all.lab.turn(1);
  return all;
}

/** Somebody else comes, says something, and is answered. */
async function comes(lab: AgentLab, name: string, text: string): Promise<void> {
  const id = name.toLowerCase();
  const before = lab.turns.length;
  lab.agent.joined(id, name);
  lab.agent.activity(id, true, lab.nowUs);
  await lab.pass(500);
  lab.agent.activity(id, false, lab.nowUs);
  lab.agent.transcript(id, { text, isFinal: true, endUs: lab.nowUs });
  await lab.turn(before + 2);
}
