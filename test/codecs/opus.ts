import t, { type Test } from 'tap';
import fc from 'fast-check';
import { type OpusImplementation, createOpusDecoder, createOpusEncoder } from '../../src/codecs/opus.js';
import { opusChannels, opusDurationUs } from '../../src/codecs/opus-packet.js';
import { createOpusPeriodEncoder } from '../../src/codecs/opus-period-encoder.js';
import { SluiceError } from '../../src/media/errors.js';
import { channel, concat, signalToErrorDb, sine, speech, toneAmplitude } from './tones.js';

const FRAME = 960;

async function nativeLoads(): Promise<boolean> {
  try {
    (await createOpusEncoder({ sampleRate: 48000, numberOfChannels: 1, implementation: 'native' })).close();
    return true;
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SLUICE_CODEC_UNAVAILABLE') return false;
    throw error;
  }
}

for (const implementation of ['native', 'wasm'] as const) {
  const missing = implementation === 'native' && !(await nativeLoads());
  if (missing && process.env['SLUICE_REQUIRE'] === 'all') {
    t.fail('@discordjs/opus is not installed, and SLUICE_REQUIRE=all asks for it');
  }
  await t.test(
    `opus encoder, ${implementation}`,
    { skip: missing && '@discordjs/opus is not installed' },
    async (t) => {
      await contract(t, implementation);
    },
  );
}

