import t from 'tap';
import { RNNOISE_FRAMES, createNoiseSuppressor } from '../../../src/codecs/rnnoise.js';
import { createRnnoiseDetector } from '../../../src/speech/rnnoise-detector.js';
import { spokenClip, voiceDetectorSuite, whiteNoise } from '../voice-detector-suite.js';

const RATE = 48_000;

voiceDetectorSuite(t, createRnnoiseDetector);

t.test('what is said after a long quiet is found as if RNNoise had not rested', async (t) => {
  const clip = (await spokenClip(RATE)).subarray(0, 3 * RATE);
  const detector = await createRnnoiseDetector();
  const restless = await createNoiseSuppressor();
  for (let word = 0; word < 5; word++) {
    // A room, between 1.0 and 1.04 s.
    const sound = new Int16Array(RATE + RNNOISE_FRAMES * word + clip.length);
    sound.set(whiteNoise(sound.length - clip.length, 20));
    sound.set(clip, sound.length - clip.length);
    const found = { detector: NaN, restless: NaN };
    let apart = 0;
    for (let at = 0; at + RNNOISE_FRAMES <= sound.length; at += RNNOISE_FRAMES) {
      const frame = sound.subarray(at, at + RNNOISE_FRAMES);
      const one = await detector.judge(Float32Array.from(frame));
      const other = restless.process(Float32Array.from(frame));
      if (Number.isNaN(found.detector) && one >= 0.6) found.detector = at;
      if (Number.isNaN(found.restless) && other >= 0.6) found.restless = at;
      if (Math.abs(one - other) > 0.3) apart++;
    }
    t.equal(found.detector, found.restless);
    t.ok(apart <= 2, `${apart} frames of ${sound.length / RNNOISE_FRAMES} are judged otherwise`);
  }
  detector.close();
  restless.close();
});
