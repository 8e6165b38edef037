import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { explainData, explainText } from '../../src/graph/explain.js';
import { explainDot, explainMermaid } from '../../src/graph/explain-picture.js';
import { readTextFile } from '../../src/graph/notation/text.js';
import { Lab, loadText, problemsIn } from './lab.js';

const SECRETS = { SLUICE_TOKEN: 'token-of-env', SLUICE_API_KEY: 'key-of-env', SLUICE_API_SECRET: 'secret-of-env' };

await t.test('YAML and JSON make the same graph', async (t) => {
  const yaml = 'description: d\nnodes:\n  a: { type: tone, frequency: 300 }\n  b: { type: null, from: [a] }';
  const json = '{"description":"d","nodes":{"a":{"type":"tone","frequency":300},"b":{"type":"null","from":["a"]}}}';
  const parts = (text: string, file: string): unknown => {
    const { graph, problems } = loadText(text, {}, file);
    t.same(problems, []);
    return graph?.nodes.map(({ id, type, options, from }) => ({
      id,
      type,
      options,
      from: from.map((one) => one.text),
    }));
  };
  t.strictSame(parts(yaml, 'a.yaml'), parts(json, 'a.json'));
  t.end();
});

await t.test('variables', async (t) => {
  const text =
    'nodes:\n  a: { type: tone, frequency: "${HZ:-300}", live: "${LIVE}" }\n  b: { type: exec, from: a, output: none, command: ["${DIR:-out}/$${x}/${NAME}.sh"] }';
  const plan = new Lab().registry;
  const options = (environment: Record<string, string>): unknown => {
    t.same(problemsIn(text, plan, environment), []);
    const { graph } = loadText(text, environment);
    return graph?.nodes.map((node) => node.options);
  };
  t.match(options({ LIVE: 'false', NAME: '7' }), [{ frequency: '300', live: 'false' }, { command: ['out/${x}/7.sh'] }]);
  t.match(
    options({ LIVE: 'true', NAME: 'n', HZ: '', DIR: 'd' }),
    [{ frequency: '300' }, { command: ['d/${x}/n.sh'] }],
    'empty counts as not set',
  );
  t.match(
    problemsIn(text, plan, { LIVE: 'maybe', NAME: 'n' }),
    [{ message: 'option "live": expected true or false, not a text', place: { line: 2 } }],
    'a value of the wrong type is refused',
  );
  t.match(
    problemsIn(text, plan, { LIVE: 'true', NAME: 'n', HZ: '0' }),
    [{ message: /too small/ }],
    'and one out of range',
  );
  t.match(
    problemsIn('nodes: { a: { type: ${TYPE} } }', plan, { TYPE: 'tone' }),
    [{ code: 'SLUICE_CONFIG_SYNTAX', mend: 'Put `${…}` in quotes.' }],
    'YAML wants quotes around it inside braces',
  );
});

await t.test('sessions take from the environment what they do not give', async (t) => {
  const config = (session: string, environment: Record<string, string>): unknown =>
    loadText(`sessions:\n  room: ${session}\nnodes:\n  a: { type: tone }`, environment).graph?.sessions[0]?.config;
  const env = { SLUICE_URL: 'ws://h', SLUICE_SESSION_ID: 's', ...SECRETS };
  t.strictSame(config('{}', env), {
    name: 'sluice',
    url: 'ws://h',
    sessionId: 's',
    token: 'token-of-env',
    apiKey: 'key-of-env',
    apiSecret: 'secret-of-env',
  });
  t.strictSame(
    config('{ url: embedded, sessionId: own }', env),
    { name: 'sluice', url: 'embedded', sessionId: 'own' },
    'but no keys for the embedded server',
  );
  t.strictSame(
    config('{ url: "embedded:7990", sessionId: own }', env),
    { name: 'sluice', url: 'embedded:7990', sessionId: 'own' },
    'nor for the one at a port of its own',
  );
  t.strictSame(
    config('{ token: mine }', env),
    { name: 'sluice', url: 'ws://h', sessionId: 's', token: 'mine' },
    'a token of its own keeps keys out',
  );
  t.strictSame(
    config('{ apiKey: k }', env),
    { name: 'sluice', url: 'ws://h', sessionId: 's', apiKey: 'k', apiSecret: 'secret-of-env' },
    'keys of its own keep the token out',
  );
});

