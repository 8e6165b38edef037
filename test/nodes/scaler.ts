import t from 'tap';
import { parseOptions, portsOf } from '../../src/media/node.js';
import { readPattern } from '../../src/media/pattern.js';
import { greyRamp, i420Planes } from '../../src/media/yuv.js';
import { type VideoFrame, frameSizeBytes } from '../../src/media/video-frame.js';
import { scaler } from '../../src/nodes/scaler.js';
import { numbers, pictures, through, upTo } from './media-lab.js';

await t.test('scaler: pictures keep their content, number and time', async (t) => {
  const input = pictures(5, { startUs: 1000, width: 640, height: 480 });
  for (const [options, width, height] of [
    [{ width: 320, height: 240 }, 320, 240],
    [{ width: 960 }, 960, 720],
    [{ height: 242 }, 322, 242],
    [{ width: 200, height: 400 }, 200, 400],
  ] as const) {
    const output = await through<VideoFrame>(scaler, options, input);
    t.same(numbers(output), upTo(5), `${width}x${height}`);
    t.ok(
      output.every(
        (frame, i) => frame.width === width && frame.height === height && frame.timestamp === input[i]?.timestamp,
      ),
    );
  }
  const [ramp] = await through<VideoFrame>(scaler, { width: 64 }, [greyRamp(640, 480)]);
  const luma = ramp ? i420Planes(ramp).y.data.subarray(64, 128) : [];
  t.ok(
    Array.from(luma).every((y, x) => Math.abs(y - 16 - (219 * (x + 0.5)) / 64) < 6),
    'brightness by place',
  );
});

await t.test('scaler: pixel formats, there and back', async (t) => {
  const input = pictures(1);
  for (const format of ['RGB24', 'ARGB32'] as const) {
    const [colour] = await through<VideoFrame>(scaler, { format }, input);
    t.match(colour, { format, width: 192, height: 128 });
    t.equal(colour?.data.length, frameSizeBytes(format, 192, 128));
    const [back] = await through<VideoFrame>(scaler, {}, colour ? [colour] : []);
    t.equal(back && readPattern(back), 0);
  }
  const [same] = await through<VideoFrame>(scaler, { width: 192 }, input);
  t.equal(same, input[0], 'nothing to do, nothing copied');
});

await t.test('scaler: refuses what cannot be', async (t) => {
  const [picture] = pictures(1) as [VideoFrame];
  await t.rejects(through(scaler, { width: 64 }, [{ ...picture, width: 100 }]), { code: 'SLUICE_FORMAT_MISMATCH' });
  await t.rejects(through(scaler, { width: 1920 }, pictures(1, { width: 192, height: 1280 })), {
    code: 'SLUICE_FORMAT_MISMATCH',
  });
  t.throws(() => parseOptions(scaler, { width: 1920, height: 1920 }), { code: 'SLUICE_CONFIG_INVALID' });
  t.throws(() => parseOptions(scaler, { width: 1 }), { code: 'SLUICE_CONFIG_INVALID' });
  t.match(portsOf(scaler, parseOptions(scaler, { width: 64 })).outputs[0]?.formats, [{ format: 'YUV420P', width: 64 }]);
});
