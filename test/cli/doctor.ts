import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { mkdir, writeFile } from 'node:fs/promises';
import t from 'tap';
import { startServer } from '../../src/server/index.js';
import { cli, pipelineFile } from './cli-lab.js';

/** A node that needs what its options name. */
const NEEDY = `
import { z } from 'zod';
import { Writable } from 'node:stream';
const options = z.strictObject({
  program: z.string().optional().describe('a'),
  package: z.string().optional().describe('b'),
  url: z.string().optional().describe('c'),
  apiKey: z.string().optional().describe('d'),
});
export const needy = {
  type: 'needy',
  summary: 'Needs things.',
  options,
  inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
  outputs: [],
  needs: ({ program, url, apiKey, package: name }) => [
    ...(program ? [{ kind: 'program', name: program, mend: 'apt install it' }] : []),
    ...(name ? [{ kind: 'package', name }] : []),
    ...(url ? [{ kind: 'service', url, headers: { authorization: 'Bearer ' + apiKey }, mend: 'get a key' }] : []),
  ],
  example: '',
  create: () => new Writable({ objectMode: true, write: (value, encoding, done) => done() }),
};
`;

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { what: string; ok: boolean; found: string; mend?: string; nodes: string[] }[];
}

/** What the doctor says of a pipeline, without what it says of the machine. */
async function findings(text: string, env: Record<string, string> = {}): Promise<Report & { printed: string }> {
  const { file, folder } = await pipelineFile(text);
  // Below this package, so that the module finds zod.
  const modules = join(process.cwd(), 'node_modules', '.cache', 'sluice-doctor');
  await mkdir(modules, { recursive: true });
  const module = join(modules, 'needy.mjs');
  await writeFile(module, NEEDY);
  await writeFile(join(folder, 'here.txt'), 'here');
  const { code, stdout, stderr } = await cli(['doctor', file, '--nodes', module, '--json'], env);
  if (stdout === '') throw new Error(stderr);
  const report = JSON.parse(stdout) as Report;
  t.equal(code, report.ok ? 0 : 1);
  const machine = ['Node.js', 'package node-', 'Opus'];
  const ours = report.findings.filter(({ what }) => !machine.some((start) => what.startsWith(start)));
  return { ok: report.ok, findings: ours, printed: stdout };
}

t.test('without a pipeline it looks at the machine', async (t) => {
  const { code, stdout } = await cli(['doctor']);
  t.equal(code, 0, stdout);
  t.match(stdout, /^ok {2}Node\.js .*\nok {2}package node-datachannel {2}loads\n/);
});

t.test('it finds what is there, and says how to get what is not, once for all nodes', async (t) => {
  const pipeline = `nodes:
  beep: { type: tone, durationMs: 20, live: false }
  good: { type: needy, from: beep, program: node, package: zod }
  bad:  { type: needy, from: beep, program: no-such-program, package: no-such-package }
  too:  { type: needy, from: beep, program: no-such-program }
  clip: { type: file, path: here.txt }
  none: { type: file, path: nowhere.ogg }
  one:  { type: null, from: clip.audio }
  two:  { type: null, from: none.audio }
`;
  const report = await findings(pipeline, { PATH: process.env['PATH'] ?? '' });
  t.equal(report.ok, false);
  const found = new Map(report.findings.map((finding) => [finding.what.replace(/\/.*\//, ''), finding]));
  t.match(found.get('program node'), { ok: true, found: /node$/, nodes: ['good'] });
  t.match(found.get('package zod'), { ok: true, found: 'loads' });
  t.match(found.get('program no-such-program'), {
    ok: false,
    found: 'not in PATH',
    mend: 'apt install it',
    nodes: ['bad', 'too'],
  });
  t.match(found.get('package no-such-package'), {
    ok: false,
    found: 'not installed',
    mend: 'npm install no-such-package',
  });
  t.match(found.get('file here.txt'), { ok: true, found: '4 bytes' });
  t.match(found.get('file nowhere.ogg'), { ok: false, found: 'not there' });
  t.equal(report.findings.length, 6);
});

t.test('a service is asked with its key, which is never shown', async (t) => {
  const server = createServer((request, response) => {
    response.statusCode = request.headers.authorization === 'Bearer good-secret' ? 200 : 401;
    response.end('x'.repeat(100_000));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`;
  const asked = (key: string): Promise<Report & { printed: string }> =>
    findings(`nodes:
  beep: { type: tone, durationMs: 20, live: false }
  n: { type: needy, from: beep, url: '${url}', apiKey: '${key}' }`);
  t.match(await asked('good-secret'), { ok: true, findings: [{ what: `server ${url}`, found: 'answers' }] });
  const refused = await asked('bad-secret');
  t.match(refused, { ok: false, findings: [{ found: 'refuses the key (401)', mend: 'get a key' }] });
  t.notMatch(refused.printed, /bad-secret|good-secret/);
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  t.match(await asked('good-secret'), {
    ok: false,
    findings: [{ found: 'does not answer', mend: 'Start it, or give another address.' }],
  });
});

t.test('a service that sends elsewhere does not get its key there', async (t) => {
  const keys: unknown[] = [];
  const elsewhere = createServer((request, response) => {
    keys.push(request.headers['xi-api-key'], request.headers.authorization);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  const server = createServer((_request, response) => {
    response.writeHead(307, { location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/` }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    elsewhere.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`;
  t.match(
    await findings(`nodes:
  beep: { type: tone, durationMs: 20, live: false }
  n: { type: needy, from: beep, url: '${url}', apiKey: secret }`),
    { ok: false, findings: [{ found: 'sends elsewhere (307)', mend: /address/ }] },
  );
  t.same(keys, []);
});

t.test('a session is asked whether it takes the token, and nobody joins it', async (t) => {
  const server = await startServer({ port: 0, keys: { key: 'a-secret-that-is-long-enough-for-it' } });
  t.teardown(() => server.close());
  const session = (secret: string, url = server.url): string => `sessions:
  room: { url: '${url}', sessionId: demo, name: Doc, apiKey: key, apiSecret: ${secret} }
nodes:
  all: { type: session-audio }
  n: { type: null, from: all }`;
  t.match(await findings(session('a-secret-that-is-long-enough-for-it')), {
    ok: true,
    findings: [{ what: `session room at ${server.url}`, found: 'takes the token' }],
  });
  t.match(await findings(session('another-secret-that-is-long-enough')), {
    ok: false,
    findings: [{ found: 'refuses the token (401)', mend: /sluice token/ }],
  });
  t.match(await findings(session('a-secret-that-is-long-enough-for-it', 'ws://127.0.0.1:1')), {
    ok: false,
    findings: [{ found: 'does not answer' }],
  });
  t.equal((await server.stats()).rooms, 0);
  t.match(
    await findings(
      'sessions:\n  room: { sessionId: demo, name: Doc }\nnodes:\n  all: { type: session-audio }\n  n: { type: null, from: all }',
      { SLUICE_PORT: '0' },
    ),
    {
      ok: true,
      findings: [{ what: 'session room at the embedded server', found: 'starts' }],
    },
  );
});

t.test('a pipeline that is wrong is told as everywhere', async (t) => {
  const { file } = await pipelineFile('nodes:\n  a: { type: toen }');
  const { code, stderr } = await cli(['doctor', file]);
  t.equal(code, 78);
  t.match(stderr, /SLUICE_NODE_UNKNOWN/);
});
