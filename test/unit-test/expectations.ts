import { join } from 'node:path';
import { Writable } from 'node:stream';
import t, { type Test } from 'tap';
import { z } from 'zod';
import type { AudioData } from '../../src/media/audio-data.js';
import { defineNode } from '../../src/media/node.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { told, testOf } from './test-lab.js';

/** Half a second of a tone at 440 Hz and -12 dBFS, then half a second at 660 Hz. */
const SOUND = `
inputs:
  voice: { audio: [{ tone: 440, toMs: 500 }, { tone: 660, fromMs: 500, toMs: 1000 }] }
expect:
  nodes:
    end: `;
const SOUND_PIPELINE = `
nodes:
  voice: { type: tone, live: false }
  end: { type: 'null', from: voice }
`;
/** A second of red, then a second of the pattern. */
const PICTURES = `
inputs:
  camera:
    video:
      - { picture: '#c02020', toMs: 1000, fps: 10 }
      - { picture: pattern, fromMs: 1000, toMs: 2000, fps: 10 }
expect:
  nodes:
    end: `;
const PICTURE_PIPELINE = `
nodes:
  camera: { type: test-pattern, width: 320, height: 240, live: false }
  end: { type: 'null', from: camera }
`;

async function same(t: Test, pipeline: string, test: string, expected: readonly string[]): Promise<void> {
  t.strictSame(told(await testOf(t, pipeline, test)), expected, test.split('\n').at(-1) ?? '');
}

async function sounds(t: Test, expectation: string, ...expected: string[]): Promise<void> {
  await same(t, SOUND_PIPELINE, SOUND + expectation, expected);
}

async function looks(t: Test, expectation: string, ...expected: string[]): Promise<void> {
  await same(t, PICTURE_PIPELINE, PICTURES + expectation, expected);
}

t.test('expectations of sound', async (t) => {
  await t.test('a tone is known by its frequency and its level', async (t) => {
    await sounds(t, '{ audio: [{ toMs: 500, tone: 440 }, { fromMs: 500, tone: 660, level: -12, toleranceDb: 0.5 }] }');
    await sounds(
      t,
      '{ audio: [{ toMs: 500, tone: 450 }] }',
      '"end" is not as expected: 450 Hz at silence, heard in 0 of 5 tenths of a second; everything else at -15.0 dBFS instead of 450 Hz, throughout',
    );
    await sounds(
      t,
      '{ audio: [{ toMs: 500, tone: 440, level: -20 }] }',
      '"end" is not as expected: 440 Hz at -12.0 dBFS, heard in 5 of 5 tenths of a second; everything else at silence instead of 440 Hz at -20 dBFS, give or take 3 dB, throughout',
    );
  });

  await t.test('a tone that pauses, or that another one covers, is not there throughout', async (t) => {
    await sounds(
      t,
      '{ audio: [{ tone: 440 }] }',
      '"end" is not as expected: 440 Hz at -15.0 dBFS, heard in 5 of 10 tenths of a second; everything else at -18.0 dBFS instead of 440 Hz, throughout',
    );
    await sounds(
      t,
      '{ audio: [{ fromMs: 500, toMs: 1500, tone: 660 }] }',
      '"end" is not as expected: 660 Hz at -15.0 dBFS, heard in 5 of 10 tenths of a second; everything else at silence instead of 660 Hz, throughout',
    );
    const both = SOUND.replace('tone: 660, fromMs: 500', 'tone: 660').replace(
      'tone: 440, toMs: 500',
      'tone: 440, toMs: 1000',
    );
    await same(t, SOUND_PIPELINE, `${both}{ audio: [{ tone: [440, 660], level: -12 }] }`, []);
    t.notOk((await testOf(t, SOUND_PIPELINE, `${both}{ audio: [{ tone: 440 }] }`)).passed);
  });

  await t.test('silence is what is nowhere louder than it may be', async (t) => {
    await sounds(t, '{ audio: [{ fromMs: 1000, toMs: 2000, silence: true }, { silence: true, level: -15 }] }');
    await sounds(
      t,
      '{ audio: [{ fromMs: 800, toMs: 2000, silence: true }] }',
      '"end" is not as expected: -15.0 dBFS at 800 ms instead of silence: at most -60 dBFS',
    );
  });

  await t.test('a level is that of everything together', async (t) => {
    await sounds(t, '{ audio: [{ level: -15, toleranceDb: 0.5 }] }');
    await sounds(
      t,
      '{ audio: [{ level: -30 }] }',
      '"end" is not as expected: -15.0 dBFS instead of -30 dBFS, give or take 3 dB',
    );
  });

  await t.test('the sound of a file, where it belongs and whatever its level', async (t) => {
    const clip = JSON.stringify(join(PACKAGE_ROOT, 'pipelines', 'media', 'speech.ogg'));
    const quiet = `${SOUND_PIPELINE.replace('from: voice', 'from: soft')}  soft: { type: gain, from: voice, db: -12 }\n`;
    const said = `inputs: { voice: { audio: [{ file: ${clip}, fromMs: 500 }] } }\nexpect: { nodes: { end: { audio: `;
    await same(t, quiet, `${said}[{ like: ${clip}, startMs: 500, withinMs: 5, correlation: 0.99 }] } } }`, []);
    await same(t, quiet, `${said}[{ like: ${clip}, startMs: 500, fromMs: 3000, toMs: 5000, withinMs: 5 }] } } }`, []);
    for (const other of [`${clip}, startMs: 900`, `${clip}, startMs: 0, withinMs: 300`]) {
      t.match(told(await testOf(t, quiet, `${said}[{ like: ${other} }] } } }`)), [
        /^"end" is not as expected: a correlation of 0\.[0-5]\d, .* ms late at best instead of at least 0\.8 with /,
      ]);
    }
    const tone = said.replace(`file: ${clip}, fromMs: 500`, 'tone: 440, toMs: 5000');
    t.match(told(await testOf(t, quiet, `${tone}[{ like: ${clip} }] } } }`)), [/a correlation of 0\.[0-2]\d/]);
  });

  await t.test('how many chunks, and how long', async (t) => {
    await sounds(t, '{ count: 50, durationMs: { min: 1000, max: 1000 } }');
    await sounds(
      t,
      '{ count: { min: 51 }, durationMs: 900 }',
      '"end" is not as expected: 50 instead of at least 51',
      '"end" is not as expected: 1000 instead of 900',
    );
  });
});

