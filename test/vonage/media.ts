import t from 'tap';
import { fromAudioData, fromVideoFrame, toAudioData, toVideoFrame } from '../../src/vonage/media.js';

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
});
