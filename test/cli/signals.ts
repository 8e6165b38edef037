import t from 'tap';
import { startCli, type CliProcess } from '../pipelines/process-lab.js';
import { MODULES, userProject } from './project-lab.js';

/** Sinks of a user: one that is slower than the clock, one that never answers. */
const NODES = `import { Writable } from 'node:stream';
import { defineNode, z } from 'sluice';
const sink = (type, write) => defineNode({
  type,
  summary: 'Takes.',
  options: z.strictObject({}),
  inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
  outputs: [],
  example: '',
  create: () => new Writable({ objectMode: true, highWaterMark: 1, write }),
});
export const never = defineNode({
  type: 'never',
  summary: 'Is never ready.',
  options: z.strictObject({}),
  inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
  outputs: [],
  example: '',
  create: () => new Promise(() => undefined),
});
let taken = 0;
export const slow = sink('slow', (value, encoding, done) => {
  setTimeout(() => {
    if (++taken === 10) console.error('took ten');
    done();
  }, 40);
});
export const endless = sink('endless', function (value, encoding, done) {
  this._final = () => undefined;
  console.error('took one');
  done();
});
export const stuck = sink('stuck', () => console.error('took one'));
`;
const pipeline = (type: string): string => `nodes:
  tone: { type: tone }
  end: { type: ${type}, from: tone, queue: { maxMs: 5000 } }
`;

async function start(t: Parameters<typeof startCli>[0], type: string, ...flags: string[]): Promise<CliProcess> {
  const cwd = await userProject({ 'package.json': MODULES, 'nodes.js': NODES, 'p.yaml': pipeline(type) });
  return startCli(t, ['run', 'p.yaml', '--nodes', 'nodes.js', ...flags], { cwd });
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  await t.test(`${signal} lets out what waits in queues, and ends well`, { timeout: 60_000 }, async (t) => {
    const running = await start(t, 'slow', '--json');
    await running.wrote(/took ten/);
    running.kill(signal);
    const { code, stdout, stderr } = await running.ended;
    t.equal(code, 0, stderr);
    const report = JSON.parse(stdout) as { links: { chunks: number; taken: number; mostHeld: number }[] };
    t.match(report, { outcome: 'stopped', drained: true, links: [{ dropped: 0, held: 0 }] });
    const [link] = report.links;
    t.ok((link?.mostHeld ?? 0) > 4, `${link?.mostHeld} waited`);
    t.equal(link?.taken, link?.chunks, 'and all came out');
  });
}

await t.test('a second signal ends a pipeline at once that does not drain', { timeout: 60_000 }, async (t) => {
  const running = await start(t, 'stuck');
  await running.wrote(/took one/);
  running.kill('SIGTERM');
  await running.wrote(/Stopping; once more ends at once\./);
  running.kill('SIGTERM');
  const { code, stderr } = await running.ended;
  t.equal(code, 1, stderr);
  t.match(stderr, /^aborted after \d/m);
});

await t.test('a node that keeps a pipeline from draining is named', { timeout: 60_000 }, async (t) => {
  const running = await start(t, 'endless', '--drain-timeout', '0.5');
  await running.wrote(/took one/);
  running.kill('SIGTERM');
  const { code, stderr } = await running.ended;
  t.equal(code, 0, stderr);
  t.match(stderr, /^warn: did not drain in time nodes=end\n/m);
});

await t.test(
  'a node that is never ready is named, and left behind when it is stopped',
  { timeout: 60_000 },
  async (t) => {
    const running = await start(t, 'never');
    await running.wrote(/warn: nodes are not ready yet nodes=end\n/);
    running.kill('SIGTERM');
    const { code, stderr } = await running.ended;
    t.equal(code, 0, stderr);
    t.match(stderr, /^end was not ready\nstopped after \d/m);
  },
);
