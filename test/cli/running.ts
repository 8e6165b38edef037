import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { summaryText } from '../../src/cli/run-summary.js';
import type { LinkReport, RunReport } from '../../src/graph/report.js';
import { cli, pipelineFile, startCli } from './cli-lab.js';

const SHORT = 'nodes:\n  a: { type: tone, durationMs: 100, live: false }\n  n: { type: null, from: a }';

const link: LinkReport = {
  name: 'a.out -> b.in',
  chunks: 1000,
  mediaMs: 20_000,
  taken: 983,
  dropped: 14,
  drops: { 'queue full, oldest': 12, 'reader gone': 2 },
  held: 3,
  heldMs: 60,
  mostHeld: 25,
  waitMs: { chunks: 983, total: 98_300, mean: 100, max: 480.4 },
  formats: ['audio 48000 Hz 1 ch', 'audio 16000 Hz 1 ch'],
  formatChanges: 2,
};

const report: RunReport = {
  outcome: 'ended',
  elapsedMs: 20_300,
  drained: true,
  links: [
    link,
    {
      ...link,
      name: 'camera.out -> b.in',
      chunks: 5,
      mediaMs: 200,
      dropped: 0,
      drops: {},
      mostHeld: 1,
      formats: ['video I420'],
      formatChanges: 0,
    },
  ],
  dropped: { b: { 'too late': 4 } },
  measures: {},
  branches: { begun: 2, ended: 1, failed: 1, expected: 0, failures: [] },
  nodes: {},
  making: [],
  stalls: [],
};

await t.test('the table of links is aligned, and tells why what was lost got lost', async (t) => {
  const { waitMs: _none, ...unqueued } = report.links[1] as LinkReport;
  t.equal(
    summaryText({ ...report, links: [link, unqueued] }, { table: true }),
    [
      'ended after 20.3 s; 2 branches, 1 failed',
      'b dropped 4: too late',
      '',
      'link                chunks   media  most held  longest wait  dropped                               formats',
      'a.out -> b.in         1000  20.0 s         25        480 ms  12 queue full, oldest; 2 reader gone  audio 48000 Hz 1 ch, audio 16000 Hz 1 ch (2 changes)',
      'camera.out -> b.in       5   0.2 s          1             -  0                                     video I420',
      '',
    ].join('\n'),
  );
  t.equal(summaryText(report, { table: false }), 'ended after 20.3 s; 2 branches, 1 failed\nb dropped 4: too late\n');
});

await t.test('measures of nodes are a table below', (t) => {
  const { links: _none, ...rest } = report;
  const first = { count: 120, total: 14_400, last: 99.6, p50: 118.2, p99: 240, max: 1204.4 };
  const measures = { voice: { 'first audio': first, speech: { ...first, count: 3, last: 1.2 } } };
  const text = summaryText({ ...rest, links: [], measures }, { table: true });
  t.equal(
    text.slice(text.indexOf('\nnode')),
    [
      '',
      'node   stage        times    last     p50     p99      max',
      'voice  first audio    120  100 ms  118 ms  240 ms  1204 ms',
      'voice  speech           3    1 ms  118 ms  240 ms  1204 ms',
      '',
    ].join('\n'),
  );
  t.notMatch(summaryText({ ...report, measures }, { table: false }), 'first audio');
  t.end();
});

await t.test('a terminal gets the table, what is no terminal does not', async (t) => {
  const { file } = await pipelineFile(SHORT);
  const terminal = await startCli(['run', file], {}, { isTTY: true }).result;
  t.match(terminal.stderr, /^ended after \d+\.\d s\n\nlink +chunks .*\na\.out -> n\.in +5 +0\.1 s .* audio 48000 Hz/);
  const pipe = await cli(['run', file]);
  t.match(pipe.stderr, /^ended after \d+\.\d s\n$/);
});

await t.test('--stats prints the report again and again, the final one last', async (t) => {
  const { file } = await pipelineFile('nodes:\n  a: { type: tone }\n  n: { type: null, from: a }');
  const running = startCli(['run', file, '--stats-interval', '0.1']);
  await running.printed('"outcome":"running"');
  running.interrupt();
  const { code, stdout, stderr } = await running.result;
  const reports = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RunReport);
  t.equal(code, 0);
  t.equal(reports.at(-1)?.outcome, 'stopped');
  t.ok(reports.length >= 2);
  t.ok(reports.slice(0, -1).every(({ outcome }) => outcome === 'running'));
  const chunks = reports.map(({ links }) => links[0]?.chunks ?? NaN);
  t.same(
    chunks,
    [...chunks].sort((a, b) => a - b),
    'counters only grow',
  );
  t.match(reports.at(-1)?.links, [{ name: 'a.out -> n.in', held: 0, formats: ['audio 48000 Hz 1 ch'] }]);
  t.match(stderr, /\nstopped after/, 'people are told too');

  const short = await cli(['run', (await pipelineFile(SHORT)).file, '--stats']);
  t.match(
    JSON.parse(short.stdout),
    { outcome: 'ended', links: [{ chunks: 5, taken: 5 }] },
    'one line where it is over soon',
  );
  const both = await cli(['run', (await pipelineFile(SHORT)).file, '--stats', '--json']);
  t.equal(both.stdout.split('\n').length, 2, 'the final report comes once');
});

await t.test('when nobody reads the statistics any more, the pipeline stops as if it had been told to', async (t) => {
  const { file, folder } = await pipelineFile('nodes:\n  a: { type: tone }\n  w: { type: wav, path: a.wav, from: a }');
  const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'run', file, '--stats-interval', '0.1'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = (await once(child, 'close')) as [number | null];
  t.match([code, errors], [0, /\nstopped after \d+\.\d s\n$/]);
  const wav = await readFile(join(folder, 'a.wav'));
  t.equal(wav.readUInt32LE(40), wav.length - 44, 'the file is complete');
});

await t.test('intervals that are none', async (t) => {
  for (const interval of ['0', '-1', 'often', '1e9', '4000']) {
    t.match(await cli(['run', 'x.yaml', `--stats-interval=${interval}`]), {
      code: 2,
      stderr: `"${interval}" is no time; use a number of seconds from 0.1 to 3600`,
    });
  }
});
