import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t from 'tap';
import { createSileroDetector } from '../../../src/speech/silero-detector.js';
import { voiceDetectorSuite } from '../voice-detector-suite.js';

const packages = ['onnxruntime-node', '@ricky0123/vad-web'];
const missing = packages.filter((name) => {
  try {
    createRequire(import.meta.url).resolve(name);
    return false;
  } catch {
    return true;
  }
});

if (missing.length > 0) {
  t.pass('silero', { skip: `npm install --no-save ${packages.join(' ')}` });
  t.test('silero says what it lacks', async (t) => {
    await t.rejects(createSileroDetector(), { code: 'SLUICE_FILE_NOT_FOUND', mend: /npm install @ricky0123\/vad-web/ });
    const model = join(t.testdir(), 'model.onnx');
    await writeFile(model, '');
    await t.rejects(createSileroDetector(model), {
      code: 'SLUICE_DRIVER_UNAVAILABLE',
      mend: /npm install onnxruntime-node/,
    });
  });
} else {
  voiceDetectorSuite(t, createSileroDetector);

  t.test('a file that is no model is refused', async (t) => {
    const model = join(t.testdir(), 'model.onnx');
    await writeFile(model, 'no model');
    await t.rejects(createSileroDetector(model), { code: 'SLUICE_SPEECH_FAILED', mend: /silero_vad_v5/ });
    await t.rejects(createSileroDetector('/nowhere.onnx'), { code: 'SLUICE_FILE_NOT_FOUND' });
  });
}
