import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { testPipeline } from '../../src/index.js';
import { cli } from '../cli/cli-lab.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { testOf, testsOf, told } from './test-lab.js';

const BEEP = "nodes:\n  beep: { type: tone, durationMs: 200, live: false }\n  end: { type: 'null', from: beep }\n";

t.test('files of tests', async (t) => {
  await t.test('what is wrong in one is told with its place, and no test is run', async (t) => {
    const tests = `tests:
  one:
    stopms: 100
    sessions: { room: { participants: { ann: { audio: [{ tone: 5 }, {}], leaveMs: soon } } } }
    expect: { nodes: { end: { audio: [{ fromMs: 0 }] } } }
`;
    const { problems, tests: run } = await testsOf(t, BEEP, tests);
    t.strictSame(run, []);
    const facts = problems.map(({ place, message, mend }) => [place?.line, message, mend]);
    t.match(facts, [
      [4, /leaveMs": expected a number, not a text/, /test-schema/],
      [4, /participants\.ann\.audio\.0\.tone": too small/, /test-schema/],
      [4, /audio\.1": expected either a tone or a file/, /test-schema/],
      [5, /expected one of tone, silence and like, or a level/, /test-schema/],
      [3, 'unknown entry "tests.one.stopms"', 'Did you mean "stopMs"?'],
    ]);
    t.ok(problems.every(({ code, place }) => code === 'SLUICE_CONFIG_INVALID' && place?.file?.endsWith('p.test.yaml')));
  });

  await t.test('a test that would be stopped after its limit is refused', async (t) => {
    const { problems, tests } = await testsOf(t, BEEP, 'tests:\n  one:\n    stopMs: 3600000\n    expect: {}\n');
    t.match(problems, [
      {
        code: 'SLUICE_CONFIG_INVALID',
        message: 'entry "tests.one.stopMs": expected a time before `limitMs`, which is 600000 when left out',
        found: '3600000',
        place: { line: 3 },
      },
    ]);
    t.equal(problems.length, 1);
    t.strictSame(tests, []);
  });

  await t.test('a pipeline that was given instead is told as what it is', async (t) => {
    await testsOf(t, BEEP, 'tests: { one: { expect: {} } }\n');
    const { problems, tests } = await testPipeline(join(t.testdirName, 'p.yaml'));
    t.match(problems, [
      {
        code: 'SLUICE_CONFIG_INVALID',
        message: 'p.yaml is a pipeline, not a file of tests',
        mend: /^Its tests are in p\.test\.yaml,/,
      },
    ]);
    t.equal(problems.length, 1);
    t.strictSame(tests, []);
  });

  await t.test('what the pipeline does not have is told, with what is near', async (t) => {
    const test = `inputs: { beeb: { audio: [] } }
sessions: { room: {} }
expect: { nodes: { ende: { count: 1 } } }`;
    const { failures } = await testOf(t, BEEP, test);
    t.strictSame(
      failures.map(({ message, mend, place }) => [message, mend, place?.line]),
      [
        ['the pipeline has no session "room"', 'See `sluice plan` for what there is.', 4],
        ['the pipeline has no source "beeb"', 'Did you mean "beep"?', 3],
        ['the pipeline has no node "ende"', 'Did you mean "end"?', 5],
      ],
    );
  });

  await t.test('a pipeline that is not there fails the test', async (t) => {
    const { tests } = await testsOf(t, BEEP, 'pipeline: other.yaml\ntests: { one: { expect: {} } }\n');
    t.match(told(tests[0]!), [/cannot read .*other\.yaml \[SLUICE_FILE_NOT_FOUND\]$/]);
    await t.rejects(testPipeline(join(t.testdirName, 'no.test.yaml')), { code: 'SLUICE_FILE_NOT_FOUND' });
  });

  await t.test('nothing of the environment is seen but what they give', async (t) => {
    t.teardown(() => delete process.env['HZ']);
    process.env['HZ'] = '660';
    const pipeline = BEEP.replace('type: tone', "type: tone, frequency: '${HZ:-440}'");
    const tests = `environment: { HZ: '880' }
tests:
  of all: { expect: { nodes: { end: { audio: [{ tone: 880 }] } } } }
  of its own: { environment: { HZ: '' }, expect: { nodes: { end: { audio: [{ tone: 440 }] } } } }
`;
    const result = await testsOf(t, pipeline, tests);
    t.strictSame(result.tests.map(told), [[], []]);
  });

  await t.test('nodes can have other options than in the pipeline', async (t) => {
    const changed = 'nodes: { beep: { frequency: 660, durationMs: 400 } }\nexpect: ';
    t.strictSame(
      told(await testOf(t, BEEP, `${changed}{ nodes: { end: { count: 20, audio: [{ tone: 660 }] } } }`)),
      [],
    );
    const endless = 'nodes: { beep: { durationMs: null } }\nlimitMs: 100\nexpect: {}';
    t.match(told(await testOf(t, BEEP.replace('false', 'true'), endless)), [/^the pipeline did not end/]);
    t.match(told(await testOf(t, BEEP, 'nodes: { boop: { level: 1 } }\nexpect: {}')), [/has no node "boop"/]);
    t.match(told(await testOf(t, BEEP, 'nodes: { beep: { level: 1 } }\nexpect: {}')), [/option "level": too big/]);
  });

  await t.test('texts can be given, and looked for in files', async (t) => {
    const copy = 'nodes:\n  lines: { type: text-lines }\n  file: { type: jsonl, from: lines, path: out/lines.jsonl }\n';
    const give = 'inputs: { lines: { texts: [one, two] } }\nexpect: ';
    t.strictSame(told(await testOf(t, copy, `${give}{ files: { out/lines.jsonl: { contains: [one, two] } } }`)), []);
    t.match(told(await testOf(t, copy, `${give}{ files: { out/lines.jsonl: { contains: [two, one] } } }`)), [
      /^the file lacks a text: .* instead of "one"$/,
    ]);
  });

  await t.test('files are written where nothing else is, and gone afterwards', async (t) => {
    const pipeline = BEEP.replace("type: 'null'", 'type: wav, path: ../out/beep.wav');
    const files =
      'expect: { files: { ../out/beep.wav: { audio: [{ tone: 440 }], durationMs: 200, tracks: [audio] } } }';
    t.strictSame(told(await testOf(t, pipeline, files)), []);
    t.notOk(existsSync(join(t.testdirName, '..', 'out')));
    t.strictSame(told(await testOf(t, pipeline, 'expect: { files: { ../out/beep.wav: { exists: false } } }')), [
      '"../out/beep.wav" is not as expected: a file instead of no file',
    ]);
    t.strictSame(told(await testOf(t, pipeline, 'expect: { files: { out/other.wav: {} } }')), [
      '"out/other.wav" is not as expected: no file instead of a file',
    ]);
    const tracks = files.replace('[audio] }', '[audio, video] }');
    t.strictSame(told(await testOf(t, pipeline, tracks)), [
      'the file holds other tracks: audio instead of audio, video',
    ]);
  });
});

t.test('sluice test', async (t) => {
  const good = `tests:\n  one: { expect: { nodes: { end: { count: 10 } } } }\n  two & "more": { expect: { nodes: { end: { count: 11 } } } }\n`;
  const folder = t.testdir({ 'p.yaml': BEEP, 'p.test.yaml': good, 'bad.test.yaml': 'tests: {}\n', empty: {} });
  const file = join(folder, 'p.test.yaml');

  await t.test('prints TAP, with what was found and expected and where', async (t) => {
    const { code, stdout } = await cli(['test', file]);
    t.equal(code, 1);
    t.equal(
      stdout,
      `TAP version 14
ok 1 - ${file}: one
not ok 2 - ${file}: two & "more"
  ---
  ranMs: 0
  failures:
    - code: "SLUICE_TEST_FAILED"
      message: "\\"end\\" is not as expected"
      place: {"file":"${file}","line":3,"column":52}
      found: "10"
      expected: "11"
  ...
1..2
`,
    );
  });

  await t.test('runs one test by its name', async (t) => {
    t.match(await cli(['test', file, '--only', 'one']), {
      code: 0,
      stdout: /^TAP version 14\nok 1 - .*one\n1\.\.1\n$/,
    });
    t.match(await cli(['test', file, '--only', 'three']), { code: 2, stderr: /there is no test "three"/ });
  });

  await t.test('writes a JUnit report', async (t) => {
    const report = join(folder, 'out', 'junit.xml');
    await cli(['test', file, '--junit', report]);
    const xml = readFileSync(report, 'utf8');
    t.match(xml, `<testsuite name="${file}" tests="2" failures="1" errors="0" skipped="0">`);
    t.match(xml, `<testcase classname="${file}" name="one" time="0.000"/>`);
    t.match(xml, 'name="two &amp; &quot;more&quot;"');
    t.match(xml, /<failure type="SLUICE_TEST_FAILED" message="[^"]*">[^<]*found: 10\n {2}expected: 11<\/failure>/);
  });

  await t.test('gives everything as JSON', async (t) => {
    const { code, stdout } = await cli(['test', file, '--json']);
    t.equal(code, 1);
    t.match(JSON.parse(stdout), {
      files: [
        {
          file,
          problems: [],
          tests: [
            { name: 'one', passed: true, failures: [] },
            {
              name: 'two & "more"',
              passed: false,
              failures: [{ code: 'SLUICE_TEST_FAILED', found: '10', expected: '11' }],
            },
          ],
        },
      ],
    });
  });

  await t.test('takes folders, and says what cannot be read', async (t) => {
    const { code, stdout } = await cli(['test', folder]);
    t.equal(code, 78, 'a file of tests is wrong');
    t.match(stdout, /^not ok 1 - .*bad\.test\.yaml: can be read$/m);
    t.match(stdout, /^ok 2 - .*p\.test\.yaml: one$/m);
    t.match(await cli(['test', join(folder, 'empty')]), { code: 2, stderr: /there are no tests here/ });
    t.match(await cli(['test', join(folder, 'nowhere')]), { code: 78, stderr: /SLUICE_FILE_NOT_FOUND/ });
  });

  await t.test('fails when a pipeline that comes with sluice breaks', async (t) => {
    const shipped = join(PACKAGE_ROOT, 'pipelines');
    const echo = readFileSync(join(shipped, 'echo.yaml'), 'utf8');
    const broken: readonly (readonly [string, string])[] = [
      ['from: [voices, face]', 'from: [quiet, face] }\n  quiet: { type: gain, from: voices, db: -20'],
      ['name: Echo, video: true, from: [voices, face]', 'name: Echo, from: voices'],
      ['streams: speaker', 'streams: nobody'],
    ];
    const place = t.testdir({ 'echo.test.yaml': readFileSync(join(shipped, 'echo.test.yaml'), 'utf8') });
    for (const [from, to] of broken) {
      t.ok(echo.includes(from));
      writeFileSync(join(place, 'echo.yaml'), echo.replace(from, to));
      const { tests } = await testPipeline(join(place, 'echo.test.yaml'));
      const failures = tests.flatMap((test) => test.failures);
      t.not(failures.length, 0, to);
      t.ok(failures.every(({ place: where }) => where?.line !== undefined));
    }
  });
});
