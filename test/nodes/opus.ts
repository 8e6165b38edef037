import fc from 'fast-check';
import t from 'tap';
import { type AudioData, audioData } from '../../src/media/audio-data.js';
import type { EncodedAudioChunk } from '../../src/media/encoded-chunk.js';
import { opusDecoder } from '../../src/nodes/opus-decoder.js';
import { opusEncoder } from '../../src/nodes/opus-encoder.js';
import { channel, sine, speech } from '../codecs/tones.js';
import { align, chirp } from '../support/signal.js';
import { chunks, make, opusOf, through } from './media-lab.js';
import { concat, levelAt, settle, testContext } from './node-lab.js';

const bytes = (values: readonly EncodedAudioChunk[]): string[] =>
  values.map(({ data }) => Buffer.from(data).toString('base64'));

await t.test('opus-encoder: chunks of any size make the same packets', async (t) => {
  const samples = chirp(16_000, 8100);
  const whole = await through<EncodedAudioChunk>(opusEncoder, {}, [audioData(samples, 16_000, 1, 40_000)]);
  t.equal(whole.length, 26, '506 ms, the last packet filled up');
  t.ok(whole.every((packet, i) => packet.timestamp === 40_000 + i * 20_000 && packet.duration === 20_000));
  const silent = new Int16Array(8320);
  silent.set(samples);
  const padded = await through<EncodedAudioChunk>(opusEncoder, {}, [audioData(silent, 16_000, 1, 40_000)]);
  t.same(bytes(padded), bytes(whole), 'with silence');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 12 }), async (sizes) => {
      const input: AudioData[] = [];
      for (let at = 0, i = 0; at < samples.length; at += sizes[i++ % sizes.length] ?? 1) {
        const size = sizes[i % sizes.length] ?? 1;
        input.push(audioData(samples.slice(at, at + size), 16_000, 1, 40_000 + Math.round(at * 62.5)));
      }
      const packets = await through<EncodedAudioChunk>(opusEncoder, {}, input);
      return (
        bytes(packets).join() === bytes(whole).join() &&
        packets.every((packet, i) => Math.abs(packet.timestamp - 40_000 - i * 20_000) <= 1)
      );
    }),
    { numRuns: 10 },
  );
});

await t.test('opus-encoder: gaps stay gaps', async (t) => {
  const part = chunks(chirp(48_000, 1440), { chunkMs: 30 });
  const later = chunks(chirp(48_000, 1440), { chunkMs: 30, startUs: 1_000_000 });
  const packets = await through<EncodedAudioChunk>(opusEncoder, {}, [...part, ...later]);
  t.same(
    packets.map(({ timestamp }) => timestamp),
    [0, 20_000, 1_000_000, 1_020_000],
  );
});

await t.test('opus-encoder: options', async (t) => {
  const voice = chunks(speech(48_000, 48_000));
  const size = async (options: object): Promise<number> => {
    const packets = await through<EncodedAudioChunk>(opusEncoder, options, voice);
    return packets.reduce((sum, { data }) => sum + data.length, 0);
  };
  const [low, high] = [await size({ bitrate: 12_000 }), await size({ bitrate: 96_000 })];
  t.ok(Math.abs(low * 8 - 12_000) < 3000 && Math.abs(high * 8 - 96_000) < 20_000, `${low * 8} and ${high * 8} bit/s`);
  const quiet = await through<EncodedAudioChunk>(opusEncoder, { dtx: true }, chunks(new Int16Array(96_000)));
  t.ok(quiet.filter(({ data }) => data.length <= 2).length > 60, 'next to nothing for silence');
  const stereo = await through<EncodedAudioChunk>(
    opusEncoder,
    {},
    chunks(sine([440, 1000], 48_000, 9600), { channels: 2 }),
  );
  const heard = concat((await through<AudioData>(opusDecoder, {}, stereo)).slice(2));
  t.ok(
    levelAt(channel(heard, 0, 2), 48_000, 440) > -13 && levelAt(channel(heard, 0, 2), 48_000, 1000) < -30,
    'left is left',
  );
});

await t.test('opus-encoder: refuses another format', async (t) => {
  const first = chunks(sine(440, 48_000, 960));
  await t.rejects(through(opusEncoder, {}, chunks(sine(440, 44_100, 882), { sampleRate: 44_100 })), {
    code: 'SLUICE_FORMAT_MISMATCH',
    mend: /resampler/,
  });
  const stream = await make(opusEncoder);
  stream.write(first[0]);
  stream.destroy();
  await settle();
  t.ok(stream.closed, 'may be destroyed while it opens');
});

