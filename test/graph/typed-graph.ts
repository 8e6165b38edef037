import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { PACKAGE_ROOT } from '../support/package-root.js';

/** Graphs of which the compiler has to say something, with what it has to say and where. */
const WRONG: Readonly<Record<string, readonly [nodes: string, at: string, message: RegExp]>> = {
  'an unknown option': [`a: { type: 'tone', pitch: 3 }`, 'pitch', /'pitch' does not exist/],
  'a misspelt option': [`a: { type: 'tone', frequncy: 3 }`, 'frequncy', /Did you mean to write 'frequency'/],
  'an option of another type': [`a: { type: 'tone', db: 3 }`, 'db', /'db' does not exist/],
  'a value of the wrong kind': [`a: { type: 'tone', live: 'yes' }`, 'live', /not assignable/],
  'a value that is not allowed': [`a: { type: 'tone', sampleRate: 22050 }`, 'sampleRate', /'22050' is not assignable/],
  'a missing option': [`a: { type: 'tone' }, w: { type: 'wav', from: 'a' }`, 'w', /'path' is missing/],
  'an unknown type': [`a: { type: 'toen' }`, 'type', /'"toen"' is not assignable/],
  'an unknown node': [`a: { type: 'gain', from: 'b' }`, 'from', /not assignable/],
  'an unknown output': [
    `f: { type: 'file', path: 'x' }, g: { type: 'gain', from: 'f.sound' }`,
    'from',
    /not assignable/,
  ],
  'an unknown output in a list': [
    `a: { type: 'tone' }, m: { type: 'mixer', from: ['a.left'] }`,
    `'a.left'`,
    /not assignable/,
  ],
  'an unknown input': [
    `a: { type: 'tone' }, r: { type: 'recorder', path: 'x.webm', from: { sound: 'a' } }`,
    'sound',
    /'sound' does not exist/,
  ],
  'an unknown output in a map': [
    `a: { type: 'tone' }, r: { type: 'recorder', path: 'x.webm', from: { audio: 'a.left' } }`,
    'from',
    /not assignable/,
  ],
  'a link into a source': [
    `a: { type: 'tone' }, b: { type: 'tone', from: 'a' }`,
    'from',
    /not assignable to type 'never'/,
  ],
  'a link out of a sink': [`n: { type: 'null', from: 'a' }, a: { type: 'null', from: 'n' }`, 'from', /not assignable/],
  'a session that is not there': [
    `v: { type: 'session-audio', session: 'hall' }`,
    'session',
    /'"hall"' is not assignable/,
  ],
  'an unknown policy': [
    `a: { type: 'tone' }, n: { type: 'null', from: 'a', queue: { overflow: 'leak' } }`,
    'overflow',
    /"leak"/,
  ],
  'an unknown action': [`a: { type: 'tone', onError: 'retry' }`, 'onError', /'"retry"' is not assignable/],
};

const RIGHT = `
graph({
  description: 'Everything at once.',
  strict: false,
  sessions: { room: { sessionId: 'demo', name: '\${NAME:-bot}' }, hall: {} },
  nodes: {
    clip: { type: 'file', path: 'a.mp3', channels: 1, loop: '\${LOOP:-false}' },
    low: { type: 'tone', frequency: '\${HZ}', durationMs: 1000 },
    speech: { type: 'resampler', from: 'clip.audio', sampleRate: 16000, onError: 'restart' },
    both: { type: 'mixer', from: ['speech', 'low.out'], queue: { maxMs: 200, overflow: 'block' } },
    file: { type: 'recorder', path: 'x.webm', from: { audio: ['both'], video: 'clip.video' } },
    all: { type: 'session-audio', session: 'room' },
    bot: { type: 'publisher', session: 'hall', from: 'all', onError: { action: 'restart', maxRestarts: 3 } },
    end: { type: 'null', from: 'speech.out' },
  },
});
graph({ nodes: { mic: { type: 'input', media: 'audio' }, out: { type: 'output', from: 'mic' } } });
graph({ sessions: { room: {} }, nodes: { v: { type: 'session-audio' }, n: { type: 'null', from: 'v' } } });
`;

/** The same for nodes that a program makes by themselves. */
const WRONG_NODES: Readonly<Record<string, readonly [call: string, at: string, message: RegExp]>> = {
  'an unknown option of a stream': [`resampler({ rate: 3 })`, 'rate', /'rate' does not exist/],
  'a value that is not allowed for a stream': [`resampler({ sampleRate: 22050 })`, 'sampleRate', /not assignable/],
  'a missing option of a stream': [`wav({})`, '{}', /'path' is missing/],
  'a stream without its options': [`delay()`, 'delay', /Expected 1 arguments/],
};

const RIGHT_NODES = `
import { pipeline } from 'node:stream/promises';
await pipeline(tone({ durationMs: 100 }), gain(), resampler({ sampleRate: 16000 }), frameRate({ frameRate: 5 }), wav({ path: 'x.wav' }));
`;

