/* The bridge as a pipeline, in a process of its own; with the server in it, or apart. */
import { graph, runGraph, startServer } from '../src/index.js';
import { answerCalls } from './child.js';
import { cpuPercent } from './usage.js';

const calls = {
  /** Starts a server in this process; its address. */
  async serve(): Promise<string> {
    return (await startServer({ port: 0, logLevel: 'error' })).url;
  },
  async start({ url, application }: BridgeSettings): Promise<void> {
    await runGraph(bridgeTo(url, application));
  },
  cpu: ({ ms }: { ms: number }): Promise<number> => cpuPercent(ms),
};

export type BridgeCalls = typeof calls;

interface BridgeSettings {
  readonly url: string;
  /** What Opus favours. Janus has it favour speech. */
  readonly application: 'voip' | 'audio';
}

/** Everyone is given a mix of all others, at the bitrate and complexity that Janus has by itself. */
function bridgeTo(url: string, application: BridgeSettings['application']): ReturnType<typeof graph> {
  return graph({
    sessions: { room: { url, sessionId: 'bridge', name: 'Bridge' } },
    nodes: {
      voices: { type: 'subscriber', session: 'room', media: 'audio', streams: 'each' },
      mix: { type: 'mixer', from: 'voices', channels: 1 },
      opus: { type: 'opus-encoder', from: 'mix.others', application, complexity: 4, bitrate: 51_000 },
      back: { type: 'publisher', session: 'room', from: 'opus', name: 'mix {name}' },
    },
  });
}

answerCalls(calls);
