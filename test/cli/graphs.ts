import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { cli, pipelineFile } from './cli-lab.js';

const MISMATCH =
  'nodes:\n  a: { type: tone, sampleRate: 44100, live: false, durationMs: 200 }\n  f: { type: recorder, path: a.ogg, from: a }';

await t.test('plan', async (t) => {
  const { file } = await pipelineFile(MISMATCH);
  const text = await cli(['plan', file]);
  t.strictSame(
    [text.code, text.stderr, text.stdout],
    [
      0,
      '',
      [
        'a (tone) [20 ms]',
        '  out -> a+resampler.in: audio 44100 Hz 1 ch; pull',
        '+ a+resampler (resampler) [sampleRate 48000, channels 1]',
        '  out -> a+opus-encoder.in: audio 48000 Hz 1 ch; pull',
        '+ a+opus-encoder (opus-encoder) [application audio, fec false, dtx false; 20 ms]',
        '  out -> f.audio: encoded-audio opus; pull',
        'f (recorder)',
        '',
        'latency of f: 40 ms, from a',
        '',
      ].join('\n'),
    ],
  );
  const json = JSON.parse((await cli(['plan', file, '--json'])).stdout) as object;
  t.match(json, {
    hash: /^[0-9a-f]{64}$/,
    live: false,
    nodes: [
      { id: 'a', inserted: false },
      { id: 'a+resampler', inserted: true, options: { sampleRate: 48_000 } },
      {},
      {},
    ],
    links: [{ flow: 'pull', queue: null }, {}, { formats: [{ kind: 'encoded-audio', codec: 'opus' }] }],
    latencies: [{ source: 'a', sink: 'f', minMs: 40, maxMs: 40, live: false }],
  });
  const strict = await pipelineFile(`strict: true\n${MISMATCH}`);
  const refused = await cli(['plan', strict.file]);
  t.strictSame(
    [refused.code, refused.stdout, refused.stderr],
    [
      78,
      '',
      `${strict.file}:4:43: node "f": "a" gives audio 44100 Hz 1 ch, recorder takes encoded-audio opus [SLUICE_LINK_STRICT]\n  found: audio 44100 Hz 1 ch\n  expected: encoded-audio opus\n  Put this between them: resampler, opus-encoder. Or leave \`strict\` out.\n`,
    ],
  );
  const data = JSON.parse((await cli(['plan', strict.file, '--json'])).stdout) as object;
  t.match(data, {
    errors: [
      {
        code: 'SLUICE_LINK_STRICT',
        place: { line: 4, column: 43 },
        found: 'audio 44100 Hz 1 ch',
        expected: 'encoded-audio opus',
      },
    ],
  });
});

await t.test('plan: of a line, of nothing, of both', async (t) => {
  const line = await cli(['plan', '--line', 'tone ! null']);
  t.match(
    [line.code, line.stdout],
    [0, /^tone \(tone\) \[live; 20 ms\]\n {2}out -> null\.in: audio 48000 Hz 1 ch; push\n/],
  );
  t.match(await cli(['plan']), { code: 2, stderr: 'plan needs a file, or --line' });
  t.match(await cli(['plan', 'x.yaml', '--line', 'tone ! null']), {
    code: 2,
    stderr: 'give a file or --line, not both',
  });
  t.match(await cli(['plan', '--line', 'tone ! gian ! null']), {
    code: 78,
    stderr: 'line:1:8: node "gian": there is no node type "gian"',
  });
  t.match(await cli(['plan', '/nope.yaml']), { code: 78, stderr: 'cannot read /nope.yaml [SLUICE_FILE_NOT_FOUND]' });
});

await t.test('launch', async (t) => {
  const { folder } = await pipelineFile(MISMATCH);
  const path = join(folder, 'b.wav');
  const done = await cli([
    'launch',
    `tone frequency=300 durationMs=100 live=false ! resampler sampleRate=16000 ! wav path=${path}`,
  ]);
  t.match([done.code, done.stderr], [0, /^ended after/]);
  const wav = await readFile(path);
  t.equal(wav.readUInt32LE(24), 16_000);
  t.ok(Math.abs(wav.length - 44 - 2 * 1600) < 64);
  const words = await cli(['launch', 'tone', 'durationMs=100', 'live=false', '!', 'null', '--json']);
  t.match(
    [words.code, JSON.parse(words.stdout)],
    [0, { outcome: 'ended', links: [{ chunks: 5 }] }],
    'in several words too',
  );
  t.match(await cli(['launch', 'tone !']), { code: 78, stderr: 'line:1:7: nothing stands behind the last "!"' });
  t.match(await cli(['launch', 'session-audio ! null']), { code: 78, stderr: 'session "session" has no sessionId' });
  t.match(
    await cli(['launch', 'session-audio ! null', '--session', 'demo', '--url', 'ws://127.0.0.1:9', '--name', 'bot']),
    { code: 1, stderr: 'SLUICE_CONNECT_FAILED' },
    'the session that was named is joined',
  );
  t.match(await cli(['launch', 'input media=audio ! null']), { code: 78, stderr: 'SLUICE_STREAM_MISSING' });
});

