import { z } from 'zod';
import { SAMPLE_RATES } from '../media/audio-data.js';
import { audioOptions } from '../media/format.js';
import { defineNode, type NodeContext } from '../media/node.js';
import { pathFrom } from '../media/path-template.js';
import { AgentPorts } from '../speech/agent/agent-ports.js';
import { Agent, type AgentState } from '../speech/agent/agent.js';
import { type EndOfTurnModel, wordsEndOfTurn } from '../speech/dialogue/end-of-turn.js';
import { loadEndOfTurn } from '../speech/dialogue/end-of-turn-module.js';
import { BACKCHANNELS } from '../speech/dialogue/interruptions.js';
import { chosenLlm, llmChoice, llmNeeds } from '../speech/llm/index.js';
import { chosenTts, ttsChoice, ttsNeeds } from '../speech/tts/index.js';

/** Attribute of a participant that tells what an agent does, as LiveKit's agents and clients have it. */
const STATE_ATTRIBUTE = 'lk.agent.state';

const Options = z.strictObject({
  session: z
    .string()
    .min(1)
    .optional()
    .describe(
      `Id of the session whose participants are told what the agent does (attribute \`${STATE_ATTRIBUTE}\`: listening, thinking, speaking); nobody is when left out.`,
    ),
  llm: llmChoice.describe('Who thinks: the name of a language model as `type`, and its options.'),
  tts: ttsChoice.describe('Who speaks: the name of a text-to-speech node as `type`, and the options of its engine.'),
  fallbackTts: ttsChoice
    .optional()
    .describe('Who speaks where `tts` has failed; that is tried once more when left out.'),
  fallbackText: z
    .string()
    .default('I am sorry, something went wrong.')
    .describe('Said when an engine fails in the middle of an answer; nothing when empty.'),
  instructions: z.string().default('').describe('What the language model is told first, about itself and what to do.'),
  greeting: z.string().default('').describe('Said when the first participant is heard.'),
  maxMessages: z
    .int()
    .min(2)
    .max(1000)
    .default(40)
    .describe('Messages of the conversation that the language model gets, beside the instructions: the last ones.'),
  endpointing: z
    .enum(['fixed', 'habit'])
    .default('habit')
    .describe(
      'The silence that ends a turn: always the same, or longer for who pauses for longer inside of their sentences.',
    ),
  minSilenceMs: z.number().min(0).max(10_000).default(500).describe('No shorter silence ends a turn, in ms.'),
  maxSilenceMs: z
    .number()
    .min(0)
    .max(60_000)
    .default(3000)
    .describe('A longer silence ends a turn whatever was said, in ms.'),
  endOfTurn: z
    .union([
      z.enum(['words', 'none']),
      z.strictObject({
        module: z.string().min(1).describe('Module that exports a model, relative to the pipeline file.'),
      }),
    ])
    .default('words')
    .describe(
      'Who judges whether a sentence is over: `words`, by its last word or mark; `none`, the silence alone counts; `{ module: model.js }`, an object that a module of yours exports, whose function `likelihood({ participant, text })` gives, at once or as a promise, how likely it is over, 0 to 1.',
    ),
  transcriptMs: z
    .number()
    .min(0)
    .max(60_000)
    .default(3000)
    .describe('Words of what was said are waited for so long after it, in ms; without any it was a noise.'),
  minInterruptionMs: z
    .number()
    .min(0)
    .max(10_000)
    .default(500)
    .describe(
      'The agent goes silent when somebody has spoken for so long, in ms. The silence counts after which a voice is known to have ended.',
    ),
  minInterruptionWords: z
    .int()
    .min(0)
    .max(20)
    .default(0)
    .describe('Fewer words do not interrupt; with 0 a voice makes the agent go silent before its words are known.'),
  falseInterruptionMs: z
    .number()
    .min(0)
    .max(60_000)
    .default(2000)
    .describe('The agent goes on when no words come of a voice that has ended, after so long, in ms.'),
  backchannels: z
    .array(z.string())
    .default([...BACKCHANNELS])
    .describe('Words that say nothing but that one listens: they neither interrupt nor are a turn.'),
  aheadMs: z
    .number()
    .min(20)
    .max(2000)
    .default(200)
    .describe('Sound is given to the publisher so long before it is heard, in ms; less than that may wait there.'),
  sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Samples per second that come out, in Hz.'),
  channels: z.literal([1, 2]).default(1).describe('Channels that come out: 1 for mono, 2 for stereo.'),
});
type VoiceAgentOptions = z.output<typeof Options>;

/**
 * Takes part in a conversation: answers those whose words and voice activity come in, and goes silent when they speak. Noises and words
 * that only show that somebody listens do not stop it; after a noise it goes on with the next sample. Of an answer that was interrupted
 * the conversation keeps the words whose sound has left the publisher that it is linked to; where something lies between, that goes by the
 * clock. With `audio` linked, its own voice out of somebody's loudspeaker is known as such. `captions` are its words as they are heard;
 * `turns` what everyone has said, when it is settled. What somebody said who leaves right after it is in the conversation as well, and is
 * answered where somebody else is there to hear that; when the last one leaves, an answer ends as by an interruption. Who ends their
 * stream has left. Measures `voice to voice`, from the last sound of a turn to the first of the answer, its stages, and `framework`, what
 * of it are neither engines nor silence that was asked for. What engines cannot do is counted and
 * logged, and the conversation goes on. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_SYNTAX and SLUICE_CONFIG_INVALID for the module of an
 * end-of-turn model.
 */