t.test('expectations of pictures', async (t) => {
  await t.test('a colour, in all of it or in a part', async (t) => {
    await looks(
      t,
      '{ video: [{ toMs: 1000, colour: "#c02020" }, { toMs: 1000, colour: "#b82828", toleranceColour: 10 }] }',
    );
    await looks(
      t,
      '{ video: [{ toMs: 1000, colour: "#2020c0" }] }',
      '"end" is not as expected: #c02120 at 0 ms instead of #2020c0',
    );
    const marker = 'area: { x: 0.01, y: 0.01, width: 0.06, height: 0.1 }';
    await looks(t, `{ video: [{ fromMs: 1000, ${marker}, colour: "#ffffff" }] }`);
    await looks(
      t,
      `{ video: [{ fromMs: 1000, ${marker}, colour: "#000000" }] }`,
      '"end" is not as expected: #ffffff at 1000 ms instead of #000000',
    );
  });

  await t.test('the numbers of the pattern', async (t) => {
    await looks(t, '{ video: [{ fromMs: 1000, pattern: { from: 0, to: 9, present: 1 } }] }');
    await looks(
      t,
      '{ video: [{ fromMs: 1000, pattern: { from: 0, to: 20 } }] }',
      '"end" is not as expected: pictures 0 to 9, 100 % of them instead of 0 to 20, at least 90 % of them',
    );
    await looks(
      t,
      '{ video: [{ toMs: 1000, pattern: {} }] }',
      '"end" is not as expected: no numbers in 10 pictures instead of the numbered pattern',
    );
    const twice = PICTURES.replace("'#c02020'", 'pattern');
    t.match(told(await testOf(t, PICTURE_PIPELINE, `${twice}{ video: [{ pattern: {} }] }`)), [
      '"end" is not as expected: 0 after 9 instead of numbers that grow',
    ]);
  });

  await t.test('their number and size', async (t) => {
    await looks(t, '{ video: [{ count: 20, width: 320, height: 240 }] }');
    await looks(t, '{ video: [{ count: { max: 19 } }] }', '"end" is not as expected: 20 instead of at most 19');
    await looks(t, '{ video: [{ fromMs: 3000 }] }', '"end" is not as expected: 0 instead of at least 1');
    await looks(t, '{ video: [{ width: 640 }] }', '"end" is not as expected: 320x240 at 0 ms instead of 640x240');
  });
});

const ROOM = 'sessions: { room: { sessionId: demo, name: Bot } }\n';

