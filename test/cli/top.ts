import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { ProcessWatch } from '../../src/cli/process-watch.js';
import type { ServedReport } from '../../src/cli/top/served-report.js';
import { topText } from '../../src/cli/top/top-text.js';
import { freePort } from '../support/free-port.js';
import { cli, pipelineFile, startCli, type RunningCli } from './cli-lab.js';

const LIVE = 'nodes:\n  beep: { type: tone }\n  end: { type: null, from: beep, queue: { maxMs: 100 } }';

const report: ServedReport = {
  outcome: 'running',
  elapsedMs: 10_000,
  links: [
    {
      name: 'a.out -> b.in',
      chunks: 500,
      held: 2,
      heldMs: 40,
      dropped: 0,
      waitMs: { chunks: 498, total: 9960, max: 31 },
    },
    { name: 'b.out -> c.in', chunks: 12, held: 0, heldMs: 0, dropped: 3 },
  ],
  dropped: { b: { 'too late': 4 } },
  measures: { agent: { 'voice to voice': { count: 9, total: 6300, last: 702, p50: 690, p99: 940, max: 951 } } },
  branches: { begun: 3, ended: 1, failed: 1 },
  nodes: { b: { restarts: 2, ended: false } },
  stalls: [{ link: 'b.out -> c.in', now: 1 }],
  process: { eventLoopLagMs: { p50: 0.1, p99: 2.34, max: 12 }, cpuMs: 2000, rssBytes: 100 * 1_048_576 },
};

await t.test('rates are those since the report before, or since the beginning', (t) => {
  t.strictSame(topText(report), [
    'running for 10 s   CPU 20 %   memory 100 MB   event loop late by 0.1 ms, p99 2.3 ms, at most 12.0 ms   1 branch, 1 failed',
    '',
    'link           chunks/s  held  held ms   wait  longest  dropped',
    'a.out -> b.in        50     2       40  20 ms    31 ms        0',
    'b.out -> c.in       1.2     0        0      -        -        3  stands still',
    '',
    'node   stage           times    last     p50     p99     max',
    'agent  voice to voice      9  702 ms  690 ms  940 ms  951 ms',
    '',
    'b dropped 4: too late',
    'b was made anew 2 times',
  ]);
  const [link, other] = report.links;
  const later: ServedReport = {
    ...report,
    elapsedMs: 12_000,
    links: [{ ...link!, chunks: 520, waitMs: { chunks: 518, total: 10_960, max: 90 } }, other!],
    process: { ...report.process, cpuMs: 2100 },
    stalls: [],
  };
  const [head, , , first, second] = topText(later, report);
  t.match(head, /^running for 12 s {3}CPU 5 % /);
  t.equal(first, 'a.out -> b.in        10     2       40  50 ms    90 ms        0');
  t.equal(second, 'b.out -> c.in       0.0     0        0      -        -        3');
  t.strictSame(topText(report, later), topText(report), 'a run that took the place of another has its own');
  t.end();
});

await t.test('the event loop is late by as long as something held it up', async (t) => {
  const watch = new ProcessWatch();
  t.teardown(() => {
    watch.close();
  });
  watch.report();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const { eventLoopLagMs, cpuMs, rssBytes } = watch.report();
  t.ok(eventLoopLagMs.max > 150, `${eventLoopLagMs.max} ms`);
  t.ok(eventLoopLagMs.p50 <= eventLoopLagMs.p99 && eventLoopLagMs.p99 <= eventLoopLagMs.max);
  t.ok(cpuMs > 0 && rssBytes > 10_000_000);
});

/** A pipeline that runs, and where it serves its metrics. */
async function running(t: Test): Promise<{ run: RunningCli; url: string }> {
  const { file } = await pipelineFile(LIVE);
  const run = startCli(['run', file, '--metrics', '0']);
  t.teardown(async () => {
    run.interrupt();
    await run.result;
  });
  const url = /http:\S+/.exec(await run.wrote('/metrics\n'))?.[0] ?? '';
  return { run, url };
}

