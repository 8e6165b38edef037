import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import t from 'tap';
import { cli, pipelineFile, startCli } from './cli-lab.js';

const GOOD =
  'description: d\nnodes:\n  a: { type: tone, durationMs: 100, live: false }\n  f: { type: wav, path: out/a.wav, from: a }\n  n: { type: null, from: a }';
const BAD = 'nodes:\n  a: { type: toen }\n  b: { type: gain, db: 99, from: a }';

const ALL = [
  ...['run', 'launch', 'validate', 'plan', 'doctor', 'graph', 'convert', 'schema', 'new'],
  ...['nodes', 'inspect', 'serve', 'token', 'completion', 'help'],
];

await t.test('help', async (t) => {
  const bare = await cli([]);
  t.equal(bare.code, 2, 'no command is wrong usage');
  t.match(bare.stderr, 'Usage: sluice <command>');
  const help = await cli(['--help']);
  t.equal(help.code, 0);
  for (const name of ALL) {
    t.match(help.stdout, new RegExp(`^  ${name} `, 'm'), `${name} is listed`);
    const one = await cli([name, '--help']);
    t.match(
      [one.code, one.stdout],
      [0, new RegExp(`Usage: sluice ${name}[\\s\\S]*--json[\\s\\S]*Example\n  .*sluice ${name}`)],
      `${name} has help and an example`,
    );
    t.equal((await cli(['help', name])).stdout, one.stdout);
  }
  t.match((await cli(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  t.match(JSON.parse((await cli(['help', '--json'])).stdout), { commands: [{ name: 'run' }] });
});

await t.test('wrong arguments', async (t) => {
  for (const [args, message, mend] of [
    [['rum', 'x'], 'there is no command "rum"', 'Did you mean `sluice run`?'],
    [['run'], 'run needs <file>', 'See `sluice run --help`.'],
    [['run', 'a', 'b'], '"b" is one argument too many', 'See `sluice run --help`.'],
    [['graph', 'a', '--fromat', 'dot'], 'unknown option --fromat', 'Did you mean --format?'],
    [['graph', 'a', '--format'], '--format needs a value', 'See `sluice graph --help`.'],
    [
      ['graph', 'a', '--format', 'png'],
      'unknown format "png"; there are text, dot, mermaid, svg',
      'See `sluice graph --help`.',
    ],
    [['run', 'a', '--stats=yes'], '--stats takes no value', 'See `sluice run --help`.'],
    [
      ['inspect', 'mixr'],
      'there is no node type "mixr"',
      'Did you mean "mixer"? See `sluice nodes` for the types there are.',
    ],
    [['token'], 'token needs --session, or SLUICE_SESSION_ID', 'See `sluice token --help`.'],
    [
      ['token', '--session', 'd', '--ttl', 'long'],
      '"long" is no duration; write 90s, 30m, 6h or 7d',
      'See `sluice token --help`.',
    ],
    [['serve', '--port', '99999'], '"99999" is no port; use a number from 0 to 65535', 'See `sluice serve --help`.'],
    [['help', 'x'], 'there is no command "x"', 'See `sluice help`.'],
  ] as const) {
    const { code, stdout, stderr } = await cli(args);
    t.strictSame([code, stdout, stderr], [2, '', `${message} [SLUICE_USAGE]\n  ${mend}\n`], args.join(' '));
  }
  const json = await cli(['run', '--json']);
  t.strictSame(JSON.parse(json.stdout), {
    errors: [{ code: 'SLUICE_USAGE', message: 'run needs <file>', mend: 'See `sluice run --help`.' }],
  });
});

await t.test('validate', async (t) => {
  const good = await pipelineFile(GOOD);
  const bad = await pipelineFile(BAD);
  const both = await cli(['validate', good.file, bad.file]);
  t.equal(both.code, 78);
  t.equal(both.stdout, `${good.file}: ok\n`);
  t.equal(
    both.stderr,
    `${bad.file}:2:14: node "a": there is no node type "toen" [SLUICE_NODE_UNKNOWN]\n  found: type "toen"\n  expected: a type of node, such as "tone"\n  Did you mean "tone"? See \`sluice nodes\` for the types there are.\n` +
      `${bad.file}:3:24: node "b": option "db": too big: expected number to be <=24 [SLUICE_CONFIG_INVALID]\n  found: 99\n  expected: number to be <=24\n  See \`sluice inspect gain\` for its options.\n`,
  );
  const json = await cli(['validate', '--json', good.file, bad.file, '/nope.yaml']);
  t.match(JSON.parse(json.stdout), {
    files: [
      { valid: true, errors: [] },
      { valid: false, errors: [{ code: 'SLUICE_NODE_UNKNOWN', place: { line: 2, column: 14 } }, {}] },
      { valid: false, errors: [{ code: 'SLUICE_FILE_NOT_FOUND' }] },
    ],
  });
  t.equal((await cli(['validate', good.file])).code, 0);
});

await t.test('a file that is not there is told alike by every command', async (t) => {
  for (const command of ['run', 'plan', 'validate', 'graph', 'convert --to json', 'doctor', 'test'])
    t.match(
      await cli([...command.split(' '), '/nope.yaml']),
      { code: 78, stderr: 'cannot read /nope.yaml [SLUICE_FILE_NOT_FOUND]' },
      command,
    );
});

await t.test('graph, nodes, inspect', async (t) => {
  const { file } = await pipelineFile(GOOD);
  t.equal(
    (await cli(['graph', file])).stdout,
    'd\n\na (tone) [20 ms]\n  out -> f.in: audio 48000 Hz 1 ch; pull\n  out -> n.in: audio 48000 Hz 1 ch; pull\nf (wav)\nn (null)\n\nlatency of f: 20 ms, from a\nlatency of n: 20 ms, from a\n',
  );
  t.match((await cli(['graph', file, '--format', 'dot'])).stdout, /^digraph/);
  t.match((await cli(['graph', file, '--format=mermaid'])).stdout, /^flowchart LR/);
  t.match(JSON.parse((await cli(['graph', file, '--json'])).stdout), {
    links: [{ name: 'a.out -> f.in' }, { name: 'a.out -> n.in' }],
  });
  t.equal((await cli(['graph', (await pipelineFile(BAD)).file])).code, 78);
  t.match((await cli(['nodes'])).stdout, /^tone +Makes a sine tone\.$/m);
  t.match(JSON.parse((await cli(['inspect', 'tone', '--json'])).stdout), {
    type: 'tone',
    options: [{ name: 'frequency', default: 440 }],
  });
});

await t.test('run', async (t) => {
  const { file, folder } = await pipelineFile(GOOD);
  const done = await cli(['run', file]);
  t.match([done.code, done.stdout, done.stderr], [0, '', /^ended after \d+\.\d s\n$/]);
  t.equal((await readFile(join(folder, 'out', 'a.wav'))).length, 44 + 2 * 4800, 'its paths start from its folder');
  const json = JSON.parse((await cli(['run', file, '--json'])).stdout) as object;
  t.match(json, {
    outcome: 'ended',
    drained: true,
    links: [{ name: 'a.out -> f.in', chunks: 5, mediaMs: 100 }, { chunks: 5 }],
  });

  const bad = await cli(['run', (await pipelineFile(BAD)).file, '--json']);
  t.match(
    [bad.code, JSON.parse(bad.stdout)],
    [78, { errors: [{ code: 'SLUICE_NODE_UNKNOWN' }, { code: 'SLUICE_CONFIG_INVALID' }] }],
  );
  const broken = await pipelineFile(GOOD.replace('out/a.wav', 'p.yaml/a.wav'));
  const failed = await cli(['run', broken.file]);
  t.equal(failed.code, 1);
  t.match(
    failed.stderr,
    `${broken.file}:4:3: node "f": cannot write ${join(broken.folder, 'p.yaml', 'a.wav')}: a part of its path is a file [SLUICE_FILE_WRITE]`,
  );
});

await t.test('run: SIGINT lets out what is on its way', async (t) => {
  const { file, folder } = await pipelineFile('nodes:\n  a: { type: tone }\n  f: { type: wav, path: a.wav, from: a }');
  const polite = startCli(['run', file]);
  await new Promise((resolve) => setImmediate(resolve));
  const opened = async (): Promise<boolean> =>
    readFile(join(folder, 'a.wav')).then(
      (data) => data.length > 44,
      () => false,
    );
  while (!(await opened())) await new Promise((resolve) => setImmediate(resolve));
  polite.interrupt();
  const stopped = await polite.result;
  t.equal(stopped.code, 0);
  t.match(stopped.stderr, /^Stopping; once more ends at once\.\nstopped after/);
  const data = await readFile(join(folder, 'a.wav'));
  t.equal(data.readUInt32LE(40), data.length - 44, 'the file is complete');
  t.ok(data.length > 44);
});

await t.test('token', async (t) => {
  const { code, stdout, stderr } = await cli(
    ['token', '--session', 'demo', '--name', 'Anna', '--ttl', '30m', '--no-publish', '--metadata', '{"role":"guest"}'],
    { SLUICE_API_KEY: 'k', SLUICE_API_SECRET: 's' },
  );
  t.strictSame([code, stderr], [0, '']);
  const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString()) as {
    exp: number;
    nbf: number;
  };
  t.match(claims, {
    iss: 'k',
    sub: 'Anna',
    name: 'Anna',
    metadata: '{"role":"guest"}',
    video: { room: 'demo', roomJoin: true, canPublish: false, canSubscribe: true },
  });
  t.equal(claims.exp - claims.nbf, 1800);
  const agent = await cli(['token', '--session', 'demo', '--kind', 'agent'], {});
  t.match(decodeJwt(agent.stdout.trim()), { kind: 'agent' });
  t.match(await cli(['token', '--session', 'demo', '--kind', 'bot'], {}), {
    code: 2,
    stderr: /--kind is standard or agent, not bot/,
  });
  const half = await cli(['token', '--session', 'demo'], { SLUICE_API_KEY: 'k' });
  t.match(half, { code: 78, stderr: /the API secret is missing/ });
  const dev = await cli(['token'], { SLUICE_SESSION_ID: 'demo' });
  t.match(dev, { code: 0, stderr: /development keys/ });
});