await t.test('opus-decoder: gives back what was encoded', async (t) => {
  for (const [sampleRate, channels] of [
    [48_000, 1],
    [48_000, 2],
    [16_000, 1],
    [8000, 2],
  ] as const) {
    const values = await through<AudioData>(opusDecoder, { sampleRate, channels }, await opusOf(1000));
    t.ok(
      values.every(
        (value, i) =>
          value.timestamp === i * 20_000 &&
          value.numberOfFrames === sampleRate / 50 &&
          value.numberOfChannels === channels,
      ),
    );
    const found = align(chirp(sampleRate, sampleRate), channel(concat(values), 0, channels));
    t.ok(found.peak > 0.95, `${sampleRate}/${channels}: ${found.peak}`);
  }
});

await t.test('opus-decoder: a short gap is concealed to the sample, a long one stays', async (t) => {
  const packets = await opusOf(1000);
  for (const lost of [1, 3, 5]) {
    const values = await through<AudioData>(opusDecoder, { channels: 1 }, [
      ...packets.slice(0, 20),
      ...packets.slice(20 + lost),
    ]);
    t.same(
      values.map(({ timestamp }) => timestamp),
      packets.map(({ timestamp }) => timestamp),
      `${lost} lost`,
    );
    t.equal(concat(values).length, 48_000);
  }
  const late = packets.slice(20).map((packet) => ({ ...packet, timestamp: packet.timestamp + 30_000 }));
  const shifted = await through<AudioData>(opusDecoder, { channels: 1 }, [...packets.slice(0, 20), ...late]);
  t.equal(concat(shifted).length, 48_000 + 1440, 'also where it is no whole packet');
  t.same(
    shifted.slice(20, 23).map(({ timestamp, numberOfFrames }) => [timestamp, numberOfFrames]),
    [
      [400_000, 960],
      [420_000, 480],
      [430_000, 960],
    ],
  );
  const paused = await through<AudioData>(opusDecoder, { channels: 1 }, [
    ...packets.slice(0, 20),
    ...packets.slice(30),
  ]);
  t.equal(paused.length, 40);
  t.equal(paused[20]?.timestamp, 600_000, 'a pause of the source');
});

await t.test('opus-decoder: a lost packet is restored from the one behind it', async (t) => {
  const voice = speech(48_000, 48_000);
  const similarity = async (fec: boolean): Promise<number> => {
    const packets = await through<EncodedAudioChunk>(opusEncoder, { fec, bitrate: 32_000 }, chunks(voice));
    const whole = concat(await through<AudioData>(opusDecoder, { channels: 1 }, packets));
    // Every tenth is lost, one at a time.
    const holey = concat(
      await through<AudioData>(
        opusDecoder,
        { channels: 1 },
        packets.filter((_, i) => i % 10 !== 5),
      ),
    );
    const pick = (samples: Int16Array): Int16Array => samples.filter((_, i) => Math.floor(i / 960) % 10 === 5);
    return align(pick(whole), pick(holey), 1).peak;
  };
  const [without, withCopy] = [await similarity(false), await similarity(true)];
  t.ok(withCopy > without + 0.02 && withCopy > 0.9, `${withCopy} where it was ${without}`);
});

await t.test('opus-decoder: a broken packet is counted and costs no time', async (t) => {
  const packets = await opusOf(400);
  const broken = packets.map((packet, i) =>
    i === 7 ? { ...packet, data: Uint8Array.of(3, 0) } : i === 9 ? { ...packet, duration: 0 } : packet,
  );
  const context = testContext();
  const values = await through<AudioData>(opusDecoder, { channels: 1 }, broken, context);
  t.same([...context.drops], [['broken packet', 1]]);
  t.same(
    values.map(({ timestamp }) => timestamp),
    packets.map(({ timestamp }) => timestamp),
  );
  t.equal(concat(values).length, 400 * 48);
  const lost = packets.filter((_, i) => i !== 9).map((packet) => ({ ...packet, duration: 0 }));
  t.equal((await through(opusDecoder, {}, lost)).length, 20, 'durations that are wrong do no harm');
});
