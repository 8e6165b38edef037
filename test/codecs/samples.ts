import t from 'tap';
import fc from 'fast-check';
import {
  SILENCE_DBFS,
  applyGain,
  convertChannels,
  gainOfDb,
  levelDbfs,
  mixInto,
  monoToStereo,
  peak,
  silence,
  stereoToMono,
} from '../../src/media/pcm.js';
import { sine } from './tones.js';

const samples = fc.int16Array({ maxLength: 400 });

t.test('channels are doubled and averaged', (t) => {
  t.same(monoToStereo(Int16Array.of(1, -2)), Int16Array.of(1, 1, -2, -2));
  t.same(
    stereoToMono(Int16Array.of(10, 20, -32768, -32768, 32767, 32767, 100, -100)),
    Int16Array.of(15, -32768, 32767, 0),
  );
  fc.assert(
    fc.property(samples, (data) => {
      t.same(stereoToMono(monoToStereo(data)), data);
    }),
    { numRuns: 20 },
  );
  const data = Int16Array.of(1, 2);
  t.equal(convertChannels(data, 2, 2), data, 'nothing to do, nothing copied');
  t.same(convertChannels(data, 1, 2), Int16Array.of(1, 1, 2, 2));
  t.same(silence(3, 2), new Int16Array(6));
  t.end();
});

t.test('a mix is the sum of what is added to it', (t) => {
  const sum = new Int32Array(4);
  mixInto(sum, Int16Array.of(100, -200, 300, 24_000));
  mixInto(sum, Int16Array.of(1, -2, -3, 32_000));
  t.same([...sum], [101, -202, 297, 56_000]);
  mixInto(sum, new Int16Array(9).fill(1));
  t.same([...sum], [102, -201, 298, 56_001], 'a longer input does not write past the end');
  t.end();
});

t.test('gain and level', (t) => {
  t.same(applyGain(Int16Array.of(100, -100, 30_000, -30_000), 2), Int16Array.of(200, -200, 32_767, -32_768));
  t.equal(gainOfDb(0), 1);
  t.ok(Math.abs(gainOfDb(-6.0206) - 0.5) < 1e-4);
  t.equal(levelDbfs(new Int16Array(960)), SILENCE_DBFS);
  t.equal(levelDbfs(new Int16Array(0)), SILENCE_DBFS);
  const full = levelDbfs(sine(1000, 48000, 48000, 32_767));
  t.ok(Math.abs(full + 3.01) < 0.01, `a full sine is ${full} dBFS`);
  const tenth = levelDbfs(sine(1000, 48000, 48000, 3276.7));
  t.ok(Math.abs(tenth + 23.01) < 0.01, `a tenth of it is ${tenth} dBFS`);
  t.equal(peak(Int16Array.of(5, -32_768, 7)), 32_768);
  t.equal(peak(new Int16Array(0)), 0);
  t.end();
});