await t.test('convert', async (t) => {
  const { file, folder } = await pipelineFile(`description: d\n${MISMATCH.replace('44100', '"${RATE:-44100}"')}`);
  const hash = async (path: string): Promise<unknown> =>
    (JSON.parse((await cli(['plan', path, '--json'])).stdout) as { hash: string }).hash;
  const expected = await hash(file);
  for (const name of ['x.yaml', 'x.json']) {
    const path = join(folder, name);
    t.strictSame(await cli(['convert', file, '--output', path]), { code: 0, stdout: '', stderr: '' });
    t.equal(await hash(path), expected, name);
    t.match(await readFile(path, 'utf8'), '${RATE:-44100}', 'variables stay as they are');
  }
  t.match(
    await readFile(join(folder, 'x.yaml'), 'utf8'),
    /^# yaml-language-server: \$schema=\S+\/pipelines\/schema\.json\n/,
  );

  const program = (await cli(['convert', file, '--to', 'ts'])).stdout;
  t.match(program, "import { graph } from 'sluice';\n\nexport const pipeline = graph({\n  description: 'd',");
  const address = pathToFileURL(join(PACKAGE_ROOT, 'dist', 'index.js')).href;
  const module = join(folder, 'x.mjs');
  await writeFile(module, program.replace("'sluice'", `'${address}'`));
  t.equal(await hash(module), expected, 'TypeScript');

  const line = (await cli(['convert', module, '--to', 'line'])).stdout;
  t.equal(
    line,
    'pipeline description=d ; tone id=a sampleRate=${RATE:-44100} live=false durationMs=200 ! recorder id=f path=a.ogg\n',
  );
  const planned = JSON.parse((await cli(['plan', '--line', line, '--json'])).stdout) as { hash: string };
  t.equal(planned.hash, expected, 'one line');
  t.match(JSON.parse((await cli(['convert', '--line', line, '--to', 'json', '--json'])).stdout), {
    notation: 'json',
    text: /"nodes"/,
    output: null,
  });

  t.match(await cli(['convert', file]), { code: 2, stderr: 'convert needs --to, or --output' });
  t.match(await cli(['convert', file, '--to', 'xml']), {
    code: 2,
    stderr: 'unknown notation "xml"; there are yaml, json, ts, line',
  });
  const bad = await pipelineFile('nodes:\n  a: { type: 7 }');
  t.match(await cli(['convert', bad.file, '--to', 'json']), { code: 78, stdout: '', stderr: `${bad.file}:2:14` });
  t.match(await cli(['convert', file, '--output', join(file, 'x.json')]), { code: 1, stderr: 'SLUICE_FILE_WRITE' });
});

await t.test('programs', async (t) => {
  const { folder } = await pipelineFile(MISMATCH);
  const address = pathToFileURL(join(PACKAGE_ROOT, 'dist', 'index.js')).href;
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text.replace('sluice', address));
    return path;
  };
  const good = await write(
    'good.mjs',
    "import { graph } from 'sluice';\nexport const pipeline = graph({ nodes: { a: { type: 'tone', durationMs: 100, live: false }, w: { type: 'wav', path: 'good.wav', from: 'a' } } });",
  );
  t.equal((await cli(['run', good])).code, 0);
  t.equal((await readFile(join(folder, 'good.wav'))).length, 44 + 2 * 4800, 'its paths start from its folder');
  for (const [name, text, message] of [
    ['none.mjs', 'export const a = 1;', 'the program exports no graph'],
    [
      'two.mjs',
      "import { graph } from 'sluice';\nexport const a = graph({ nodes: {} });\nexport const b = graph({ nodes: {} });",
      'the program exports several graphs',
    ],
    ['broken.mjs', "throw new Error('not today');", 'the program broke: not today'],
    [
      'wrong.mjs',
      "import { graph } from 'sluice';\nexport const a = graph({ nodes: { a: { type: 'toen' } } });",
      'wrong.mjs:2:18: node "a": there is no node type "toen"',
    ],
  ] as const) {
    t.match(await cli(['plan', await write(name, text)]), { code: 78, stderr: message }, name);
  }
  t.match(await cli(['plan', '/nope.mjs']), { code: 78, stderr: 'SLUICE_FILE_NOT_FOUND' });
});

await t.test('schema, and pictures', async (t) => {
  const schema = (await cli(['schema'])).stdout;
  t.equal(schema, await readFile(join(PACKAGE_ROOT, 'pipelines', 'schema.json'), 'utf8'), 'the one that is shipped');
  t.match(JSON.parse((await cli(['schema', '--json'])).stdout), { title: 'sluice pipeline' });
  const { file } = await pipelineFile(MISMATCH);
  t.match(
    (await cli(['graph', file, '--format', 'dot'])).stdout,
    '"a+resampler" [label="a+resampler\\nresampler", style=dashed];',
  );
  t.match((await cli(['graph', file, '--format', 'mermaid'])).stdout, 'n1["a+resampler<br/>resampler"]:::inserted');
  const svg = (await cli(['graph', '--line', 'tone ! wav path=x.wav', '--format', 'svg'])).stdout;
  t.match(svg, /<svg [\s\S]*>tone<[\s\S]*queue 500 ms drop[\s\S]*<\/svg>/);
});
