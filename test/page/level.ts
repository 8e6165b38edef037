import t from 'tap';
import { levelOf, SpeakingDetector } from '../../src/server/page/level.js';

function sine(amplitude: number): Float32Array {
  return Float32Array.from({ length: 960 }, (_, index) => amplitude * Math.sin((2 * Math.PI * 10 * index) / 960));
}

t.test('levels follow decibels from -60 to 0', (t) => {
  t.equal(levelOf(new Float32Array(960)), 0, 'silence');
  t.equal(levelOf(new Float32Array(0)), 0, 'nothing');
  t.equal(levelOf(new Float32Array(960).fill(1)), 1, 'full scale');
  // A sine of amplitude 0.1 is -23.01 dB.
  t.ok(Math.abs(levelOf(sine(0.1)) - (1 - 23.01 / 60)) < 1e-3, `0.1 gives ${levelOf(sine(0.1)).toString()}`);
  t.equal(levelOf(sine(0.0005)), 0, '-69 dB is below the floor');
  t.end();
});

t.test('speaking starts at once, lasts over pauses between words, and ends', (t) => {
  const detector = new SpeakingDetector();
  t.equal(detector.update(0.2, 0), false, 'room noise is not speech');
  t.equal(detector.update(0.6, 50), true);
  t.equal(detector.update(0, 600), true, 'a pause of 550 ms');
  t.equal(detector.update(0, 700), false, 'a pause of 650 ms');
  t.equal(detector.update(0.6, 750), true);
  t.end();
});
