import t from 'tap';
import { pipelineFile, startCli } from './cli-lab.js';

/** Somebody speaks, and what is heard of them cannot be written. */
const pipeline = (onError: string): string => `
sessions:
  mouth: { sessionId: demo, name: Speaker }
  ear: { sessionId: demo, name: Listener }
nodes:
  tone: { type: tone, channels: 2 }
  voice: { type: publisher, session: mouth, from: tone }
  heard: { type: subscriber, session: ear, media: audio }
  file: { type: wav, from: heard, path: "/dev/null/{streamId}.wav"${onError} }
`;

await t.test(
  'a branch that fails makes the exit code 1 at the end, unless the pipeline says that it may',
  async (t) => {
    for (const [onError, expected] of [
      ['', 1],
      [', onError: end-branch', 0],
    ] as const) {
      const running = startCli(['run', (await pipelineFile(pipeline(onError))).file], { SLUICE_PORT: '0' });
      await running.wrote('a branch failed');
      running.interrupt();
      const { code, stderr } = await running.result;
      t.equal(code, expected, stderr);
      t.match(stderr, /the branch of "Speaker" \(\S+\) failed: .*p\.yaml:9:3: node "file": .*\[SLUICE_FILE_WRITE\]/);
      t.match(stderr, /stopped after .*; 1 branch, 1 failed/);
    }
  },
);

await t.test('restarts are told at the end, with the last error', async (t) => {
  const { file } = await pipelineFile(`
nodes:
  tone: { type: tone, durationMs: 100, live: false }
  file: { type: wav, from: tone, path: /dev/null/x.wav, onError: { action: restart, maxRestarts: 2, backoffMs: 1 } }
`);
  const { code, stderr } = await startCli(['run', file]).result;
  t.equal(code, 1);
  t.match(stderr, /warn: a node failed and is made anew node=file restart=2 inMs=2\n/);
  t.match(stderr, /file was made anew 2 times: .*:4:3: node "file": cannot write .*\[SLUICE_FILE_WRITE\]/);
});
