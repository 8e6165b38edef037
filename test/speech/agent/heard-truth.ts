import t from 'tap';
import { AgentLab, NUMBERS, NumberedVoice, RATE, ScriptedMind, type SaidWord } from './agent-lab.js';

/** Points of interruption, half of them with the words' times told, half with them estimated. */
const POINTS = 1000;
const NEAR = (20 * RATE) / 1000;
const VOCABULARY =
  'a I go we the and light house window morning tomorrow beautiful extraordinary certainly because'.split(' ');

/** A text of a few sentences, the same for the same seed. */
function textOf(random: () => number): string {
  const sentences = Array.from({ length: 2 + Math.floor(random() * 3) }, () => {
    const words = Array.from({ length: 3 + Math.floor(random() * 8) }, () => pick(VOCABULARY, random));
    if (random() < 0.4) words[1] = `${words[1] ?? ''},`;
    return `${words.join(' ')}.`;
  });
  return sentences.join(' ');
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)]!;
}

/** Numbers from 0 to 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** How long a word takes: by its letters, as voices have it, some slower and some faster. */
function naturally(random: () => number): (word: string) => number {
  return (word) => (word.length + 1) * 60 * (0.85 + 0.3 * random());
}

t.test(
  `after ${POINTS} interruptions the conversation holds the words whose sound left, and nothing follows them`,
  async (t) => {
    let [interrupted, wordsOff] = [0, 0];
    for (let point = 0; point < POINTS; point++) {
      const random = randomOf(point + 1);
      const tellsWords = point % 2 === 0;
      const voice = new NumberedVoice({ wordMs: naturally(random), tellsWords });
      const text = textOf(random);
      let mind: ScriptedMind | undefined;
      const lab = await AgentLab.open((clock) => ({
        llm: (mind = new ScriptedMind(clock, [text, 'Yes.'], random() * 120)),
        tts: voice,
        fallbackTts: voice,
        fallbackText: '',
      }));
      await lab.says('tell me something');
      await lab.pass(300 + random() * 6000);
      if (lab.turns.length < 2) await interrupt(lab, random);
      await lab.turn(2);
      // What was on its way has arrived.
      await lab.pass(100);
      if (lab.turns[0]?.text !== 'tell me something') {
        // Who goes on before anything was heard has one turn, and one answer.
        t.match(lab.turns, [{ text: 'tell me something wait a moment' }, { text: 'Yes.' }]);
        await lab.close();
        continue;
      }
      const answer = lab.turns[1]?.role === 'agent' ? lab.turns[1] : undefined;
      const isInterrupted = answer === undefined || answer.isInterrupted === true;
      const committed = wordsIn(answer?.text ?? '');
      const heard = countHeard(voice.said[0] ?? [], isInterrupted ? firstAnswer(lab.numbers) : Infinity);
      const off = Math.max(heard.least - committed, committed - heard.most, 0);
      wordsOff = Math.max(wordsOff, off);
      const allowed = tellsWords ? 0 : 1;
      if (off > allowed) t.fail(`point ${point}: ${committed} words, ${heard.least} to ${heard.most} were heard`);
      if (!text.startsWith(answer?.text ?? '')) t.fail(`point ${point}: "${answer?.text}" is not how "${text}" begins`);
      if (answer?.isInterrupted === true) {
        interrupted++;
        if (committed > 0 && answer.isEstimated !== !tellsWords)
          t.fail(`point ${point}: whether its words were estimated is told wrong`);
        const isSilent = lab.agent.mouth.waitingUs === 0 && voice.open === 0;
        if (lab.states.at(-1) === 'listening' && !isSilent) t.fail(`point ${point}: something is still said`);
        await lab.says('and now');
        await lab.turn(4);
        const remembered = mind?.asked.at(-1)?.messages.find(({ role }) => role === 'assistant')?.text;
        if (remembered !== answer.text) t.fail(`point ${point}: "${remembered}" is remembered of "${answer.text}"`);
      }
      await lab.close();
    }
    t.comment(`${interrupted} were interrupted; ${wordsOff} words off at most`);
    t.ok(interrupted > POINTS / 2, 'most were interrupted while they said something');
  },
);

/** The number of the last sample of the first answer that has left. */
function firstAnswer(numbers: readonly number[]): number {
  const next = numbers.findIndex((number, i) => i > 0 && number === 1 && numbers[i - 1] !== NUMBERS);
  return next < 0 ? numbers.length : next;
}

function wordsIn(text: string): number {
  return text === '' ? 0 : text.split(/\s+/).length;
}

/** Says something into it: with words at once, after a pause of the agent, or so briefly that there is none. */
async function interrupt(lab: AgentLab, random: () => number): Promise<void> {
  const kind = random();
  const fromUs = lab.nowUs;
  if (kind < 0.4) {
    lab.agent.activity('ann', true, fromUs);
    lab.agent.transcript('ann', { text: 'wait a moment', isFinal: false, endUs: fromUs });
    await lab.pass(400);
    lab.agent.activity('ann', false, lab.nowUs);
    lab.agent.transcript('ann', { text: 'wait a moment', isFinal: true, endUs: lab.nowUs });
    return;
  }
  await lab.says('wait a moment', kind < 0.7 ? 900 : 150);
}

/** How many words have been heard when so many samples have left, to 20 ms. */
function countHeard(words: readonly SaidWord[], until: number): { readonly least: number; readonly most: number } {
  return {
    least: words.filter(({ to }) => to <= until - NEAR).length,
    most: words.filter(({ to }) => to <= until + NEAR).length,
  };
}
