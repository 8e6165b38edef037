import t from 'tap';
import { formatPlace, type SluiceError } from '../../src/media/errors.js';
import { loadGraph } from '../../src/graph/load.js';
import { readLine } from '../../src/graph/notation/line.js';
import { checkGraph } from '../../src/graph/plan.js';
import { Lab } from './lab.js';

const { registry } = new Lab();

const valueOf = (line: string): unknown => readLine(line, 'line', '/').value;

function problemsOf(line: string): readonly SluiceError[] {
  try {
    const { graph, problems } = loadGraph(readLine(line, 'line', '/'), {});
    return graph && problems.length === 0 ? checkGraph(graph, registry).problems : problems;
  } catch (error) {
    return [error as SluiceError];
  }
}

await t.test('nodes, options and links', async (t) => {
  t.strictSame(valueOf('file path=a.mp3 ! resampler sampleRate=16000 ! wav path=b.wav'), {
    nodes: {
      file: { type: 'file', path: 'a.mp3' },
      resampler: { type: 'resampler', sampleRate: 16_000, from: 'file' },
      wav: { type: 'wav', path: 'b.wav', from: 'resampler' },
    },
  });
  t.strictSame(valueOf('tone!null'), { nodes: { tone: { type: 'tone' }, null: { type: 'null', from: 'tone' } } });
  t.strictSame(
    valueOf('tone ! gain ! gain db=3 ! gain id=gain-2 ! null'),
    {
      nodes: {
        tone: { type: 'tone' },
        gain: { type: 'gain', from: 'tone' },
        'gain-3': { type: 'gain', db: 3, from: 'gain' },
        'gain-2': { type: 'gain', from: 'gain-3' },
        null: { type: 'null', from: 'gain-2' },
      },
    },
    'the second of a type has a number, unless that is an id',
  );
});

await t.test('references, ports and several links', async (t) => {
  t.strictSame(valueOf('tone id=a ; a. ! wav path=x.wav ; a.out ! null'), {
    nodes: {
      a: { type: 'tone' },
      wav: { type: 'wav', path: 'x.wav', from: 'a' },
      null: { type: 'null', from: 'a.out' },
    },
  });
  t.strictSame(
    valueOf('tone ! m. ; tone ! m. ; test-pattern id=p ; mixer id=m ! null'),
    {
      nodes: {
        tone: { type: 'tone' },
        'tone-2': { type: 'tone' },
        p: { type: 'test-pattern' },
        m: { type: 'mixer', from: ['tone', 'tone-2'] },
        null: { type: 'null', from: 'm' },
      },
    },
    'a reference may come before its node',
  );
  t.strictSame(
    valueOf('recorder id=r path=x.webm ; file id=f path=x ; f.audio ! r.audio ; f.video ! r.video ; tone ! r.audio'),
    {
      nodes: {
        r: { type: 'recorder', path: 'x.webm', from: { audio: ['f.audio', 'tone'], video: 'f.video' } },
        f: { type: 'file', path: 'x' },
        tone: { type: 'tone' },
      },
    },
    'inputs by name',
  );
});

await t.test('values', async (t) => {
  const options = (text: string): unknown =>
    ((valueOf(`x ${text}`) as { nodes: { x: object } }).nodes.x as { type?: string }).valueOf();
  t.strictSame(options('a=1 b=-2.5 c=true d=null e=text f= g=1e3 h=0x10'), {
    type: 'x',
    a: 1,
    b: -2.5,
    c: true,
    d: null,
    e: 'text',
    f: '',
    g: 1000,
    h: 16,
  });
  t.strictSame(options(`a="two words" b='it is "7"' c="7" d="a\\"b\\\\c" e="!;" f=""`), {
    type: 'x',
    a: 'two words',
    b: 'it is "7"',
    c: '7',
    d: 'a"b\\c',
    e: '!;',
    f: '',
  });
  t.strictSame(options(`queue={ maxMs: 200, overflow: block } list=[a, "b c", 3] deep={a: [1, {b: "}"}]}`), {
    type: 'x',
    queue: { maxMs: 200, overflow: 'block' },
    list: ['a', 'b c', 3],
    deep: { a: [1, { b: '}' }] },
  });
  t.strictSame(options('path=${FILE:-a b.mp4} url=ws://h:1/p?a=b'), {
    type: 'x',
    path: '${FILE:-a b.mp4}',
    url: 'ws://h:1/p?a=b',
  });
});

