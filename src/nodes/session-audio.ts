import { z } from 'zod';
import { SAMPLE_RATES } from '../media/audio-data.js';
import { audioOptions } from '../media/format.js';
import { defineNode } from '../media/node.js';

const Options = z.strictObject({
  session: z.string().min(1).describe('Id of the session; may be left out where the graph has one.'),
  sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Samples per second and channel, in Hz.'),
  channels: z.literal([1, 2]).default(2).describe('1 for mono, 2 for stereo.'),
  ptimeMs: z.literal([10, 20]).default(20).describe('Length of the chunks, in ms: 10 or 20.'),
});

/** The audio of all other participants, mixed. Ends with the session. Errors: SLUICE_SESSION_CLOSED. */
export const sessionAudio = defineNode({
  type: 'session-audio',
  summary: 'Gives the mixed audio of everyone else in a session.',
  options: Options,
  inputs: [],
  outputs: (options) => [
    { name: 'out', formats: [{ kind: 'audio', sampleRate: options.sampleRate, numberOfChannels: options.channels }] },
  ],
  latency: { live: true, minMs: 20, maxMs: 220 },
  adapts: audioOptions,
  example: `sessions:
  room: { sessionId: demo }
nodes:
  all:  { type: session-audio, session: room }
  file: { type: wav, from: all, path: out/mix.wav }`,
  create: ({ session, sampleRate, channels, ptimeMs }, context) =>
    context.session(session).mix({ sampleRate, numberOfChannels: channels, ptimeMs }),
});