await t.test('a pipeline that runs is shown once, by any of its addresses', async (t) => {
  const { url } = await running(t);
  const { host, port } = new URL(url);
  for (const address of [url, url.replace('/metrics', '/report'), host, port, `http://${host}/`]) {
    const { code, stdout } = await cli(['top', address, '--once']);
    t.equal(code, 0);
    t.match(stdout, /^running for \d+ s .* event loop late by \d/);
    t.match(stdout, /\nbeep\.out -> end\.in +\d+(\.\d)? /);
  }
  const { stdout } = await cli(['top', url, '--once', '--json']);
  const told = JSON.parse(stdout) as ServedReport;
  t.match(told, { outcome: 'running', links: [{ name: 'beep.out -> end.in', dropped: 0 }] });
  t.type(told.process.eventLoopLagMs.p99, 'number');
});

await t.test('it goes on with what comes, until the pipeline has ended', async (t) => {
  const { run, url } = await running(t);
  const top = startCli(['top', url, '--json', '--interval', '0.1']);
  await top.printed('\n');
  const chunks = (text: string): number[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as ServedReport).links[0]!.chunks);
  const table = startCli(['top', url, '--interval', '0.1']);
  await table.printed('\n\nrunning for');
  run.interrupt();
  await run.result;
  const { code, stdout, stderr } = await top.result;
  t.strictSame([code, stderr], [0, '']);
  const all = chunks(stdout);
  t.ok(all.length >= 2 && all.at(-1)! > all[0]!, all.join(' '));
  t.equal((await table.result).code, 0);
});

await t.test('on a terminal it draws in its place, as much as there is room for, until q', async (t) => {
  const { url } = await running(t);
  for (const key of ['q', '\x03']) {
    const top = startCli(['top', url, '--interval', '0.1'], {}, { screen: { columns: 30, rows: 5 } });
    await top.printed('\x1b[J\x1b[H');
    top.press('x');
    top.press(key);
    const { code, stdout } = await top.result;
    t.equal(code, 0);
    const [before, ...drawn] = stdout.split('\x1b[H');
    t.equal(before, '\x1b[?1049h\x1b[?25l');
    const lines = (drawn[0] ?? '').split('\x1b[K\r\n');
    t.match(lines[0], /^running for \d+ s {3}CPU/);
    t.strictSame(
      lines.slice(1).map((line) => line.slice(0, 14)),
      ['', 'link          ', '… and 3 lines ', '\x1b[J'],
    );
    t.ok(lines.every((line) => line.length <= 30));
    const stays = stdout.split('\x1b[?25h\x1b[?1049l')[1] ?? '';
    t.match(stays, /^running for .*\n\nlink .*\nbeep\.out -> end\.in .*\n$/, 'the last one stays');
  }
  const top = startCli(['top', url], {}, { screen: { columns: 80, rows: 24 } });
  await top.printed('q ends');
  top.interrupt();
  t.equal((await top.result).code, 0, 'a signal ends it too');
});

await t.test('where no pipeline is, it says so', async (t) => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/gone' ? 404 : 200).end('{"hello":"world"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  t.match(await cli(['top', `${port}`]), {
    code: 1,
    stderr: /no running pipeline .* \[SLUICE_RUN_UNREACHABLE\]\n.*no run of/,
  });
  t.match(await cli(['top', `http://127.0.0.1:${port}/gone`]), { code: 1, stderr: /status 404/ });
  const free = await freePort();
  t.match(await cli(['top', `${free}`]), {
    code: 1,
    stderr: `no running pipeline answers at http://127.0.0.1:${free}/report [SLUICE_RUN_UNREACHABLE]\n  found: ECONNREFUSED\n  Start one with \`sluice run <file> --metrics 9464\`, or give the address that it tells.\n`,
  });
  const secret = await cli(['top', `http://ann:geheim@127.0.0.1:${free}/report`]);
  t.match(secret, { code: 1, stderr: `no running pipeline answers at http://127.0.0.1:${free}/report ` });
  t.notMatch(secret.stderr, /geheim/);
  t.match(await cli(['top', 'http://[']), { code: 2, stderr: '"http://[" is no address' });
  t.match(await cli(['top', '--interval', '0']), { code: 2, stderr: '"0" is no time' });
});
