import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { audioData, connect, type Publisher, type Session } from '../../src/index.js';
import { SPOKEN_RATE, spoken } from '../speech/spoken.js';
import { requireSystem } from '../support/require.js';
import { copyPipelines, startCli } from './process-lab.js';

const ROUNDS = 9;
/** By then everything that is kept has been made. */
const WARM_UP = 3;
const FORMAT = { sampleRate: SPOKEN_RATE, numberOfChannels: 1 } as const;

await t.test(
  'callers of voice-agent.yaml who hang up in the middle of a word, of a thought and of an answer leave nothing behind',
  { timeout: 200_000 },
  async (t) => {
    if (!requireSystem(t, 'espeak-ng') || !requireSystem(t, 'pocketsphinx_continuous')) return;
    if (!existsSync('/proc/self/task')) {
      t.pass('what a process has is looked up in /proc, which is not here', { skip: true });
      return;
    }
    const folder = t.testdir({});
    copyPipelines(folder);
    const agent = startCli(t, ['run', 'pipelines/voice-agent.yaml'], { cwd: folder });
    const url = `ws://${await agent.wrote(/Open http:\/\/(127\.0\.0\.1:\d+)\//)}`;
    const words = await spoken('turn on the light');
    const half = words.subarray(0, words.length >> 1);
    let kept = holdings(agent.pid);
    for (let round = 0; round < ROUNDS; round++) {
      const session = await connect({ url, sessionId: 'demo', name: `Caller ${round}` });
      const publisher = await session.publish({ hasVideo: false, audioFormat: FORMAT });
      const answer = answerTo(session);
      await say(publisher, round % 3 === 0 ? half : words);
      if (round % 3 === 2) await answer;
      await session.disconnect();
      while (programs(agent.pid) > 0) await wait(20);
      if (round === WARM_UP) kept = holdings(agent.pid);
    }
    const { files, threads } = holdings(agent.pid);
    t.ok(files <= kept.files + 3, `${files} files and sockets, ${kept.files} after ${WARM_UP} callers`);
    t.ok(threads <= kept.threads + 1, `${threads} threads, ${kept.threads} after ${WARM_UP} callers`);
    agent.kill('SIGTERM');
    const { code, stderr } = await agent.ended;
    t.equal(code, 0, stderr);
    t.match(readFileSync(join(folder, 'out/conversation.jsonl'), 'utf8'), /turn on the light/);
  },
);

/** Settles when the agent has begun to say something. */
async function answerTo(session: Session): Promise<void> {
  for (;;) {
    for (const stream of session.streams.values()) {
      if (stream.connection.name !== 'Agent') continue;
      const { captions } = await session.subscribe(stream, { subscribeToAudio: false, subscribeToCaptions: true });
      await once(captions, 'data');
      captions.resume();
      return;
    }
    await once(session, 'streamReceived');
  }
}

/** Settles when all of it has been sent. The stream goes on, silent: who ends it is taken for gone. */
async function say(publisher: Publisher, samples: Int16Array): Promise<void> {
  publisher.write(audioData(samples, FORMAT.sampleRate, 1, 0));
  await once(publisher, 'mediaBufferDrained');
}

/** Files and sockets that a process has open, and its threads. */
function holdings(pid: number): { readonly files: number; readonly threads: number } {
  return { files: readdirSync(`/proc/${pid}/fd`).length, threads: readdirSync(`/proc/${pid}/task`).length };
}

/** How many programs run that a process has started. */
function programs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim();
    return sum + (children === '' ? 0 : children.split(' ').length);
  }, 0);
}
