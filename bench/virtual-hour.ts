import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { testPipeline } from '../src/index.js';
import { atMost, type Benchmark, type Report } from './report.js';
import { median, spread } from './statistics.js';

const HOUR_MS = 3_600_000;
const RUNS = 3;

/** How long an hour of media takes in a test of a pipeline. */
export const virtualHour: Benchmark = { title: 'An hour of media in a test of a pipeline', run: measureAll };

interface Case {
  readonly pipeline: string;
  readonly participants: number;
  /** What must have come of it, as YAML. */
  readonly expect: string;
}

const ROOM = 'sessions: { room: { sessionId: demo, name: Bot } }\n';
function mixOf(participants: number): Case {
  const pipeline = `${ROOM}nodes:
  all: { type: session-audio }
  file: { type: wav, from: all, path: '\${OUT}' }
`;
  return { pipeline, participants, expect: '{ drops: 0 }' };
}

const CASES: Readonly<Record<string, Case>> = {
  'one voice, given back': {
    pipeline: `${ROOM}nodes:
  all: { type: session-audio }
  bot: { type: publisher, from: all }
`,
    participants: 1,
    expect: `{ drops: 0, sessions: { room: { published: { Bot: { audio: [{ toMs: ${HOUR_MS - 100}, tone: 440 }] } } } } }`,
  },
  'three voices, mixed into a WAV file': mixOf(3),
  'ten voices, mixed into a WAV file': mixOf(10),
};

async function measureAll(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    const rows: string[][] = [];
    const mediansS: number[] = [];
    for (const [name, one] of Object.entries(CASES)) {
      const cpuS: number[] = [];
      const digests = new Set<string>();
      for (let run = 0; run < RUNS; run++) {
        const out = join(folder, 'out.wav');
        cpuS.push(await runOnce(one, folder, out));
        if (one.pipeline.includes('OUT')) digests.add(await digestOf(out));
      }
      mediansS.push(median(cpuS));
      rows.push([name, spread(cpuS), digests.size === 0 ? '' : digests.size === 1 ? 'yes' : 'no']);
    }
    return {
      conditions: [
        `\`sluice test\` on the virtual clock: scripted participants say a tone for an hour; what is given back is judged by content, tenth of a second by tenth. ${RUNS} runs in one process.`,
        'CPU of the process with all its threads.',
      ],
      head: ['an hour of', 'CPU, s', 'the same bytes every time'],
      rows,
      goals: Object.keys(CASES).map((name, index) => atMost(`An hour of ${name}`, mediansS[index] ?? NaN, 10, 's', 1)),
      limits: ['Encoding costs what it costs elsewhere too: an hour of Opus takes some 17 s of CPU for each voice.'],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** CPU in seconds. */
async function runOnce({ pipeline: text, participants, expect }: Case, folder: string, out: string): Promise<number> {
  const people = Array.from(
    { length: participants },
    (_, i) => `p${i}: { audio: [{ tone: ${440 + 20 * i}, level: -32 }] }`,
  );
  await writeFile(join(folder, 'p.yaml'), text);
  await writeFile(
    join(folder, 'p.test.yaml'),
    `environment: { OUT: ${JSON.stringify(out)} }
tests:
  an hour:
    limitMs: ${HOUR_MS + 60_000}
    sessions: { room: { participants: { ${people.join(', ')} } } }
    stopMs: ${HOUR_MS}
    expect: ${expect}
`,
  );
  const start = process.cpuUsage();
  const { tests, problems } = await testPipeline(join(folder, 'p.test.yaml'));
  const { user, system } = process.cpuUsage(start);
  const failure = problems[0] ?? tests[0]?.failures[0];
  if (failure) throw failure;
  return (user + system) / 1_000_000;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