export const voiceAgent = defineNode({
  type: 'voice-agent',
  summary: 'Listens, answers by a language model and a voice, and stops when spoken to.',
  options: Options,
  joins: true,
  inputs: [
    { name: 'audio', many: true, optional: true, formats: [{ kind: 'audio', numberOfChannels: 1 }], flow: 'push' },
    { name: 'activity', many: true, optional: true, formats: [{ kind: 'voice-activity' }], flow: 'push' },
    { name: 'transcript', many: true, formats: [{ kind: 'transcript' }], flow: 'push' },
  ],
  outputs: ({ sampleRate, channels }) => [
    { name: 'audio', formats: [{ kind: 'audio', sampleRate, numberOfChannels: channels }] },
    { name: 'captions', formats: [{ kind: 'captions' }], optional: true },
    { name: 'turns', formats: [{ kind: 'turn' }], optional: true },
  ],
  latency: ({ maxSilenceMs, transcriptMs }) => ({ minMs: 0, maxMs: Math.max(maxSilenceMs, transcriptMs) }),
  adapts: audioOptions,
  needs: ({ llm, tts, fallbackTts, endOfTurn }, baseDir) => [
    ...llmNeeds(llm, baseDir),
    ...ttsNeeds(tts, baseDir),
    ...(fallbackTts ? ttsNeeds(fallbackTts, baseDir) : []),
    ...(typeof endOfTurn === 'string' ? [] : [{ kind: 'file' as const, path: pathFrom(baseDir, endOfTurn.module) }]),
  ],
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, streams: each }
  speech: { type: vad, from: voices, minSilenceMs: 200 }
  words:  { type: stt-exec, preset: pocketsphinx, from: [voices, speech] }
  agent:
    type: voice-agent
    from: [speech, words]
    llm: { type: rules, rules: [{ when: hello, answer: Hello! }] }
    tts: { type: tts-exec, preset: espeak-ng }
  bot: { type: publisher, captions: true, from: [agent.audio, agent.captions] }`,
  create: voiceAgentPorts,
});

async function voiceAgentPorts(options: VoiceAgentOptions, context: NodeContext): Promise<AgentPorts> {
  const { minSilenceMs, maxSilenceMs, sampleRate, channels } = options;
  const endOfTurn = await endOfTurnOf(options, context.baseDir);
  const tts = chosenTts(options.tts, context);
  const agent = new Agent({
    engines: {
      llm: chosenLlm(options.llm, context),
      tts,
      fallbackTts: options.fallbackTts ? chosenTts(options.fallbackTts, context) : tts,
      fallbackText: options.fallbackText,
    },
    tools: [],
    instructions: options.instructions,
    maxMessages: options.maxMessages,
    turnTaking: {
      endpointing: { mode: options.endpointing, minSilenceMs, maxSilenceMs },
      interruption: {
        minDurationMs: options.minInterruptionMs,
        minWords: options.minInterruptionWords,
        backchannels: options.backchannels,
        falseInterruptionMs: options.falseInterruptionMs,
      },
      transcriptMs: options.transcriptMs,
    },
    ...(endOfTurn && { endOfTurn }),
    format: { sampleRate, numberOfChannels: channels },
    aheadMs: options.aheadMs,
    clock: context.clock,
    log: context.log,
    onState: (state) => {
      tellState(options.session, state, context);
    },
    onTurn: (turn) => {
      ports.give('turns', turn);
    },
    onCaptions: (captions) => {
      ports.give('captions', captions);
    },
    onAnswered: ({ voiceToVoiceMs, frameworkMs, stages }) => {
      context.measured('voice to voice', voiceToVoiceMs);
      context.measured('framework', frameworkMs);
      for (const [stage, ms] of Object.entries(stages)) context.measured(stage, ms);
      context.log.info({ voiceToVoiceMs, frameworkMs, ...stages }, 'an answer is heard');
    },
    onFailed: (reason) => {
      context.dropped(reason);
    },
  });
  const ports = new AgentPorts(agent, context.clock, options.greeting, (reason) => {
    context.dropped(reason);
  });
  tellState(options.session, 'listening', context);
  return ports;
}

/** Nothing where the silence alone counts. Errors: those of `loadEndOfTurn`. */
async function endOfTurnOf({ endOfTurn }: VoiceAgentOptions, baseDir: string): Promise<EndOfTurnModel | undefined> {
  if (typeof endOfTurn === 'string') return endOfTurn === 'words' ? wordsEndOfTurn : undefined;
  return await loadEndOfTurn(pathFrom(baseDir, endOfTurn.module));
}

function tellState(session: string | undefined, state: AgentState, context: NodeContext): void {
  if (session === undefined) return;
  context
    .session(session)
    .setAttributes({ [STATE_ATTRIBUTE]: state })
    .catch((error: unknown) => {
      context.log.debug({ err: error }, 'nobody was told what the agent does');
    });
}
