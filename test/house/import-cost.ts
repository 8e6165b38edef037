import { spawnSync } from 'node:child_process';
import t from 'tap';
import { PACKAGE_ROOT } from '../support/package-root.js';

/** What a process holds after it imported something, against what it held before. */
interface Cost {
  /** Native modules that were loaded, by file. */
  readonly native: string[];
  /** Handles and timers that are still open, by kind. */
  readonly resources: string[];
  /** Threads that were started from JavaScript. */
  readonly workers: number;
}

/** Run in a process of its own: watches `process.dlopen` and `Worker`, imports, lets promises settle, counts what is new. */
const PROBE = `
  import { syncBuiltinESMExports } from 'node:module';
  import { setImmediate as turn } from 'node:timers/promises';
  import threads from 'node:worker_threads';
  const native = [];
  const load = process.dlopen;
  process.dlopen = function (...call) { native.push(call[1]); return load.apply(this, call); };
  let workers = 0;
  threads.Worker = class extends threads.Worker { constructor(...call) { super(...call); workers++; } };
  syncBuiltinESMExports();
  const before = process.getActiveResourcesInfo();
  await import(process.env.PROBE_IMPORT);
  await turn();
  const resources = process.getActiveResourcesInfo();
  for (const kind of before) { const i = resources.indexOf(kind); if (i >= 0) resources.splice(i, 1); }
  process.stdout.write(JSON.stringify({ native, resources, workers }));
`;

for (const entry of ['sluice', 'sluice/nodes', 'sluice/vonage']) {
  t.test(`importing ${entry} loads no native module and opens nothing`, async (t) => {
    t.same(measure(entry), { native: [], resources: [], workers: 0 });
  });
}

t.test('the measurement sees a native module, a timer, a socket and a thread', async (t) => {
  t.match(measure('node-datachannel').native, [/node_datachannel\.node$/]);
  t.same(measure('data:text/javascript,setInterval(() => {}, 1000)').resources, ['Timeout']);
  const listen =
    "import net from 'node:net'; await new Promise((done) => net.createServer().listen(0, '127.0.0.1', done))";
  t.same(measure(`data:text/javascript,${listen}`).resources, ['TCPServerWrap']);
  const thread =
    "import { Worker } from 'node:worker_threads'; new Worker('setInterval(() => {}, 1000)', { eval: true })";
  t.equal(measure(`data:text/javascript,${thread}`).workers, 1);
});

/** Imports `specifier` in a new process. The process is ended by force where it does not end by itself. */
function measure(specifier: string): Cost {
  const end = specifier.startsWith('sluice') ? '' : 'process.exit();';
  const run = spawnSync(process.execPath, ['--input-type=module', '--eval', PROBE + end], {
    cwd: PACKAGE_ROOT,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], PROBE_IMPORT: specifier },
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  if (run.status !== 0)
    throw new Error(`the process that imported ${specifier} ended with ${run.status}: ${run.stderr}`);
  return JSON.parse(run.stdout) as Cost;
}
