import t from 'tap';
import { wavHeader } from '../../src/media/wav-header.js';
import { WavReader } from '../../src/speech/wav-reader.js';

const SAMPLES = Int16Array.from({ length: 1000 }, (_, i) => i - 500);

function wav(channels = 1): Buffer {
  return Buffer.concat([wavHeader(22_050, channels, SAMPLES.byteLength), Buffer.from(SAMPLES.buffer)]);
}

t.test('a WAV file that comes in parts of any length', async (t) => {
  for (const length of [1, 3, 7, 44, 45, 1000, 10_000]) {
    const reader = new WavReader();
    const samples: number[] = [];
    const bytes = wav(2);
    for (let at = 0; at < bytes.length; at += length) samples.push(...reader.push(bytes.subarray(at, at + length)));
    t.same(samples, [...SAMPLES], `${length} bytes at a time`);
    t.same(reader.format, { sampleRate: 22_050, numberOfChannels: 2 });
  }
});

t.test('other parts of its header are passed over, and a length that is not known yet is no end', async (t) => {
  const header = Buffer.from(wavHeader(8000, 1, 0xffff_ffff));
  const extra = Buffer.concat([Buffer.from('LIST'), Buffer.from([3, 0, 0, 0]), Buffer.from('abc\0')]);
  const reader = new WavReader();
  const file = Buffer.concat([header.subarray(0, 36), extra, header.subarray(36), Buffer.from(SAMPLES.buffer)]);
  t.same([...reader.push(file)], [...SAMPLES]);
});

t.test('what is no WAV file of 16-bit samples is refused', async (t) => {
  const refused = { code: 'SLUICE_SPEECH_FAILED', expected: /16-bit PCM/ };
  t.throws(() => new WavReader().push(Buffer.from('espeak: no such voice')), refused);
  const float = wav();
  float.writeUInt16LE(3, 20);
  float.writeUInt16LE(32, 34);
  t.throws(() => new WavReader().push(float), { ...refused, found: /format 3 with 32 bits/ });
  t.throws(() => {
    const reader = new WavReader();
    reader.push(wav().subarray(0, 36));
    reader.push(Buffer.concat([Buffer.from('junk'), Buffer.from([0, 0, 16, 0])]));
    for (let i = 0; i < 10; i++) reader.push(Buffer.alloc(10_000));
  }, refused);
});
