import t from 'tap';
import { audioData } from '../../src/media/audio-data.js';
import { fromAudioData, fromVideoFrame, toAudioData, toVideoFrame } from '../../src/vonage/media.js';
import { inTenMs } from '../../src/vonage/mixed-audio.js';
import { SAMPLE_RATES, type AudioData } from '../../src/index.js';

t.test('media in the shape of the Node.js package', async (t) => {
  await t.test('keeps its samples, wherever the buffer lies', async (t) => {
    const samples = Int16Array.of(1, -2, 300, -32_768, 32_767, 0);
    const bytes = Buffer.from(samples.buffer);
    const odd = Buffer.concat([Buffer.of(9), bytes]).subarray(1);
    for (const data of [bytes, Buffer.from(bytes), odd, Buffer.concat([bytes, Buffer.alloc(7)])]) {
      const audio = toAudioData({ data, sampleRate: 8000, numberOfChannels: 2, numberOfFrames: 3 }, 17);
      t.strictSame(audio, {
        kind: 'audio',
        data: samples,
        sampleRate: 8000,
        numberOfChannels: 2,
        numberOfFrames: 3,
        timestamp: 17,
      });
      t.strictSame([...fromAudioData(audio).data], [...bytes]);
    }
  });

  await t.test('pictures are views of the same memory', async (t) => {
    const data = Buffer.alloc(4 * 4 * 3, 7);
    const frame = toVideoFrame({ data, width: 4, height: 4, format: 'RGB24' }, 5);
    t.match(frame, { kind: 'video', width: 4, height: 4, format: 'RGB24', timestamp: 5 });
    t.equal(frame.data.buffer, data.buffer);
    t.equal(fromVideoFrame(frame).data.buffer, data.buffer);
  });

  await t.test('the mix is cut into 10 ms at every rate', async (t) => {
    for (const sampleRate of SAMPLE_RATES) {
      for (const channels of [1, 2]) {
        const samples = new Int16Array((sampleRate / 50) * channels).map((_, i) => i);
        const chunks: AudioData[] = [];
        inTenMs(audioData(samples, sampleRate, channels, 1000), (chunk) => chunks.push(chunk));
        t.strictSame(
          chunks.map(({ numberOfFrames, timestamp }) => [numberOfFrames, timestamp]),
          [
            [sampleRate / 100, 1000],
            [sampleRate / 100, 11_000],
          ],
        );
        t.strictSame(
          chunks.flatMap(({ data }) => [...data]),
          [...samples],
        );
      }
    }
  });
});
