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

t.test('floats become samples, and what is too loud is clipped', (t) => {
  const header = Buffer.from(wavHeader(24_000, 1, 12));
  header.writeUInt16LE(3, 20);
  header.writeUInt16LE(32, 34);
  const [reader, bytes] = [
    new WavReader(),
    Buffer.concat([header, Buffer.from(new Float32Array([0.5, -1, 2]).buffer)]),
  ];
  t.same([...reader.push(bytes.subarray(0, 47)), ...reader.push(bytes.subarray(47))], [16_384, -32_767, 32_767]);
  t.end();
});

t.test('what follows the sound in a file is no sound', (t) => {
  const reader = new WavReader();
  t.equal(reader.push(Buffer.concat([wav(), Buffer.from('LIST\x08\0\0\0comments')])).length, SAMPLES.length);
  t.equal(reader.push(Buffer.from('more')).length, 0);
  t.end();
});

t.test('what is no WAV file of 16-bit samples or floats is refused', async (t) => {
  const refused = { code: 'SLUICE_SPEECH_FAILED', expected: /16-bit PCM/, retryable: false };
  t.throws(() => new WavReader().push(Buffer.from('espeak: no such voice')), refused);
  const wide = wav();
  wide.writeUInt16LE(24, 34);
  t.throws(() => new WavReader().push(wide), { ...refused, found: /format 1 with 24 bits/ });
  for (const sampleRate of [0, 1, 0xffff_ffff]) {
    const odd = wav();
    odd.writeUInt32LE(sampleRate, 24);
    t.throws(() => new WavReader().push(odd), { ...refused, found: `a WAV file of ${sampleRate} Hz` });
  }
  t.throws(() => {
    const reader = new WavReader();
    reader.push(wav().subarray(0, 36));
    reader.push(Buffer.concat([Buffer.from('junk'), Buffer.from([0, 0, 16, 0])]));
    for (let i = 0; i < 10; i++) reader.push(Buffer.alloc(10_000));
  }, refused);
});