async function contract(t: Test, implementation: OpusImplementation): Promise<void> {
  await t.test('a sine keeps its frequency and level at every rate', async (t) => {
    for (const sampleRate of [8000, 12000, 16000, 24000, 48000] as const) {
      const encoder = await createOpusEncoder({ sampleRate, numberOfChannels: 1, implementation });
      const decoder = await createOpusDecoder({ sampleRate, numberOfChannels: 1 });
      t.equal(encoder.implementation, implementation);
      const frames = sampleRate / 50;
      const parts: Int16Array[] = [];
      for (let i = 0; i < 50; i++) {
        const packet = encoder.encode(sine(1000, sampleRate, frames, 10_000, i * frames));
        t.equal(opusDurationUs(packet), 20_000);
        t.equal(opusChannels(packet), 1);
        parts.push(decoder.decode(packet));
      }
      const heard = concat(parts).subarray(sampleRate / 2);
      const level = toneAmplitude(heard, 1000, sampleRate);
      t.ok(level > 8500 && level < 11_500, `1 kHz at ${sampleRate} Hz has amplitude ${level}`);
      t.ok(toneAmplitude(heard, 1500, sampleRate) < 300, 'nothing at 1.5 kHz');
      encoder.close();
      decoder.close();
    }
  });

  await t.test('stereo stays stereo', async (t) => {
    const encoder = await createOpusEncoder({
      sampleRate: 48000,
      numberOfChannels: 2,
      bitrate: 96_000,
      implementation,
    });
    const decoder = await createOpusDecoder({ sampleRate: 48000, numberOfChannels: 2 });
    const parts: Int16Array[] = [];
    for (let i = 0; i < 50; i++) {
      const packet = encoder.encode(sine([440, 2000], 48000, FRAME, 8000, i * FRAME));
      t.equal(opusChannels(packet), 2);
      parts.push(decoder.decode(packet));
    }
    const heard = concat(parts).subarray(48000);
    const [left, right] = [channel(heard, 0, 2), channel(heard, 1, 2)];
    t.ok(
      toneAmplitude(left, 440, 48000) > 6500 && toneAmplitude(right, 2000, 48000) > 6500,
      'each tone in its channel',
    );
    t.ok(toneAmplitude(left, 2000, 48000) < 500 && toneAmplitude(right, 440, 48000) < 500, 'and not in the other');
    encoder.close();
    decoder.close();
  });

  await t.test('DTX makes tiny packets of silence, and can be switched', async (t) => {
    const encoder = await createOpusEncoder({ sampleRate: 48000, numberOfChannels: 1, dtx: true, implementation });
    const quiet = new Int16Array(FRAME);
    for (let i = 0; i < 10; i++) encoder.encode(sine(300, 48000, FRAME, 8000, i * FRAME));
    const sizes = Array.from({ length: 60 }, () => encoder.encode(quiet).length);
    t.ok(sizes.slice(-40).filter((size) => size <= 2).length >= 30, `sizes ${sizes.join(' ')}`);
    encoder.setDtx(false);
    for (let i = 0; i < 30; i++) encoder.encode(quiet);
    t.ok(encoder.encode(quiet).length > 2, 'a whole packet without DTX');
    encoder.close();
  });

  await t.test('FEC brings a lost frame back better than concealment does', async (t) => {
    const encoder = await createOpusEncoder({
      sampleRate: 48000,
      numberOfChannels: 1,
      bitrate: 32_000,
      fec: true,
      packetLossPercent: 20,
      application: 'voip',
      implementation,
    });
    const [whole, byFec, byGuess] = await Promise.all(
      [0, 1, 2].map(() => createOpusDecoder({ sampleRate: 48000, numberOfChannels: 1 })),
    );
    if (!whole || !byFec || !byGuess) throw new Error('no decoders');
    const voice = speech(48000, FRAME * 100);
    const packets = Array.from({ length: 100 }, (_, i) => encoder.encode(voice.subarray(i * FRAME, (i + 1) * FRAME)));
    const lost: Int16Array[][] = [[], [], []];
    for (const [i, packet] of packets.entries()) {
      const next = packets[i + 1];
      const isLost = i % 5 === 4 && i > 20 && next !== undefined;
      const reference = whole.decode(packet);
      const recovered = isLost ? byFec.decodeFec(next, FRAME) : byFec.decode(packet);
      const guessed = isLost ? byGuess.conceal(FRAME) : byGuess.decode(packet);
      t.equal(recovered.length, FRAME);
      t.equal(guessed.length, FRAME);
      if (isLost) {
        for (const [list, data] of [
          [lost[0], reference],
          [lost[1], recovered],
          [lost[2], guessed],
        ] as const)
          list?.push(data);
      }
    }
    const [reference, fec, guess] = lost.map((parts) => concat(parts));
    if (!reference || !fec || !guess) throw new Error('nothing lost');
    const gain = signalToErrorDb(reference, fec) - signalToErrorDb(reference, guess);
    t.ok(gain > 3, `FEC is ${gain} dB better`);
    encoder.close();
  });

  await t.test('the bitrate follows', async (t) => {
    const encoder = await createOpusEncoder({
      sampleRate: 48000,
      numberOfChannels: 1,
      bitrate: 64_000,
      implementation,
    });
    const voice = speech(48000, FRAME * 50);
    const bytes = (): number => {
      let sum = 0;
      for (let i = 0; i < 50; i++) sum += encoder.encode(voice.subarray(i * FRAME, (i + 1) * FRAME)).length;
      return sum;
    };
    const high = bytes();
    encoder.setBitrate(12_000);
    encoder.setPacketLossPercent(5);
    const low = bytes();
    t.ok(low < high / 2, `${high} bytes, then ${low}`);
    encoder.close();
  });

  await t.test('lengths of 2.5 to 60 ms are taken, others are refused', async (t) => {
    const encoder = await createOpusEncoder({ sampleRate: 48000, numberOfChannels: 2, implementation });
    for (const ms of [2.5, 5, 10, 20, 40, 60]) {
      t.equal(opusDurationUs(encoder.encode(new Int16Array(96 * ms))), ms * 1000, `${ms} ms`);
    }
    for (const length of [0, 1, 100, 1921, 96 * 120]) {
      t.throws(() => encoder.encode(new Int16Array(length)), { code: 'SLUICE_FORMAT_MISMATCH' }, `${length} samples`);
    }
    const view = new Int16Array(4000).subarray(3, 3 + 1920).fill(77);
    t.ok(encoder.encode(view).length > 0, 'a view into a larger buffer');
    encoder.close();
    encoder.close();
    t.throws(() => encoder.encode(new Int16Array(1920)), { code: 'SLUICE_STATE_INVALID' });
    t.throws(
      () => {
        encoder.setBitrate(1);
      },
      { code: 'SLUICE_STATE_INVALID' },
    );
  });

  await t.test('a packet stays what it was when the next one is made', async (t) => {
    const encoder = await createOpusEncoder({ sampleRate: 48000, numberOfChannels: 1, implementation });
    const first = encoder.encode(sine(440, 48000, FRAME));
    const copy = first.slice();
    for (let i = 0; i < 10; i++) encoder.encode(speech(48000, FRAME));
    t.same(first, copy);
    t.equal(first.constructor, Uint8Array);
    encoder.close();
  });
}

