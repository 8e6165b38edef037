import t from 'tap';
import { createResampler } from '../../src/codecs/resampler.js';
import { SAMPLE_RATES } from '../../src/media/audio-data.js';
import { channel, concat, sine, toneAmplitude } from './tones.js';

t.test('a tone keeps its frequency, level and length between all rates', async (t) => {
  const tones = new Map(SAMPLE_RATES.map((rate) => [rate, sine(1000, rate, rate, 12_000)]));
  for (const from of SAMPLE_RATES) {
    for (const to of SAMPLE_RATES) {
      const resampler = await createResampler({
        from: { sampleRate: from, numberOfChannels: 1 },
        to: { sampleRate: to, numberOfChannels: 1 },
      });
      const input = tones.get(from) ?? new Int16Array(0);
      const parts: Int16Array[] = [];
      for (let i = 0; i < 50; i++)
        parts.push(resampler.process(input.subarray((i * from) / 50, ((i + 1) * from) / 50)));
      parts.push(resampler.flush());
      const out = concat(parts);
      t.ok(Math.abs(out.length - to) <= 2, `${from} to ${to} Hz: ${out.length} frames`);
      const level = toneAmplitude(out.subarray(to / 10, (9 * to) / 10), 1000, to);
      t.ok(Math.abs(level - 12_000) < 120, `${from} to ${to} Hz: amplitude ${level}`);
      resampler.close();
    }
  }
});

t.test('channels are converted with the rate, at the same level', async (t) => {
  const input = sine([500, 1500], 48000, 48000, 8000);
  const down = await createResampler({
    from: { sampleRate: 48000, numberOfChannels: 2 },
    to: { sampleRate: 16000, numberOfChannels: 1 },
  });
  const mono = concat([down.process(input), down.flush()]);
  t.ok(Math.abs(toneAmplitude(mono, 500, 16000) - 4000) < 50, 'half of each side');
  t.ok(Math.abs(toneAmplitude(mono, 1500, 16000) - 4000) < 50);
  const up = await createResampler({
    from: { sampleRate: 16000, numberOfChannels: 1 },
    to: { sampleRate: 48000, numberOfChannels: 2 },
  });
  const stereo = concat([up.process(mono), up.flush()]);
  t.ok(
    Buffer.from(channel(stereo, 0, 2).buffer).equals(Buffer.from(channel(stereo, 1, 2).buffer)),
    'both sides are one',
  );
  t.ok(Math.abs(toneAmplitude(channel(stereo, 0, 2), 500, 48000) - 4000) < 50);
  const both = await createResampler({
    from: { sampleRate: 48000, numberOfChannels: 2 },
    to: { sampleRate: 44100, numberOfChannels: 2 },
  });
  const kept = concat([both.process(input), both.flush()]);
  t.ok(
    toneAmplitude(channel(kept, 0, 2), 500, 44100) > 7900 && toneAmplitude(channel(kept, 1, 2), 500, 44100) < 20,
    'sides stay apart',
  );
});

t.test('without a change of rate nothing is resampled', async (t) => {
  const data = sine(440, 44100, 441);
  const same = await createResampler({
    from: { sampleRate: 44100, numberOfChannels: 1 },
    to: { sampleRate: 44100, numberOfChannels: 1 },
  });
  t.equal(same.process(data), data);
  t.equal(same.flush().length, 0);
  t.throws(
    () => {
      same.compensate(1, 100);
    },
    { code: 'SLUICE_STATE_INVALID' },
  );
  const wide = await createResampler({
    from: { sampleRate: 44100, numberOfChannels: 1 },
    to: { sampleRate: 44100, numberOfChannels: 2 },
  });
  t.same(channel(wide.process(data), 1, 2), data);
});

t.test('compensation adds and takes away frames over the distance asked for', async (t) => {
  for (const delta of [96, -96]) {
    const format = { sampleRate: 48000, numberOfChannels: 1 };
    const resampler = await createResampler({ from: format, to: format, adjustable: true });
    const parts = [resampler.process(sine(1000, 48000, 4800))];
    resampler.compensate(delta, 48_000);
    for (let i = 5; i < 100; i++) parts.push(resampler.process(sine(1000, 48000, 960, 10_000, i * 960)));
    parts.push(resampler.flush());
    const out = concat(parts);
    t.ok(Math.abs(out.length - 96_000 - delta) <= 3, `${delta}: ${out.length - 96_000} frames more`);
    const level = toneAmplitude(out.subarray(60_000, 84_000), 1000, 48000);
    t.ok(level > 9800, `the tone is whole afterwards: ${level}`);
    resampler.close();
    t.throws(() => resampler.process(new Int16Array(960)), { code: 'SLUICE_STATE_INVALID' });
  }
});

t.test('formats that cannot be are refused', async (t) => {
  const good = { sampleRate: 48000, numberOfChannels: 1 };
  await t.rejects(createResampler({ from: { ...good, sampleRate: 22050 }, to: good }), {
    code: 'SLUICE_CONFIG_INVALID',
  });
  await t.rejects(createResampler({ from: good, to: { ...good, numberOfChannels: 6 } }), {
    code: 'SLUICE_CONFIG_INVALID',
  });
});