t.test('expectations of how it went', async (t) => {
  const beep = "nodes:\n  beep: { type: tone, durationMs: 200 }\n  end: { type: 'null', from: beep }";

  await t.test('the outcome, and that it ends at all', async (t) => {
    await same(t, beep, 'expect: { outcome: ended }', []);
    await same(t, beep, 'stopMs: 100\nexpect: { outcome: stopped, nodes: { end: { durationMs: 100 } } }', []);
    await same(t, beep, 'expect: { outcome: stopped }', ['the run ended otherwise: ended instead of stopped']);
    await same(t, beep.replace(', durationMs: 200', ''), 'limitMs: 1000\nexpect: {}', [
      'the pipeline did not end: still running after 1000 ms instead of an end; give `stopMs` where it has none of its own',
    ]);
  });

  await t.test('errors, of planning and of running', async (t) => {
    const file = "nodes:\n  clip: { type: file, path: '${CLIP}' }\n  end: { type: 'null', from: clip.audio }";
    const unset = 'environment variable CLIP is not set [SLUICE_CONFIG_INVALID]';
    await same(t, file, 'expect: { error: { code: SLUICE_CONFIG_INVALID, node: clip } }', []);
    await same(t, file, 'expect: {}', [unset]);
    const missing = 'environment: { CLIP: no.wav }\nexpect: ';
    await same(t, file, `${missing}{ outcome: failed, error: { code: SLUICE_FILE_NOT_FOUND, node: clip } }`, []);
    await same(t, file, `${missing}{ outcome: failed }`, []);
    t.match(told(await testOf(t, file, `${missing}{ error: { code: SLUICE_FILE_UNDECODABLE } }`)), [
      /^it failed otherwise: SLUICE_FILE_NOT_FOUND of node "clip": .* instead of SLUICE_FILE_UNDECODABLE$/,
    ]);
    t.match(told(await testOf(t, file, `${missing}{}`)), [/no\.wav does not exist.* \[SLUICE_FILE_NOT_FOUND\]$/]);
    await same(t, beep, 'expect: { error: { code: SLUICE_CODEC_FAILED } }', [
      'it did not fail: no error instead of SLUICE_CODEC_FAILED',
    ]);
  });

  await t.test('a session that is lost', async (t) => {
    const echo = `${ROOM}nodes:\n  all: { type: session-audio }\n  end: { type: 'null', from: all }`;
    const lost = 'sessions: { room: { lostMs: 500 } }\nexpect: { error: { code: SLUICE_SESSION_LOST } }';
    const result = await testOf(t, echo, lost);
    t.strictSame([told(result), result.ranMs], [[], 500]);
  });

  await t.test('branches, drops and what they were', async (t) => {
    const each = `${ROOM}nodes:\n  voices: { type: subscriber, media: audio }\n  end: { type: 'null', from: voices }`;
    const people = `sessions:
  room:
    participants:
      ann: { audio: [{ tone: 440 }], leaveMs: 1000 }
      bob: { audio: [{ tone: 660 }], joinMs: 500, leaveMs: 1000 }
stopMs: 2000
expect: `;
    await same(t, each, `${people}{ branches: 2, drops: 0 }`, []);
    await same(t, each, `${people}{ branches: { max: 1 } }`, ['the run had other branches: 2 instead of at most 1']);
    await same(
      t,
      each,
      `${people}\n  nodes:\n    end@ann: { audio: [{ fromMs: 100, toMs: 900, tone: 440 }] }\n    end@bob: { audio: [{ fromMs: 600, toMs: 900, tone: 660 }] }`,
      [],
    );
    const late = `${ROOM}nodes:
  who: { type: subscriber, streams: ann, encoded: true }
  file: { type: recorder, from: [who.audio, who.video], path: out/a.webm, waitMs: 500 }`;
    const lateCamera = `sessions:
  room:
    participants:
      ann: { audio: [{ tone: 440 }], video: [{ picture: pattern, fromMs: 1000, toMs: 2000, fps: 10 }] }
stopMs: 2500
expect: `;
    const lost = 'video that the file has no track for';
    await same(t, late, `${lateCamera}{ drops: 10, files: { out/a.webm: { tracks: [audio] } } }`, []);
    await same(t, each, `${people}{ drops: 3 }`, ['the run had other drops: none instead of 3']);
    await same(t, late, `${lateCamera}{ drops: 0 }`, [`the run had other drops: 10 in file (${lost}) instead of 0`]);
  });
});

