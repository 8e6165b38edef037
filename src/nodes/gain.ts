import { z } from 'zod';
import { defineTransform } from '../media/node.js';
import { applyGain, gainOfDb } from '../media/pcm.js';

const Options = z.strictObject({
  db: z
    .number()
    .min(-96)
    .max(24)
    .default(0)
    .describe('Gain in dB; 0 leaves the signal as it is, 20 is ten times the amplitude.'),
});

/** Multiplies audio by a constant factor, clipped at full scale. Values go out as new ones; at 0 dB as they came. */
export const gain = defineTransform({
  type: 'gain',
  summary: 'Makes audio louder or softer by a constant gain.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
  outputs: (_options, inputs) => [{ name: 'out', formats: inputs.get('in') ?? [{ kind: 'audio' }] }],
  example: `nodes:
  beep: { type: tone, durationMs: 500 }
  soft: { type: gain, from: beep, db: -6 }
  file: { type: wav, from: soft, path: out/soft.wav }`,
  transform(options) {
    const factor = gainOfDb(options.db);
    return (value) => {
      if (value.kind !== 'audio' || factor === 1) return value;
      return { ...value, data: applyGain(value.data, factor) };
    };
  },
});
