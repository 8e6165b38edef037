import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { graph, runGraph, type GraphRun } from 'sluice';
import type { ConversationTurn, VoiceLatency } from '../src/media/conversation-turn.js';
import type { JoinOptions } from './client.js';

/** What understands: pocketsphinx, or a program that gives the same text for everything, which costs almost nothing. */
export type Ear = 'pocketsphinx' | 'echo';

export interface Hosting {
  readonly ways: readonly JoinOptions[];
  readonly ear: Ear;
  /** What is said, and what is answered to it. */
  readonly question: string;
  readonly answer: string;
}

/** What the agents tell of their answers. */
export interface AgentTale {
  readonly latencies: readonly VoiceLatency[];
}

/** Silence after which nobody speaks any more, in ms: the whole of what ends a turn. */
export const SILENCE_MS = 500;

let folder: string;
const runs: GraphRun[] = [];

/** Runs one voice agent for each way into a session, all of them in this process. */
export async function hostAgents({ ways, ear, question, answer }: Hosting): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const grammar = join(folder, 'said.gram');
  await writeFile(grammar, `#JSGF V1.0;\ngrammar said;\npublic <said> = ${question};\n`);
  for (const [index, way] of ways.entries()) {
    const agent = graph({
      sessions: { room: { ...way } },
      nodes: {
        voices: { type: 'subscriber', media: 'audio', streams: 'each' },
        speech: { type: 'vad', from: 'voices', minSilenceMs: 200 },
        text: {
          type: 'stt-exec',
          from: ['voices', 'speech'],
          ...(ear === 'pocketsphinx' ? { preset: ear, grammar } : { command: ['/bin/echo', question] }),
        },
        agent: {
          type: 'voice-agent',
          from: ['speech', 'text'],
          llm: { type: 'rules', rules: [{ when: question, answer }] },
          tts: { type: 'tts-exec', preset: 'espeak-ng', voice: 'en-us' },
          minSilenceMs: SILENCE_MS,
        },
        voice: { type: 'publisher', from: 'agent.audio' },
        turns: { type: 'jsonl', from: 'agent.turns', path: join(folder, `${index}.jsonl`) },
      },
    });
    runs.push(await runGraph(agent));
  }
}

/** What they have answered so far. They are ended. */
export async function agentTale(): Promise<AgentTale> {
  await Promise.all(runs.map((run) => run.stop()));
  const latencies: VoiceLatency[] = [];
  for (let index = 0; index < runs.length; index++) {
    const path = join(folder, `${index}.jsonl`);
    const lines = existsSync(path) ? (await readFile(path, 'utf8')).trim().split('\n') : [];
    for (const line of lines) {
      const { latency } = JSON.parse(line) as ConversationTurn;
      if (latency) latencies.push(latency);
    }
  }
  await rm(folder, { recursive: true });
  return { latencies };
}
