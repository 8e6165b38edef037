import { SILENCE_MS, type AgentTale, type Ear } from './agent-host.js';
import { atMost, type Benchmark, type Report } from './report.js';
import { onStage } from './stage.js';
import { figure, median, quantile } from './statistics.js';
import type { Talked } from './talker.js';

interface Setup {
  readonly title: string;
  readonly agents: number;
  readonly ear: Ear;
  /** Of each participant. */
  readonly turns: number;
}

interface Result extends AgentTale {
  readonly setup: Setup;
  readonly talked: readonly Talked[];
  /** CPU of the process of all agents while they answer, with the programs it waits for left out, in percent of one core. */
  readonly cpuPercent: number;
}

const SETUPS: readonly Setup[] = [
  { title: '1 agent, pocketsphinx', agents: 1, ear: 'pocketsphinx', turns: 25 },
  { title: '1 agent', agents: 1, ear: 'echo', turns: 25 },
  { title: '10 agents in one process', agents: 10, ear: 'echo', turns: 10 },
];
const QUESTION = 'turn on the light';
const ANSWER = 'The light is on.';
const CPU_MS = 20_000;

/** From the last sample of somebody's voice to the first of the agent's, and where the time goes. */
export const voiceAgent: Benchmark = { title: 'Voice to voice: a voice agent', run: measure };

async function measure(): Promise<Report> {
  const results: Result[] = [];
  for (const setup of SETUPS) results.push(await converse(setup));
  const stages = [...new Set(results.flatMap(({ latencies }) => latencies.flatMap((one) => Object.keys(one.stages))))];
  const row = (title: string, values: (result: Result) => readonly number[]): string[] => [
    title,
    ...results.flatMap((result) => [figure(median(values(result))), figure(quantile(values(result), 0.99))]),
  ];
  const framework = (result: Result): number[] => result.latencies.map(({ frameworkMs }) => frameworkMs);
  return {
    conditions: [
      `The pipeline subscriber, vad, stt-exec, voice-agent (rules and espeak-ng), publisher, each agent in a session of its own on the embedded server; participants in another process say "${QUESTION}" (espeak-ng) and wait for "${ANSWER}", again and again. ${SILENCE_MS} ms of silence end a turn.`,
      'Measured by the participants, on samples: from when the last voiced sample was spoken (the end of its frame is when that is written) to when the first voiced one of the answer is heard (the beginning of its chunk is when that comes). The stages are those that the agent itself tells of each answer; they add up to its own figure, which is without the network and the buffers on the way.',
      'Framework: what is left without the engines and without the silence that ends a turn. Where pocketsphinx is not named, a program that gives the same text for everything understands instead of it.',
    ],
    head: ['ms', ...results.flatMap(({ setup }) => [`${setup.title}: p50`, 'p99'])],
    rows: [
      row('voice to voice, on samples', ({ talked }) => talked.flatMap(({ delaysMs }) => delaysMs)),
      row('voice to voice, as the agent tells', ({ latencies }) => latencies.map((one) => one.voiceToVoiceMs)),
      ...stages.map((stage) => row(`- ${stage}`, ({ latencies }) => latencies.map((one) => one.stages[stage] ?? NaN))),
      row('framework', framework),
      ['answers', ...results.flatMap(({ latencies }) => [String(latencies.length), ''])],
      [
        'turns without an answer',
        ...results.flatMap(({ talked }) => [String(sum(talked.map((one) => one.unanswered))), '']),
      ],
      ['CPU of the agents, % of a core', ...results.flatMap(({ cpuPercent }) => [figure(cpuPercent), ''])],
    ],
    goals: results.flatMap((result) => [
      atMost(`framework, median, ${result.setup.title}`, median(framework(result)), 60, 'ms', 1),
      atMost(`framework, p99, ${result.setup.title}`, quantile(framework(result), 0.99), 100, 'ms', 1),
    ]),
    limits: [
      'Loopback: a network adds its own delay, and the jitter buffers of both sides that of its jitter.',
      'Between their turns participants send noise of -69 dB of full scale, in which RNNoise rests; where it is louder than -60 dB it takes some 3 % of a core for each, of the thread that all agents share.',
      'Agents, participants, server and the programs of the engines share the cores of one machine.',
    ],
  };
}

async function converse(setup: Setup): Promise<Result> {
  const { agents, ear, turns } = setup;
  return await onStage('embedded', async (stage) => {
    const sessions = Array.from({ length: agents }, (_, index) => `talk-${index}`);
    const ways = (name: string) => Promise.all(sessions.map((session) => stage.access(session, name)));
    const [host, talkers] = [stage.process(), stage.process()];
    await host.call('hostAgents', { ways: await ways('agent'), ear, question: QUESTION, answer: ANSWER });
    const talking = talkers.call('talk', { ways: await ways('talker'), agent: 'agent', text: QUESTION, turns });
    const { percent } = await host.call('cpu', { ms: CPU_MS });
    const talked = await talking;
    return { setup, talked, cpuPercent: percent, ...(await host.call('agentTale', undefined)) };
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