await t.test('a Vonage session needs an application, a session and a token, and takes no server', async (t) => {
  const load = (session: string, environment: Record<string, string> = {}): ReturnType<typeof loadText> =>
    loadText(`sessions:\n  room: ${session}\nnodes:\n  a: { type: tone }`, environment);
  const env = { SLUICE_URL: 'ws://h', SLUICE_SESSION_ID: 's', SLUICE_APPLICATION_ID: 'app', ...SECRETS };
  const { graph, problems } = load('{ driver: vonage }', env);
  t.strictSame(problems, []);
  t.strictSame(graph?.sessions[0]?.config, {
    driver: 'vonage',
    name: 'sluice',
    sessionId: 's',
    applicationId: 'app',
    token: 'token-of-env',
  });
  t.match(load('{ driver: vonage, url: "ws://h", apiKey: k, kind: agent }').problems, [
    { message: 'session "room" has no sessionId', mend: /SLUICE_SESSION_ID/ },
    { message: 'session "room" has no token', mend: /SLUICE_TOKEN/ },
    { message: 'session "room" has no applicationId', mend: /SLUICE_APPLICATION_ID/ },
    { message: 'session "room" has url, which Vonage sessions do not take' },
    { message: 'session "room" has apiKey, which Vonage sessions do not take' },
    { message: 'session "room" has kind, which Vonage sessions do not take' },
  ]);
  t.match(load('{ driver: zoom, sessionId: d }').problems, [
    { code: 'SLUICE_CONFIG_INVALID', message: /"webrtc"\|"vonage"/ },
  ]);
});

await t.test('secrets are never printed', async (t) => {
  const lab = new Lab();
  const secret = 's3cr3t-in-file';
  const text = `sessions:\n  room: { url: "ws://user:${secret}@h:1/p?access_token=${secret}", sessionId: d, token: ${secret} }\nnodes:\n  v: { type: voices }\n  s: { type: sink, from: v }`;
  const plan = lab.plan(text);
  for (const told of [explainText(plan), explainDot(plan), explainMermaid(plan), JSON.stringify(explainData(plan))]) {
    t.notMatch(told, secret);
  }
  t.match(explainText(plan), 'session room: d at ws://h:1/p, as "sluice"');
  for (const bad of [
    text.replace('nodes:', 'nodes: ['),
    text.replace('token:', 'tokn:'),
    text.replace('type: voices', 'type: voicez'),
  ]) {
    const problems = problemsIn(bad, lab.registry);
    t.ok(problems.length > 0);
    for (const problem of problems)
      t.notMatch(`${problem.message} ${problem.mend ?? ''} ${problem.stack ?? ''}`, secret);
  }
  const json = problemsIn(`{"sessions":{"room":{"token":"${secret}",}},"nodes":{}}`, lab.registry, {}, 'x.json');
  t.notMatch(JSON.stringify(json), secret);
});

await t.test('explain', async (t) => {
  const plan = new Lab().plan(
    'description: Two of them.\nsessions: { room: { sessionId: demo, name: bot } }\nnodes:\n  v: { type: voices }\n  g: { type: gain, from: v }\n  h: { type: gain, from: g }\n  m: { type: mixer, from: h }\n  a: { type: "null", from: m }\n  b: { type: "null", from: m }',
  );
  t.equal(
    explainText(plan),
    [
      'Two of them.',
      '',
      'session room: demo at embedded, as "bot"',
      '',
      'v (voices) [makes a branch for each stream]',
      '  out -> g.in: audio 48000 Hz 1 ch; pull',
      'g (gain) [in each branch of v; one stream: g + h]',
      '  out -> h.in: audio 48000 Hz 1 ch; pull',
      'h (gain) [in each branch of v; one stream: g + h]',
      '  out -> m.in: audio 48000 Hz 1 ch; pull',
      'm (mixer) [live; 0 to 100 ms]',
      '  out -> a.in: audio 48000 Hz 1 ch; push',
      '  out -> b.in: audio 48000 Hz 1 ch; push',
      'a (null)',
      'b (null)',
      '',
      'latency of a: 0 to 100 ms, live, from v',
      'latency of b: 0 to 100 ms, live, from v',
      '',
    ].join('\n'),
  );
  t.match(explainDot(plan), '"m" -> "a" [label="audio 48000 Hz 1 ch"];');
  t.match(explainDot(plan), /subgraph "cluster_v" \{[^}]*"g" \[label="g\\ngain"\]/);
  t.match(explainMermaid(plan), 'flowchart LR\n  n3["m<br/>mixer"]');
  t.match(explainMermaid(plan), 'n2 -- "audio 48000 Hz 1 ch" --> n3');
});

await t.test('files', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  const file = join(folder, 'x.yaml');
  await writeFile(file, 'nodes:\n  a: { type: tone }');
  t.equal((await readTextFile(file)).baseDir, folder, 'relative paths start from the folder of the file');
  await t.rejects(readTextFile(join(folder, 'y.yaml')), { code: 'SLUICE_FILE_NOT_FOUND' });
  await t.rejects(readTextFile(folder), { code: 'SLUICE_FILE_NOT_FOUND', message: /is a folder/ });
});