await t.test('an encoder that cannot be is refused', async (t) => {
  await t.rejects(createOpusEncoder({ sampleRate: 44100 as 48000, numberOfChannels: 1 }), {
    code: 'SLUICE_CONFIG_INVALID',
  });
  await t.rejects(createOpusEncoder({ sampleRate: 48000, numberOfChannels: 3 as 2 }), {
    code: 'SLUICE_CONFIG_INVALID',
  });
  await t.rejects(createOpusEncoder({ sampleRate: 48000, numberOfChannels: 1, complexity: 11 }), {
    code: 'SLUICE_CONFIG_INVALID',
  });
  await t.rejects(createOpusDecoder({ sampleRate: 1 as 48000, numberOfChannels: 1 }), {
    code: 'SLUICE_CONFIG_INVALID',
  });
});

await t.test('an encoder for whole periods keeps a sine, in mono and stereo, at every rate', async (t) => {
  for (const sampleRate of [8000, 12000, 16000, 24000, 48000] as const) {
    for (const numberOfChannels of [1, 2] as const) {
      const encoder = await createOpusPeriodEncoder({ sampleRate, numberOfChannels, bitrate: 64_000 });
      const decoder = await createOpusDecoder({ sampleRate, numberOfChannels });
      const frequencies = numberOfChannels === 1 ? 1000 : [1000, 1000];
      const frames = sampleRate / 50;
      const parts: Int16Array[] = [];
      for (let i = 0; i < 50; i++) {
        const packet = encoder.encode(sine(frequencies, sampleRate, frames, 10_000, i * frames));
        t.equal(opusDurationUs(packet), 20_000);
        t.equal(opusChannels(packet), numberOfChannels);
        parts.push(decoder.decode(packet));
      }
      const heard = channel(concat(parts), 0, numberOfChannels).subarray(sampleRate / 2);
      const level = toneAmplitude(heard, 1000, sampleRate);
      t.ok(level > 8500 && level < 11_500, `1 kHz at ${sampleRate} Hz, ${numberOfChannels} ch, has amplitude ${level}`);
      t.ok(toneAmplitude(heard, 1500, sampleRate) < 300, 'nothing at 1.5 kHz');
      encoder.close();
      decoder.close();
    }
  }
});

await t.test('an encoder for whole periods keeps to bitrate, DTX and its contract', async (t) => {
  const encoder = await createOpusPeriodEncoder({ sampleRate: 16000, numberOfChannels: 1, bitrate: 12_000, dtx: true });
  const voice = speech(16000, 320 * 100);
  let bytes = 0;
  for (let i = 0; i < 100; i++) bytes += encoder.encode(voice.subarray(i * 320, (i + 1) * 320)).length;
  t.ok(bytes < 3600, `two seconds of 12 kbit/s are ${bytes} bytes`);
  const sizes = Array.from({ length: 60 }, () => encoder.encode(new Int16Array(320)).length);
  t.ok(sizes.slice(-40).filter((size) => size <= 2).length >= 30, `sizes of silence ${sizes.join(' ')}`);
  t.throws(() => encoder.encode(new Int16Array(160)), { code: 'SLUICE_FORMAT_MISMATCH' });
  encoder.close();
  encoder.close();
  t.throws(() => encoder.encode(new Int16Array(320)), { code: 'SLUICE_STATE_INVALID' });
  await t.rejects(createOpusPeriodEncoder({ sampleRate: 48000, numberOfChannels: 1, complexity: 11 }), {
    code: 'SLUICE_CONFIG_INVALID',
  });
});

