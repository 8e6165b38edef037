import t from 'tap';
import { cli, pipelineFile } from './cli-lab.js';

const SECRET = 's3cr3t-planted';

/** Nobody listens on port 9. */
const HERE = `sessions:
  room: { url: "ws://me:${SECRET}@127.0.0.1:9/?access_token=${SECRET}", sessionId: demo, apiKey: key, apiSecret: ${SECRET} }
nodes:
  voices: { type: subscriber, media: audio }
  file: { type: wav, from: voices, path: "out/{streamId}.wav", onError: restart }
`;
const OF_SLUICE = `sessions: { room: {} }
nodes:
  voices: { type: subscriber, media: audio }
  end: { type: "null", from: voices }
`;
const URL_OF_NOBODY = 'ws://127.0.0.1:9/';

const WAYS = [
  ['plan'],
  ['plan', '--json'],
  ['validate'],
  ['validate', '--json'],
  ...['text', 'dot', 'mermaid', 'svg'].map((form) => ['graph', '--format', form]),
  ['run', '--verbose'],
  ['run', '--verbose', '--json'],
];

for (const [where, text, env] of [
  ['in the pipeline', HERE, {}],
  ['in a variable that the pipeline names', HERE.replaceAll(SECRET, '${PLANTED}'), { PLANTED: SECRET }],
  ['in an address of another kind', HERE.replace('ws:', 'ftp:'), {}],
  [
    'in the variables of sluice',
    OF_SLUICE,
    {
      SLUICE_URL: `ws://me:${SECRET}@127.0.0.1:9/`,
      SLUICE_SESSION_ID: 'demo',
      SLUICE_API_KEY: 'key',
      SLUICE_API_SECRET: SECRET,
    },
  ],
  ['in a token', OF_SLUICE, { SLUICE_URL: URL_OF_NOBODY, SLUICE_SESSION_ID: 'demo', SLUICE_TOKEN: `${SECRET}.e30.x` }],
] as const) {
  await t.test(`a secret ${where} is never printed`, async (t) => {
    const good = await pipelineFile(text);
    const bad = await pipelineFile(text.replace('type: subscriber', 'type: subscribr'));
    for (const [command = '', ...flags] of WAYS) {
      for (const { file } of [good, bad]) {
        const { stdout, stderr } = await cli([command, file, ...flags], env);
        t.ok(stdout + stderr, `${command} ${flags.join(' ')} says something`);
        t.notMatch(stdout + stderr, SECRET);
      }
    }
  });
}
