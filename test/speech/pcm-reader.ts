import { join } from 'node:path';
import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import { file, resampler } from '../../src/nodes.js';
import { PcmReader } from '../../src/speech/pcm-reader.js';
import { sine } from '../codecs/tones.js';
import { concat } from '../nodes/node-lab.js';
import { PACKAGE_ROOT } from '../support/package-root.js';

function bytesOf({ buffer, byteOffset, byteLength }: Int16Array | Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

t.test('samples come out of parts of any length, an odd byte with the part behind it', (t) => {
  const samples = sine(440, 24_000, 1000);
  for (const length of [1, 2, 3, 7, 999, 5000]) {
    const [reader, all] = [new PcmReader(), bytesOf(samples)];
    const read: number[] = [];
    for (let at = 0; at < all.length; at += length) read.push(...reader.push(all.subarray(at, at + length)));
    t.same(read, [...samples], `${length} bytes at a time`);
    t.equal(reader.push(new Uint8Array(0)).length, 0);
  }
  t.end();
});

t.test('floats are told from 16-bit samples, whatever those sound like', async (t) => {
  const clip = (await file({ path: join(PACKAGE_ROOT, 'pipelines/media/speech.ogg') })).output('audio');
  const speech = concat((await clip.pipe(resampler({ sampleRate: 24_000, channels: 1 })).toArray()) as AudioData[]);
  for (const [scale, length] of [
    [1, 1],
    [0.3, 960],
    [0.01, 4801],
  ] as const) {
    const floats = bytesOf(Float32Array.from(speech, (sample) => (sample * scale) / 32_768));
    const reader = new PcmReader();
    t.throws(
      () => {
        for (let at = 0; at < floats.length; at += length) reader.push(floats.subarray(at, at + length));
      },
      { code: 'SLUICE_SPEECH_FAILED', found: '32-bit floats', retryable: false },
    );
  }
  const loud = Int16Array.from({ length: 5000 }, (_, i) => (i % 97 < 48 ? 16_000 : -16_000));
  for (const sound of [
    speech,
    speech.map((sample) => sample * 3),
    loud,
    sine(50, 24_000, 24_000, 16_200),
    sine(3000, 24_000, 24_000, 32_000),
  ])
    t.equal(new PcmReader().push(bytesOf(sound)).length, sound.length);
});