await t.test('SLUICE_OPUS forces an implementation', async (t) => {
  const before = process.env['SLUICE_OPUS'];
  t.teardown(() => {
    if (before === undefined) delete process.env['SLUICE_OPUS'];
    else process.env['SLUICE_OPUS'] = before;
  });
  process.env['SLUICE_OPUS'] = 'wasm';
  t.equal((await createOpusEncoder({ sampleRate: 48000, numberOfChannels: 1 })).implementation, 'wasm');
  process.env['SLUICE_OPUS'] = 'gold';
  await t.rejects(createOpusEncoder({ sampleRate: 48000, numberOfChannels: 1 }), { code: 'SLUICE_CONFIG_INVALID' });
});

await t.test('a decoder survives garbage', async (t) => {
  const encoder = await createOpusEncoder({ sampleRate: 48000, numberOfChannels: 1 });
  const decoder = await createOpusDecoder({ sampleRate: 48000, numberOfChannels: 1 });
  t.throws(() => decoder.decode(new Uint8Array(0)), { code: 'SLUICE_CODEC_FAILED' });
  t.throws(() => decoder.decode(Uint8Array.of(0xff, 0x00)), { code: 'SLUICE_CODEC_FAILED' });
  t.throws(() => decoder.conceal(961), { code: 'SLUICE_FORMAT_MISMATCH' });
  t.throws(() => decoder.conceal(0), { code: 'SLUICE_FORMAT_MISMATCH' });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        const data = decoder.decode(bytes);
        return data.length <= 5760 && data.length * 125 === (opusDurationUs(bytes) ?? -1) * 6;
      } catch (error) {
        return error instanceof SluiceError && error.code === 'SLUICE_CODEC_FAILED';
      }
    }),
  );
  const parts: Int16Array[] = [];
  for (let i = 0; i < 50; i++) parts.push(decoder.decode(encoder.encode(sine(1000, 48000, FRAME, 10_000, i * FRAME))));
  const level = toneAmplitude(concat(parts).subarray(24_000), 1000, 48000);
  t.ok(level > 8500, `and decodes what comes next: ${level}`);
  decoder.close();
  t.throws(() => decoder.decode(Uint8Array.of(0xfc)), { code: 'SLUICE_STATE_INVALID' });
});

await t.test('durations and channels are read from the table of RFC 6716 section 3.1', (t) => {
  const us = (config: number, code: number, ...rest: number[]): number | undefined =>
    opusDurationUs(Uint8Array.of((config << 3) | code, ...rest));
  t.same(
    [0, 1, 2, 3].map((config) => us(config, 0)),
    [10_000, 20_000, 40_000, 60_000],
    'SILK',
  );
  t.same(
    [12, 13, 14, 15].map((config) => us(config, 0)),
    [10_000, 20_000, 10_000, 20_000],
    'hybrid',
  );
  t.same(
    [28, 29, 30, 31].map((config) => us(config, 0)),
    [2_500, 5_000, 10_000, 20_000],
    'CELT',
  );
  t.equal(us(31, 1, 1, 2), 40_000, 'two frames of one size');
  t.equal(us(31, 1, 1), undefined, 'two frames of one size in an odd number of bytes');
  t.equal(us(31, 2, 1, 2), 40_000, 'two frames');
  t.equal(us(31, 3, 6), 120_000, 'six frames');
  t.equal(us(31, 3, 7), undefined, 'more than 120 ms');
  t.equal(us(31, 3, 0), undefined, 'no frames');
  t.equal(us(31, 3), undefined, 'cut off');
  t.equal(opusDurationUs(new Uint8Array(0)), undefined);
  t.equal(opusChannels(new Uint8Array(0)), undefined);
  t.equal(opusChannels(Uint8Array.of(0xfc)), 2);
  t.equal(opusChannels(Uint8Array.of(0xf8)), 1);
  t.end();
});