t.test('expectations of sessions', async (t) => {
  const bot = `${ROOM}nodes:\n  beep: { type: tone, durationMs: 1000 }\n  bot: { type: publisher, from: beep }`;

  await t.test('what is published is heard at its time in the test', async (t) => {
    await same(
      t,
      bot,
      'expect: { sessions: { room: { published: { Bot: { audio: [{ fromMs: 100, toMs: 900, tone: 440 }, { fromMs: 1100, toMs: 2000, silence: true }] } } } } }',
      [],
    );
    await same(t, bot, 'expect: { sessions: { room: { published: { Bob: { count: 50 } } } } }', [
      'nothing was published as "Bob": "Bot" instead of "Bob"',
    ]);
  });

  await t.test('who is muted sends nothing, and is not told as the one who speaks', async (t) => {
    const follow = `${ROOM}nodes:
  who: { type: subscriber, streams: speaker, media: audio, channels: 1 }
  all: { type: session-audio }
  end: { type: 'null', from: who }
  mix: { type: 'null', from: all }`;
    const test = `sessions:
  room:
    participants:
      ann: { audio: [{ tone: 440, level: -6 }], muted: [{ media: audio, fromMs: 1000, toMs: 2000 }] }
      bob: { audio: [{ tone: 660, level: -12 }] }
stopMs: 3000
expect:
  nodes:
    end: { audio: [{ fromMs: 100, toMs: 900, tone: 440 }, { fromMs: 1100, toMs: 1900, tone: 660 }, { fromMs: 2200, tone: 440 }] }
    mix: { audio: [{ fromMs: 100, toMs: 900, tone: [440, 660] }, { fromMs: 1100, toMs: 1900, tone: 660, level: -12 }] }
`;
    await same(t, follow, test, []);
  });

  await t.test('a stream is muted at the times that are told, and at no others', async (t) => {
    const back = `${ROOM}nodes:
  voices: { type: subscriber, streams: each, media: audio }
  bot: { type: publisher, name: '{name}', muteWithSource: true, from: voices }`;
    const test = (muted: string): string => `sessions:
  room:
    participants:
      ann: { audio: [{ tone: 440 }], muted: [{ media: audio, fromMs: 1000, toMs: 2000 }, { media: audio, fromMs: 2500 }] }
stopMs: 3000
expect: { sessions: { room: { published: { ann: { muted: ${muted} } } } } }`;
    await same(t, back, test('[{ media: audio, fromMs: 2500 }, { media: audio, fromMs: 1000, toMs: 2000 }]'), []);
    const found = '"ann" was muted at other times: audio from 1000 to 2000, audio from 2500 instead of';
    await same(t, back, test('[]'), [`${found} never muted`]);
    await same(t, back, test('[{ media: audio, fromMs: 1000, toMs: 2000 }, { media: audio, fromMs: 2600 }]'), [
      `${found} audio from 1000 to 2000, audio from 2600`,
    ]);
    await same(t, back, test('[{ media: video, fromMs: 1000, toMs: 2000 }, { media: audio, fromMs: 2500 }]'), [
      `${found} audio from 2500, video from 1000 to 2000`,
    ]);
  });

  await t.test('attributes have the values that were given to them, in their order', async (t) => {
    const states = defineNode({
      type: 'states',
      summary: 'Tells its state.',
      options: z.strictObject({ session: z.string().describe('The session.') }),
      inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
      outputs: [],
      example: '',
      create: ({ session }, context) =>
        new Writable({
          objectMode: true,
          write: (value: AudioData, _encoding, done) => {
            const state = value.timestamp < 500_000 ? 'thinking' : 'speaking';
            context
              .session(session)
              .setAttributes({ state })
              .then(() => done(), done);
          },
        }),
    });
    const pipeline = `${ROOM}nodes:\n  beep: { type: tone, durationMs: 1000 }\n  agent: { type: states, from: beep }`;
    const found = async (attributes: string): Promise<string[]> =>
      told(await testOf(t, pipeline, `expect: { sessions: { room: { attributes: ${attributes} } } }`, [states]));
    t.strictSame(await found('{ state: [thinking, speaking] }'), []);
    t.strictSame(await found('{ state: [speaking, thinking], mood: [good] }'), [
      '"state" had other values: thinking, speaking instead of speaking, thinking',
      '"mood" had other values: none instead of good',
    ]);
  });

  await t.test('captions pass from those who send them to those who publish them', async (t) => {
    const relay = `sessions:
  here: { sessionId: here }
  there: { sessionId: there, name: Relay }
nodes:
  who: { type: subscriber, session: here, streams: ann, captions: true, encoded: true, media: audio }
  relay: { type: publisher, session: there, captions: true, from: { audio: who.audio, captions: who.captions } }`;
    const test = `sessions:
  here:
    participants:
      ann:
        audio: [{ tone: 440 }]
        captions: [{ atMs: 500, text: Goo, isFinal: false }, { atMs: 600, text: Good. }, { atMs: 700, text: Bye. }]
stopMs: 1000
expect:
  sessions:
    there:
      published:
        Relay:
          audio: [{ fromMs: 100, toMs: 900, tone: 440, level: -12 }]
          captions: `;
    await same(t, relay, `${test}[Good., Bye.]`, []);
    await same(t, relay, `${test}[Good.]`, ['"Relay" is not as expected: ["Good.","Bye."] instead of ["Good."]']);
  });
});