await t.test('sessions, and the whole', async (t) => {
  t.strictSame(
    valueOf('pipeline strict=true description="A line." ; session id=room sessionId=demo ; session-audio ! null'),
    {
      strict: true,
      description: 'A line.',
      sessions: { room: { sessionId: 'demo' } },
      nodes: { 'session-audio': { type: 'session-audio' }, null: { type: 'null', from: 'session-audio' } },
    },
  );
  t.ok(
    registry.list().every(({ type }) => type !== 'session' && type !== 'pipeline'),
    'no node is called so',
  );
});

await t.test('an id where a type belongs is told how it is meant', (t) => {
  const [problem] = problemsOf('tone id=a ! null ; a ! null id=b');
  t.equal(problem?.code, 'SLUICE_NODE_UNKNOWN');
  t.equal(problem?.mend, '"a" is a node of this pipeline: go on from it with `a.` in a line, and `from: a` elsewhere.');
  t.end();
});

await t.test('what is wrong is told with line and column', async (t) => {
  for (const [line, code, place, message] of [
    ['tone frequency=300 gain', 'SYNTAX', 'line:1:20', '"gain" is not linked'],
    ['! wav', 'SYNTAX', 'line:1:1', 'nothing stands before "!"'],
    ['tone !', 'SYNTAX', 'line:1:7', 'nothing stands behind the last "!"'],
    ['tone ! ! wav', 'SYNTAX', 'line:1:8', 'nothing stands before "!"'],
    ['db=3 tone', 'SYNTAX', 'line:1:1', 'an option without a node'],
    ['tone ! a. db=3', 'SYNTAX', 'line:1:11', 'a reference takes no options'],
    ['tone ! wav path="x', 'SYNTAX', 'line:1:17', '" is not closed'],
    ['tone ! x list=[1, 2', 'SYNTAX', 'line:1:15', '[ is not closed'],
    ['tone ! x list=[1,,]', 'SYNTAX', 'line:1:15', '"[1,,]" is no value'],
    ['tone ! x path=*a', 'SYNTAX', 'line:1:15', '"*a" is no value'],
    ['tone a=1 a=2 ! null', 'SYNTAX', 'line:1:10', '"a" is given twice'],
    ['tone id=a ; gain id=a', 'SYNTAX', 'line:1:21', 'there are two of the id "a"'],
    ['tone ! nobody.', 'SYNTAX', 'line:1:8', 'there is no node "nobody"'],
    ['tone ! null from=tone', 'SYNTAX', 'line:1:13', '"from" is said by the line itself'],
    ['session ! null', 'SYNTAX', 'line:1:1', '"session" cannot be linked'],
    [
      'recorder id=r path=x.webm ; tone ! r. ; tone ! r.audio',
      'SYNTAX',
      'line:1:48',
      '"r" has links with and without an input',
    ],
    [
      'tone !\n  gain db=99 !\n  null',
      'INVALID',
      'line:2:11: node "gain"',
      'option "db": too big: expected number to be <=24',
    ],
    ['tone ! gain dB=3 ! null', 'INVALID', 'line:1:13: node "gain"', 'unknown option "dB"'],
    ['nobody. ! null', 'SLUICE_LINK_UNKNOWN', 'line:1:1: node "null"', 'there is no node "nobody"'],
    ['toen ! null', 'SLUICE_NODE_UNKNOWN', 'line:1:1: node "toen"', 'there is no node type "toen"'],
    [
      'test-pattern ! gain ! null',
      'SLUICE_LINK_FORMATS',
      'line:1:1: node "gain"',
      '"test-pattern" gives video YUV420P 640 wide 480 high 30 fps, gain takes audio',
    ],
    ['tone', 'SLUICE_OUTPUT_UNREAD', 'line:1:1: node "tone"', 'nothing takes output "out"'],
    ['', 'INVALID', 'line:1:1', 'entry "nodes": too small: a pipeline needs at least one node'],
    ['tone ! wav path=${OUT}', 'INVALID', 'line:1:17: node "wav"', 'environment variable OUT is not set'],
  ] as const) {
    const [problem] = problemsOf(line);
    t.match(problem?.code, code, line);
    t.strictSame([formatPlace(problem?.place), problem?.message], [place, message], line);
    t.ok(problem?.found !== undefined && problem.expected !== undefined && problem.mend !== undefined, line);
  }
});
