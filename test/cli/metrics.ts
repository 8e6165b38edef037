import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import t from 'tap';
import { metricsText } from '../../src/cli/run-metrics.js';
import { cli, pipelineFile, startCli } from './cli-lab.js';

const LIVE = 'nodes:\n  a: { type: tone }\n  n: { type: null, from: a }';

await t.test('counters and gauges have the names and units that Prometheus expects', async (t) => {
  const { text, contentType } = await metricsText({
    outcome: 'running',
    elapsedMs: 1500,
    drained: true,
    links: [
      {
        name: 'a.out -> "b".in',
        chunks: 100,
        mediaMs: 2000,
        taken: 80,
        dropped: 15,
        drops: { 'queue full, oldest': 12, 'reader gone': 3 },
        held: 5,
        heldMs: 100,
        mostHeld: 25,
        waitMs: { chunks: 80, total: 4000, mean: 50, max: 480 },
        formats: ['audio 48000 Hz 1 ch', 'audio 16000 Hz 1 ch'],
        formatChanges: 2,
      },
      {
        name: 'c',
        chunks: 1,
        mediaMs: 20,
        taken: 1,
        dropped: 0,
        drops: {},
        held: 0,
        heldMs: 0,
        mostHeld: 1,
        formats: [],
        formatChanges: 0,
      },
    ],
    dropped: { mix: { 'too late': 4 } },
    measures: { voice: { 'first audio': { count: 7, total: 840, last: 110, p50: 118, p99: 140, max: 145 } } },
    branches: { begun: 3, ended: 1, failed: 1, expected: 0, failures: [] },
    nodes: { mix: { restarts: 2, ended: false, errors: [] } },
    making: [],
    stalls: [{ link: 'c', times: 3, now: 1 }],
  });
  t.match(contentType, /^text\/plain; version=0\.0\.4/);
  const label = 'link="a.out -> \\"b\\".in"';
  const lines = text.split('\n');
  for (const line of [
    `sluice_link_chunks_total{${label}} 100`,
    'sluice_link_chunks_total{link="c"} 1',
    `sluice_link_media_seconds_total{${label}} 2`,
    `sluice_link_taken_chunks_total{${label}} 80`,
    `sluice_link_dropped_chunks_total{${label},reason="queue full, oldest"} 12`,
    `sluice_link_dropped_chunks_total{${label},reason="reader gone"} 3`,
    `sluice_link_held_chunks{${label}} 5`,
    `sluice_link_held_seconds{${label}} 0.1`,
    `sluice_link_most_held_chunks{${label}} 25`,
    `sluice_link_waited_chunks_total{${label}} 80`,
    `sluice_link_wait_seconds_total{${label}} 4`,
    `sluice_link_longest_wait_seconds{${label}} 0.48`,
    `sluice_link_format_changes_total{${label}} 2`,
    `sluice_link_format_info{${label},format="audio 48000 Hz 1 ch"} 1`,
    `sluice_link_format_info{${label},format="audio 16000 Hz 1 ch"} 1`,
    'sluice_node_dropped_chunks_total{node="mix",reason="too late"} 4',
    'sluice_node_restarts_total{node="mix"} 2',
    '# TYPE sluice_node_stage_seconds summary',
    'sluice_node_stage_seconds{node="voice",stage="first audio",quantile="0.5"} 0.118',
    'sluice_node_stage_seconds{node="voice",stage="first audio",quantile="0.99"} 0.14',
    'sluice_node_stage_seconds{node="voice",stage="first audio",quantile="1"} 0.145',
    'sluice_node_stage_seconds_sum{node="voice",stage="first audio"} 0.84',
    'sluice_node_stage_seconds_count{node="voice",stage="first audio"} 7',
    'sluice_link_stalls_total{link="c"} 3',
    'sluice_link_stalled{link="c"} 1',
    'sluice_branches_begun_total 3',
    'sluice_branches_ended_total 1',
    'sluice_branches_failed_total 1',
    'sluice_run_elapsed_seconds 1.5',
    '# TYPE sluice_link_chunks_total counter',
    '# TYPE sluice_link_held_seconds gauge',
  ]) {
    t.ok(lines.includes(line), line);
  }
  t.notOk(text.includes('wait_seconds_total{link="c"}'), 'a link without a queue has no waiting');
  t.match(text, /^process_resident_memory_bytes \d{7,}$/m);
  t.match(text, /^process_cpu_user_seconds_total 0*[1-9.]/m);
});

await t.test('a pipeline without links, drops or branches has no series for them', async (t) => {
  const { text } = await metricsText({
    outcome: 'running',
    elapsedMs: 0,
    drained: true,
    links: [],
    dropped: {},
    measures: {},
    branches: { begun: 0, ended: 0, failed: 0, expected: 0, failures: [] },
    nodes: {},
    making: [],
    stalls: [],
  });
  t.notMatch(text, /^sluice_(link|node)/m);
});

await t.test('--metrics serves them while the pipeline runs, on this machine', async (t) => {
  const { file } = await pipelineFile(LIVE);
  const running = startCli(['run', file, '--metrics', '0']);
  await running.wrote('/metrics\n');
  running.interrupt();
  const { stderr } = await running.result;
  const url = /^Metrics at (http:\/\/127\.0\.0\.1:\d+\/metrics)\n/.exec(stderr)?.[1] ?? '';
  await t.rejects(fetch(url), 'closed with the run');
});

await t.test('what is served are the counters of now', async (t) => {
  const { file } = await pipelineFile(LIVE);
  const running = startCli(['run', file, '--metrics', 'localhost:0', '--json']);
  const started = JSON.parse(await running.wrote('\n')) as { level: string; url: string };
  t.match(started, { level: 'info', text: 'metrics', url: /^http:\/\/localhost:\d+\/metrics$/ });
  const chunks = async (): Promise<number> => {
    const response = await fetch(started.url);
    t.equal(response.status, 200);
    return Number(/^sluice_link_chunks_total\{link="a\.out -> n\.in"\} (\d+)$/m.exec(await response.text())?.[1]);
  };
  const first = await chunks();
  let later = first;
  while (later === first) later = await chunks();
  t.ok(later > first);
  const elsewhere = await fetch(new URL('/', started.url));
  t.same([elsewhere.status, await elsewhere.text()], [404, 'There are only GET /metrics and GET /report.\n']);
  t.equal((await fetch(started.url, { method: 'POST' })).status, 405);
  running.interrupt();
  t.equal((await running.result).code, 0);
});

await t.test('an address that is taken, one that is none, one of another machine', async (t) => {
  const { file } = await pipelineFile(LIVE);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  t.match(await cli(['run', file, '--metrics', `${port}`]), {
    code: 1,
    stdout: '',
    stderr: `TCP port ${port} on 127.0.0.1 is taken [SLUICE_ADDRESS_IN_USE]\n  Choose another port for --metrics, or 0 for a free one.`,
  });
  taken.close();
  for (const [address, message] of [
    ['nonsense', '"nonsense" is no address; use host:port, or a port'],
    ['a:b:1', '"a:b:1" is no address; use host:port, or a port'],
    ['99999', '"99999" is no port; use a number from 0 to 65535'],
  ] as const) {
    t.match(await cli(['run', file, '--metrics', address]), { code: 2, stderr: message });
  }
  t.match(await cli(['run', file, '--metrics', '192.0.2.1:0']), { code: 78, stderr: 'SLUICE_CONFIG_INVALID' });
});
