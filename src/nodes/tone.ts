import { z } from 'zod';
import { SAMPLE_RATES, audioData } from '../media/audio-data.js';
import { audioOptions } from '../media/format.js';
import { defineNode } from '../media/node.js';
import { PacedSource } from '../media/paced-source.js';
import { gainOfDb } from '../media/pcm.js';

const CHUNK_MS = 20;

const Options = z.strictObject({
  frequency: z
    .number()
    .min(1)
    .max(20_000)
    .default(440)
    .describe('Frequency of the tone in Hz, below half the sample rate.'),
  level: z.number().min(-96).max(0).default(-12).describe('Peak level in dBFS; 0 is full scale.'),
  sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Samples per second and channel, in Hz.'),
  channels: z.literal([1, 2]).default(1).describe('1 for mono, 2 for stereo (both channels alike).'),
  durationMs: z
    .number()
    .positive()
    .optional()
    .describe('Length in ms, rounded up to whole 20 ms; endless when left out.'),
  live: z
    .boolean()
    .default(true)
    .describe('`true` paces chunks in real time; `false` gives them as fast as they are read.'),
});

/**
 * A sine tone in chunks of 20 ms. Phase is continuous over chunks. A live tone drops chunks
 * while its reader is more than 160 ms behind, so that it stays on time.
 */
export const tone = defineNode({
  type: 'tone',
  summary: 'Makes a sine tone.',
  options: Options,
  inputs: [],
  outputs: (options) => [
    { name: 'out', formats: [{ kind: 'audio', sampleRate: options.sampleRate, numberOfChannels: options.channels }] },
  ],
  latency: ({ live }) => ({ live, minMs: CHUNK_MS, maxMs: CHUNK_MS }),
  adapts: audioOptions,
  example: `nodes:
  beep: { type: tone, frequency: 880, durationMs: 500, live: false }
  file: { type: wav, from: beep, path: out/beep.wav }`,
  create: (options, context) =>
    new PacedSource({
      clock: context.clock,
      live: options.live,
      intervalUs: CHUNK_MS * 1000,
      count: options.durationMs === undefined ? Infinity : Math.ceil(options.durationMs / CHUNK_MS),
      make: (index) => toneChunk(options, index),
      dropped: () => {
        context.dropped('reader too slow');
      },
    }),
});

function toneChunk(options: z.output<typeof Options>, index: number): ReturnType<typeof audioData> {
  const { frequency, level, sampleRate, channels } = options;
  const firstFrame = Math.round((index * CHUNK_MS * sampleRate) / 1000);
  const frames = Math.round(((index + 1) * CHUNK_MS * sampleRate) / 1000) - firstFrame;
  const peak = 32_767 * gainOfDb(level);
  const step = (2 * Math.PI * frequency) / sampleRate;
  // The phase of the first sample is taken modulo one second of whole periods, to stay exact over days.
  const phase =
    2 *
    Math.PI *
    (((firstFrame % sampleRate) * frequency) / sampleRate + ((Math.floor(firstFrame / sampleRate) * frequency) % 1));
  const data = new Int16Array(frames * channels);
  for (let i = 0, j = 0; i < frames; i++) {
    const sample = Math.round(peak * Math.sin(phase + step * i));
    for (let channel = 0; channel < channels; channel++) data[j++] = sample;
  }
  return audioData(data, sampleRate, channels, index * CHUNK_MS * 1000);
}