/** A node of the program itself, and a graph that brings it along. */
const OWN_NODE = `
import { defineTransform, graph, z } from 'sluice';
const twice = defineTransform({
  type: 'twice', summary: '', example: '', options: z.strictObject({ times: z.number() }),
  inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }], outputs: [{ name: 'both', formats: [{ kind: 'audio' }] }],
  transform: () => (value) => value,
});
`;
const ownGraph = (node: string, sink = 't.both', nodes = ', { nodes: [twice] }'): string =>
  `${OWN_NODE}graph({ nodes: { a: { type: 'tone' }, t: { ${node} }, n: { type: 'null', from: '${sink}' } } }${nodes});\n`;

const WRONG_OWN: Readonly<Record<string, readonly [source: string, at: string, message: RegExp]>> = {
  'a wrong option of it': [ownGraph(`type: 'twice', from: 'a', times: 'x'`), 'times', /'"x"' is not assignable/],
  'an option that it does not have': [
    ownGraph(`type: 'twice', from: 'a', times: 1, db: 3`),
    'db',
    /'db' does not exist/,
  ],
  'an output that it does not have': [
    ownGraph(`type: 'twice', from: 'a', times: 1`, 't.out'),
    'from',
    /not assignable/,
  ],
  'a wrong option of a node beside it': [ownGraph(`type: 'gain', from: 'a', db: 'x'`, 't.out'), 'db', /not assignable/],
  'without bringing it along': [
    ownGraph(`type: 'twice', from: 'a', times: 1`, 't.both', ''),
    'type',
    /'"twice"' is not/,
  ],
};

await t.test('nodes of the program itself are known as well as those of sluice', async (t) => {
  const right = ownGraph(`type: 'twice', from: 'a', times: 2`);
  const [none, ...found] = compile([right, ...Object.values(WRONG_OWN).map(([source]) => source)]);
  t.same(
    none?.map(({ message }) => message),
    [],
    'what is right compiles',
  );
  for (const [index, [name, [, at, message]]] of Object.entries(WRONG_OWN).entries()) {
    const told = found[index] ?? [];
    t.ok(
      told.some((one) => one.text.startsWith(at) && message.test(one.message)),
      `${name}: ${told.map((one) => `${one.text}: ${one.message}`).join(' | ') || 'nothing'}`,
    );
  }
});

await t.test('the compiler finds what is wrong with a graph', async (t) => {
  const sources = Object.entries(WRONG).map(
    ([name, [nodes]]) => `// ${name}\ngraph({ sessions: { room: {} }, nodes: { ${nodes} } });\n`,
  );
  const calls = [RIGHT_NODES, ...Object.values(WRONG_NODES).map(([call]) => `${call};\n`)];
  const diagnostics = compile([
    ...[RIGHT, ...sources].map((source) => `import { graph } from 'sluice';\n${source}`),
    ...calls.map((call) => `import { delay, frameRate, gain, resampler, tone, wav } from 'sluice/nodes';\n${call}`),
  ]);
  const streams = diagnostics.slice(1 + sources.length);
  t.same(
    diagnostics[0]?.map(({ message }) => message),
    [],
    'what is right compiles',
  );
  t.same(
    streams[0]?.map(({ message }) => message),
    [],
    'streams too',
  );
  const expected = [...Object.entries(WRONG), ...Object.entries(WRONG_NODES)];
  const told = [...diagnostics.slice(1, 1 + sources.length), ...streams.slice(1)];
  for (const [index, [name, [, at, message]]] of expected.entries()) {
    const found = told[index] ?? [];
    t.ok(
      found.some((one) => one.text.startsWith(at) && message.test(one.message)),
      `${name}: ${found.map((one) => `${one.text}: ${one.message}`).join(' | ') || 'nothing'}`,
    );
  }
});

/** What the compiler says of each text, and the source that it points at. The files lie inside the package, so that `sluice` is found. */
function compile(texts: readonly string[]): { readonly text: string; readonly message: string }[][] {
  const folder = join(PACKAGE_ROOT, 'node_modules', '.cache', `sluice-types-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const files = texts.map((text, index) => {
      const file = join(folder, `graph-${index}.mts`);
      writeFileSync(file, text);
      return file;
    });
    const program = ts.createProgram(files, {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      paths: {
        sluice: [join(PACKAGE_ROOT, 'dist', 'index.d.ts')],
        'sluice/nodes': [join(PACKAGE_ROOT, 'dist', 'nodes.d.ts')],
      },
      typeRoots: [join(PACKAGE_ROOT, 'node_modules', '@types')],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
    });
    return files.map((file) => {
      const source = program.getSourceFile(file);
      return ts.getPreEmitDiagnostics(program, source).map(({ start = 0, messageText }) => ({
        text: source?.text.slice(start) ?? '',
        message: ts.flattenDiagnosticMessageText(messageText, '\n'),
      }));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
