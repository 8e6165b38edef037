import fc from 'fast-check';
import t from 'tap';
import { BACKCHANNELS } from '../../../src/speech/dialogue/interruptions.js';
import { TurnTaker, type TurnDecision, type TurnTakingOptions } from '../../../src/speech/dialogue/turn-taker.js';

const MS = 1000;

interface Changes {
  readonly endpointing?: Partial<TurnTakingOptions['endpointing']>;
  readonly interruption?: Partial<TurnTakingOptions['interruption']>;
  readonly isJudged?: boolean;
  readonly own?: TurnTakingOptions['own'];
}

/** A talk on a clock of its own: what is said when, in ms, and what was decided when. */
class Talk {
  readonly decided: string[] = [];
  readonly decisions: TurnDecision[] = [];
  readonly taker: TurnTaker;
  #nowMs = 0;

  constructor({ endpointing, interruption, isJudged = false, own }: Changes = {}) {
    this.taker = new TurnTaker(
      {
        endpointing: { mode: 'fixed', minSilenceMs: 500, maxSilenceMs: 3000, ...endpointing },
        interruption: {
          minDurationMs: 500,
          minWords: 0,
          backchannels: BACKCHANNELS,
          falseInterruptionMs: 2000,
          ...interruption,
        },
        transcriptMs: 2000,
        isJudged,
        ...(own && { own }),
      },
      (decision) => {
        this.decisions.push(decision);
        const who = 'participant' in decision ? ` ${decision.participant}` : '';
        const text = 'text' in decision ? `: ${decision.text}` : '';
        this.decided.push(`${this.#nowMs} ${decision.type}${who}${text}`);
        if (decision.type === 'interrupt') this.taker.agentSpeaks(false, this.#nowMs * MS);
      },
    );
  }

  /** Goes on to a moment, with all that falls due on the way. */
  at(ms: number): this {
    for (let due = this.taker.dueUs; due !== undefined && due <= ms * MS; due = this.taker.dueUs) {
      this.#nowMs = Math.max(this.#nowMs, Math.ceil(due / MS));
      this.taker.tick(this.#nowMs * MS);
    }
    this.#nowMs = ms;
    return this;
  }

  /** Voice from one moment to another, known 60 ms after it began and 200 ms after it ended, with its words 100 ms after that. */
  says(who: string, fromMs: number, toMs: number, text: string): this {
    this.voice(who, fromMs, toMs);
    return this.at(toMs + 300).hear(who, text, toMs + 100);
  }

  voice(who: string, fromMs: number, toMs: number): this {
    this.at(fromMs + 60).taker.activity(who, true, fromMs * MS, this.#nowMs * MS);
    this.at(toMs + 200).taker.activity(who, false, toMs * MS, this.#nowMs * MS);
    return this;
  }

  hear(who: string, text: string, endMs: number, isFinal = true): this {
    this.taker.transcript(who, { text, isFinal, endUs: endMs * MS }, this.#nowMs * MS);
    return this;
  }

  agent(isSpeaking: boolean): this {
    this.taker.agentSpeaks(isSpeaking, this.#nowMs * MS);
    return this;
  }
}

t.test('a turn is over when its speaker has been silent long enough and its words have come', async (t) => {
  t.same(new Talk().says('ann', 1000, 2000, 'turn on the light').at(9000).decided, [
    '2500 turn ann: turn on the light',
  ]);
  const late = new Talk().voice('ann', 1000, 2000).at(3200).hear('ann', 'good night', 2100).at(9000);
  t.same(late.decided, ['3200 turn ann: good night'], 'words that come late are waited for');
  t.same(late.decisions, [
    { type: 'turn', participant: 'ann', text: 'good night', startUs: 1e6, endUs: 2e6, silenceUs: 5e5 },
  ]);
  t.same(new Talk().voice('ann', 1000, 2000).at(60_000).decided, [], 'a noise without words is no turn');
  t.equal(new Talk().voice('ann', 1000, 2000).at(60_000).taker.dueUs, undefined, 'and nothing is waited for any more');
});

t.test('who pauses inside of a turn is not cut off', async (t) => {
  const talk = new Talk().says('ann', 1000, 2000, 'turn on').says('ann', 2400, 3000, 'the light').at(9000);
  t.same(talk.decided, ['3500 turn ann: turn on the light']);
});

t.test('who goes on before the answer is heard gets their words back', async (t) => {
  const talk = new Talk().says('ann', 1000, 2000, 'turn on').says('ann', 2700, 3200, 'the light').at(9000);
  t.same(talk.decided, ['2500 turn ann: turn on', '2760 reopen ann', '3700 turn ann: turn on the light']);
  const answered = new Talk().says('ann', 1000, 2000, 'turn on').at(2550).agent(true).at(2600).agent(false);
  answered.says('ann', 2700, 3200, 'the light').at(9000);
  t.same(answered.decided, ['2500 turn ann: turn on', '3700 turn ann: the light'], 'what was answered is over');
});

t.test('a habit of long pauses is learned, up to the longest silence', async (t) => {
  const talk = new Talk({ endpointing: { mode: 'habit' } });
  let fromMs = 0;
  for (let i = 0; i < 12; i++) {
    talk.says('ann', fromMs, fromMs + 400, `part ${i}`);
    fromMs += 400 + 900;
  }
  talk.at(60_000);
  const turns = talk.decided.filter((line) => line.includes('turn'));
  t.equal(
    turns.at(-1)?.split(': ')[1],
    Array.from({ length: 12 }, (_, i) => `part ${i}`).join(' '),
    'at last one turn',
  );
  t.ok(turns.length < 12, `she was cut off ${turns.length - 1} times of 11`);
  const silentMs = Number(turns.at(-1)?.split(' ')[0]) - (fromMs - 900);
  t.ok(silentMs >= 900 && silentMs <= 1500, `${silentMs} ms are waited for after pauses of 900`);
});

t.test('a turn that is judged unfinished waits for the longest silence', async (t) => {
  const talk = new Talk({ isJudged: true });
  talk.says('ann', 1000, 2000, 'I would like to and');
  const [asked] = talk.decisions;
  if (asked?.type !== 'judge') throw new Error('not judged');
  talk.taker.judged(asked.turn, 0.1, 2_300_000);
  talk.at(9000);
  t.same(talk.decided.slice(1), ['5000 turn ann: I would like to and']);

  const over = new Talk({ isJudged: true }).says('ann', 1000, 2000, 'good night');
  over.taker.judged({ participant: 'ann', text: 'something else' }, 0.1, 2_300_000);
  over.taker.judged({ participant: 'ann', text: 'good night' }, 0.9, 2_300_000);
  t.same(over.at(9000).decided.slice(1), ['2500 turn ann: good night'], 'a judgement of other words is not taken');
});

t.test('one has the floor, and what another says meanwhile is their turn after it', async (t) => {
  const talk = new Talk();
  talk.at(1060).taker.activity('ann', true, 1_000_000, 1_060_000);
  talk.says('bob', 1200, 1800, 'me too');
  talk.at(3200).taker.activity('ann', false, 3_000_000, 3_200_000);
  talk.at(3300).hear('ann', 'open the door', 3100).at(9000);
  t.same(talk.decided, ['3500 turn ann: open the door', '3500 turn bob: me too']);
});

t.test('who makes noise without a word does not keep the others from their turns', async (t) => {
  const talk = new Talk();
  talk.at(60).taker.activity('fan', true, 0, 60_000);
  talk.says('ann', 2000, 3000, 'open the door').at(20_000);
  t.same(talk.decided, ['10000 turn ann: open the door']);
  talk.says('ann', 21_000, 22_000, 'and close it').at(30_000);
  t.same(talk.decided.slice(1), ['22500 turn ann: and close it'], 'nor later');
});

t.test('a voice makes the agent pause, and words make it stop', async (t) => {
  const talk = new Talk().at(1000).agent(true).says('ann', 2000, 3000, 'no the other one').at(9000);
  t.same(talk.decided, ['2500 pause ann', '3300 interrupt ann', '3500 turn ann: no the other one']);
  const short = new Talk().at(1000).agent(true).says('ann', 2000, 2250, 'stop').at(9000);
  t.same(short.decided, ['2550 interrupt ann', '2750 turn ann: stop'], 'a short word needs no pause before it');
  const early = new Talk().at(1000).agent(true).at(2060);
  early.taker.activity('ann', true, 2_000_000, 2_060_000);
  early.at(2200).hear('ann', 'wait', 2200, false);
  t.same(early.decided, ['2200 interrupt ann'], 'nor does one that is understood at once');
});

t.test('coughs and noises let the agent go on', async (t) => {
  const talk = new Talk().at(1000).agent(true).voice('ann', 2000, 2250).voice('ann', 3000, 3800).at(20_000);
  t.same(talk.decided, ['3500 pause ann', '5800 resume']);
});

t.test('who shows that they listen does not interrupt', async (t) => {
  const talk = new Talk()
    .at(1000)
    .agent(true)
    .says('ann', 2000, 2700, 'Uh-huh, okay.')
    .at(4000)
    .agent(false)
    .at(20_000);
  t.same(talk.decided, ['2500 pause ann', '3000 backchannel ann: Uh-huh, okay.', '3000 resume'], 'nor is it a turn');
  const asked = new Talk().says('ann', 2000, 2700, 'Yes.').at(20_000);
  t.same(asked.decided, ['3200 turn ann: Yes.'], 'while the agent is silent it is an answer');
});

t.test('where words are asked for, voice alone does nothing, and too few words are a turn later', async (t) => {
  const talk = new Talk({ interruption: { minWords: 3 } }).at(1000).agent(true).says('ann', 2000, 3000, 'not this');
  talk.at(5000).agent(false).at(6000);
  t.same(talk.decided, ['5000 turn ann: not this']);
  const three = new Talk({ interruption: { minWords: 3 } }).at(1000).agent(true).says('ann', 2000, 3000, 'no not this');
  t.same(three.decided, ['3300 interrupt ann']);
});

t.test('who leaves lets the agent go on, and is waited for by nobody', async (t) => {
  const talk = new Talk().at(1000).agent(true).at(2060);
  talk.taker.activity('ann', true, 2_000_000, 2_060_000);
  talk.at(2600).taker.left('ann', 2_600_000);
  t.same(talk.at(9000).decided, ['2500 pause ann', '2600 resume']);
  t.equal(talk.taker.dueUs, undefined);
});

t.test('who leaves has said what they wanted to say', async (t) => {
  const gone = (talk: Talk, who: string, ms: number): Talk => {
    talk.at(ms).taker.left(who, ms * MS);
    return talk;
  };
  const silent = gone(new Talk().says('ann', 1000, 2000, 'good night'), 'ann', 2300);
  t.same(silent.at(9000).decided, ['2300 turn ann: good night'], 'no silence is waited for');
  t.equal(silent.taker.dueUs, undefined);
  const talk = new Talk().voice('ann', 1000, 1800).hear('ann', 'turn on', 1800);
  talk.at(2060).taker.activity('ann', true, 2_000_000, 2_060_000);
  talk.hear('ann', 'the li', 2060, false);
  t.same(gone(talk, 'ann', 2300).at(9000).decided, ['2300 turn ann: turn on the li'], 'in the middle of a word too');
  const answered = gone(new Talk().says('ann', 1000, 2000, 'good night').at(2600), 'ann', 2700);
  t.same(answered.at(9000).decided, ['2500 turn ann: good night'], 'once');
  t.same(gone(new Talk().voice('ann', 1000, 2000), 'ann', 2300).at(9000).decided, [], 'a noise is none');

  const over = new Talk({ interruption: { minWords: 3 } }).at(1000).agent(true).says('ann', 2000, 2500, 'thank you');
  gone(over, 'ann', 2900).at(4000).agent(false);
  t.same(over.at(9000).decided, ['4000 turn ann: thank you'], 'it comes when the agent has said what it says');
  const floor = new Talk();
  floor.at(1060).taker.activity('bob', true, 1_000_000, 1_060_000);
  floor.hear('bob', 'I would', 1060, false).says('ann', 1200, 1800, 'me too');
  gone(floor, 'ann', 2200).at(3200).taker.activity('bob', false, 3_000_000, 3_200_000);
  floor.hear('bob', 'I would like one', 3100).at(9000);
  t.same(floor.decided, ['3500 turn bob: I would like one', '3500 turn ann: me too'], 'after those who spoke before');
});

t.test("the agent's own voice and words are no interruption, and somebody's over them are", async (t) => {
  let isEcho = true;
  const own = { isVoice: () => isEcho, isWords: (text: string) => text === 'the weather is fine' };
  const talk = new Talk({ own }).at(1000).agent(true).says('ann', 2000, 4000, 'the weather is fine').at(5000);
  t.same(talk.decided, []);
  talk.at(6060).taker.activity('ann', true, 6_000_000, 6_060_000);
  talk.at(7000);
  isEcho = false;
  talk.at(7200);
  t.same(talk.decided, ['7100 pause ann']);
});

t.test('whatever is said, each word is in one turn or shown to be listening, and nobody waits for ever', async () => {
  const part = fc.record({
    who: fc.constantFrom('ann', 'bob', 'cleo'),
    gapMs: fc.integer({ min: 250, max: 4000 }),
    lastsMs: fc.integer({ min: 50, max: 3000 }),
    agent: fc.constantFrom(undefined, true, false),
    isBackchannel: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const talk = new Talk();
      let nowMs = 0;
      const said: string[] = [];
      for (const [i, { who, gapMs, lastsMs, agent, isBackchannel }] of parts.entries()) {
        nowMs += gapMs;
        talk.at(nowMs);
        if (agent !== undefined) talk.agent(agent);
        const text = isBackchannel ? 'okay' : `word${i}`;
        said.push(text);
        talk.says(who, nowMs, nowMs + lastsMs, text);
        nowMs += lastsMs + 300;
      }
      talk
        .at(nowMs)
        .agent(false)
        .at(nowMs + 60_000);
      const decided: string[] = [];
      for (const [i, decision] of talk.decisions.entries()) {
        if (decision.type === 'backchannel') decided.push(decision.text);
        if (decision.type !== 'turn') continue;
        const { participant, text } = decision;
        const isReopened = talk.decisions
          .slice(i + 1)
          .find((later) => 'participant' in later && later.participant === participant && later.type !== 'pause');
        if (isReopened?.type !== 'reopen') decided.push(...text.split(' '));
      }
      const sorted = (words: readonly string[]): string => [...words].sort().join(' ');
      if (sorted(decided) !== sorted(said)) throw new Error(`said ${sorted(said)}, decided ${sorted(decided)}`);
      if (talk.taker.dueUs !== undefined) throw new Error('something is still waited for');
      const paused = talk.decided
        .filter((line) => /pause|resume|interrupt/.test(line))
        .map((line) => line.split(' ')[1]);
      if (paused.some((type, i) => type === 'pause' && paused[i - 1] === 'pause')) throw new Error('paused twice');
    }),
    { numRuns: 300 },
  );
});
