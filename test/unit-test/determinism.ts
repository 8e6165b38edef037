import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { testsOf, told } from './test-lab.js';

/** Records two participants, who come and go, into files outside of the test, and gives a digest of each. */
const RECORDING = `
sessions: { room: { sessionId: demo } }
nodes:
  each: { type: subscriber, encoded: true }
  files: { type: recorder, from: [each.audio, each.video], path: '\${OUT}/{name}.webm' }
  all: { type: session-audio, sampleRate: 16000, channels: 1 }
  mix: { type: wav, from: all, path: '\${OUT}/mix.wav' }
`;
const PEOPLE = `
    sessions:
      room:
        participants:
          ann: { audio: [{ tone: 440, fromMs: 300 }], video: [{ picture: pattern, width: 192, height: 128 }], leaveMs: 3000 }
          bob: { joinMs: 700, audio: [{ tone: 660 }], muted: [{ media: audio, fromMs: 1500, toMs: 2000 }] }
    stopMs: 4000
    expect: { branches: 2, drops: 0 }
`;

t.test('a test gives the same bytes every time, codecs and files included', { timeout: 60_000 }, async (t) => {
  const folder = t.testdir({ outs: {} });
  const runs = [1, 2, 3].map((run) => join(folder, 'outs', String(run)));
  const tests = runs.map((out, run) => `  run ${run}:\n    environment: { OUT: ${JSON.stringify(out)} }${PEOPLE}`);
  const result = await testsOf(t, RECORDING, `tests:\n${tests.join('')}`, { folder });
  t.strictSame(result.tests.map(told), [[], [], []]);
  const digests = runs.map(digestsIn);
  t.strictSame(Object.keys(digests[0]!), ['ann.webm', 'bob.webm', 'mix.wav']);
  t.strictSame(digests[1], digests[0]);
  t.strictSame(digests[2], digests[0]);
});

t.test('an hour passes on the virtual clock', { timeout: 120_000 }, async (t) => {
  const echo = `
sessions: { room: { sessionId: demo, name: Echo } }
nodes:
  voices: { type: session-audio }
  bot: { type: publisher, from: voices }
`;
  const hour = `
tests:
  an hour:
    limitMs: 4000000
    sessions: { room: { participants: { ann: { audio: [{ tone: 440, fromMs: 1000, toMs: 3599000 }] } } } }
    stopMs: 3600000
    expect:
      drops: 0
      sessions: { room: { published: { Echo: { audio: [{ fromMs: 1000, toMs: 3599000, tone: 440, level: -12 }] } } } }
`;
  const { tests } = await testsOf(t, echo, hour);
  t.strictSame(tests.map(told), [[]]);
  t.equal(tests[0]?.ranMs, 3_600_000);
});

function digestsIn(folder: string): Record<string, string> {
  const names = readdirSync(folder).sort();
  const digest = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  return Object.fromEntries(names.map((name) => [name, digest(name)]));
}
