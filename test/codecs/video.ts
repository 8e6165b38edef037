import t from 'tap';
import fc from 'fast-check';
import { BitrateSteps } from '../../src/codecs/bitrate-steps.js';
import { createScaler } from '../../src/codecs/scaler.js';
import { type VideoDecoder, createVideoDecoder } from '../../src/codecs/video-decoder.js';
import { type VideoEncoder, type VideoEncoderOptions, createVideoEncoder } from '../../src/codecs/video-encoder.js';
import { type EncodedVideoChunk, VIDEO_CODECS, type VideoCodec } from '../../src/media/encoded-chunk.js';
import { SluiceError } from '../../src/media/errors.js';
import { type VideoFrame, checkVideoFrame } from '../../src/media/video-frame.js';
import { blackFrame, greyRamp, i420Planes } from '../../src/media/yuv.js';
import { meanDifference, numbered, readNumber } from './pictures.js';

function encoder(codec: VideoCodec, more: Partial<VideoEncoderOptions> = {}): Promise<VideoEncoder> {
  return createVideoEncoder({ codec, width: 320, height: 180, frameRate: 30, bitrate: 500_000, ...more });
}

function mustEncode(from: VideoEncoder, frame: VideoFrame, keyFrame = false): EncodedVideoChunk {
  const chunk = from.encode(frame, { keyFrame });
  if (!chunk) throw new Error('the encoder left a picture out');
  return chunk;
}

function mustDecode(from: VideoDecoder, chunk: EncodedVideoChunk): VideoFrame {
  const frame = from.decode(chunk);
  if (!frame) throw new Error('no picture came');
  return frame;
}

/** Types of the NAL units of an Annex B access unit. */
function nalTypes(data: Uint8Array): number[] {
  const types: number[] = [];
  for (let i = 0; i + 3 < data.length; i++) {
    if (data[i] === 0 && data[i + 1] === 0 && data[i + 2] === 1) types.push((data[i + 3] ?? 0) & 31);
  }
  return types;
}

for (const codec of VIDEO_CODECS) {
  t.test(`${codec}: pictures come back in order, numbered, with their timestamps`, async (t) => {
    const from = await encoder(codec);
    const to = await createVideoDecoder({ codec });
    for (let i = 0; i < 40; i++) {
      const chunk = mustEncode(from, numbered(320, 180, i * 5, 10_000_000 + i * 33_333));
      t.equal(chunk.type, i === 0 ? 'key' : 'delta');
      t.equal(chunk.duration, 33_333);
      const frame = mustDecode(to, chunk);
      checkVideoFrame(frame);
      t.equal(readNumber(frame), i * 5);
      t.equal(frame.timestamp, 10_000_000 + i * 33_333);
      t.equal(frame.format, 'YUV420P');
    }
    from.close();
    to.close();
    t.throws(() => from.encode(blackFrame(320, 180)), { code: 'SLUICE_STATE_INVALID' });
    t.throws(() => to.flush(), { code: 'SLUICE_STATE_INVALID' });
  });

  t.test(`${codec}: a key frame when asked for and at the interval, decodable alone`, async (t) => {
    const from = await encoder(codec, { keyFrameIntervalFrames: 10 });
    const types: string[] = [];
    for (let i = 0; i < 21; i++) types.push(mustEncode(from, numbered(320, 180, i), i === 5).type);
    t.equal(types[5], 'key');
    t.equal(types.filter((type) => type === 'key').length, 3, types.join(' '));
    const key = mustEncode(from, numbered(320, 180, 99), true);
    const to = await createVideoDecoder({ codec });
    t.ok(to.needsKeyFrame);
    t.equal(to.decode({ ...key, type: 'delta' }), undefined, 'delta chunks are skipped before the first key chunk');
    t.equal(readNumber(mustDecode(to, key)), 99);
    t.notOk(to.needsKeyFrame);
  });

  t.test(`${codec}: other sizes and pixel formats are converted`, async (t) => {
    const from = await encoder(codec);
    const to = await createVideoDecoder({ codec, format: 'RGB24' });
    const scaler = await createScaler();
    for (const [i, format] of (['RGB24', 'ARGB32', 'YUV420P'] as const).entries()) {
      const source = scaler.scale(numbered(639, 361, 40 + i, i * 33_333), { width: 639, height: 361, format });
      const frame = mustDecode(to, mustEncode(from, source));
      t.equal(frame.format, 'RGB24');
      t.same([frame.width, frame.height], [320, 180]);
      t.equal(readNumber(scaler.scale(frame, { width: 320, height: 180, format: 'YUV420P' })), 40 + i);
    }
    const limited = await createVideoDecoder({ codec, maxWidth: 100, maxHeight: 100 });
    const small = mustDecode(limited, mustEncode(from, numbered(320, 180, 61, 200_000), true));
    t.same([small.width, small.height], [100, 56]);
    t.equal(readNumber(small), 61);
  });

  t.test(`${codec}: broken data is refused, and the next key chunk works again`, async (t) => {
    const from = await encoder(codec);
    const to = await createVideoDecoder({ codec });
    mustDecode(to, mustEncode(from, numbered(320, 180, 1)));
    const delta = mustEncode(from, numbered(320, 180, 2));
    for (const data of [new Uint8Array(0), new Uint8Array(100).fill(0x5a), delta.data.subarray(0, 5)]) {
      t.throws(() => to.decode({ ...delta, type: 'key', data }), { code: 'SLUICE_CODEC_FAILED' });
      t.ok(to.needsKeyFrame);
      t.equal(to.decode(delta), undefined);
    }
    t.throws(() => to.decode({ ...delta, codec: codec === 'vp8' ? 'h264' : 'vp8' }), {
      code: 'SLUICE_FORMAT_MISMATCH',
    });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (data) => {
        try {
          to.decode({ ...delta, type: 'key', data });
          return true;
        } catch (error) {
          return error instanceof SluiceError && error.code === 'SLUICE_CODEC_FAILED';
        }
      }),
    );
    const key = mustEncode(from, numbered(320, 180, 3), true);
    t.equal(readNumber(mustDecode(to, key)), 3);
    t.equal(readNumber(mustDecode(to, mustEncode(from, numbered(320, 180, 4)))), 4);
  });

  t.test(`${codec}: flush leaves encoder and decoder usable from a key frame on`, async (t) => {
    const from = await encoder(codec);
    const to = await createVideoDecoder({ codec });
    mustDecode(to, mustEncode(from, numbered(320, 180, 1)));
    t.same(from.flush(), []);
    t.same(to.flush(), []);
    const chunk = mustEncode(from, numbered(320, 180, 2));
    t.equal(chunk.type, 'key');
    t.equal(readNumber(mustDecode(to, chunk)), 2);
  });

  t.test(`${codec}: a picture that is kept is not overwritten by later ones`, async (t) => {
    const from = await encoder(codec);
    const to = await createVideoDecoder({ codec });
    const chunk = mustEncode(from, numbered(320, 180, 200));
    const [bytes, frame] = [chunk.data.slice(), mustDecode(to, chunk)];
    const copy = frame.data.slice();
    for (let i = 0; i < 20; i++) mustDecode(to, mustEncode(from, numbered(320, 180, i)));
    t.ok(Buffer.from(copy).equals(frame.data), 'picture');
    t.ok(Buffer.from(bytes).equals(chunk.data), 'chunk');
  });
}

t.test('vp8: odd sizes are exact', async (t) => {
  const from = await encoder('vp8', { width: 63, height: 47, bitrate: 2_000_000 });
  const to = await createVideoDecoder({ codec: 'vp8' });
  const ramp = greyRamp(63, 47, 5);
  const frame = mustDecode(to, mustEncode(from, ramp));
  checkVideoFrame(frame);
  t.same([frame.width, frame.height], [63, 47]);
  t.ok(meanDifference(ramp.data, frame.data) < 3);
  const { y } = i420Planes(frame);
  t.ok(Math.abs((y.data[62] ?? 0) - 235) < 8 && Math.abs((y.data[63] ?? 0) - 16) < 8, 'rows start where they should');
});

t.test('h264: Annex B, parameter sets before each key frame, constrained baseline', async (t) => {
  const from = await encoder('h264');
  const first = mustEncode(from, numbered(320, 180, 1));
  const delta = mustEncode(from, numbered(320, 180, 2));
  const key = mustEncode(from, numbered(320, 180, 3), true);
  for (const chunk of [first, key]) {
    const types = nalTypes(chunk.data);
    t.ok(types.indexOf(7) === 0 && types.indexOf(8) === 1 && types.includes(5), types.join(' '));
  }
  t.same(nalTypes(delta.data), [1]);
  const sps = key.data.subarray(4);
  t.same([sps[1], (sps[2] ?? 0) & 0x40], [66, 0x40], 'profile 66 with constraint_set1');
});

/** Three seconds of a texture that moves, of which the last two count. */
function bitsPerSecond(from: VideoEncoder, startUs: number): { rate: number; keys: number } {
  let bytes = 0;
  let keys = 0;
  for (let i = 0; i < 90; i++) {
    const chunk = mustEncode(from, texture(320, 180, i, startUs + i * 33_333));
    if (chunk.type === 'key') keys++;
    if (i >= 30) bytes += chunk.data.length;
  }
  return { rate: (bytes * 8) / 2, keys };
}

function texture(width: number, height: number, number: number, timestamp: number): VideoFrame {
  const frame = blackFrame(width, height, timestamp);
  const { y } = i420Planes(frame);
  for (let row = 0; row < height; row++) {
    for (let x = 0; x < width; x++) y.data[row * width + x] = 128 + (((x + number * 3) * (row + number)) % 97) - 48;
  }
  return frame;
}

for (const codec of VIDEO_CODECS) {
  t.test(`${codec}: a new bitrate is followed`, async (t) => {
    const from = await encoder(codec, { bitrate: 1_500_000 });
    const high = bitsPerSecond(from, 0);
    from.setBitrate(120_000);
    const low = bitsPerSecond(from, 3_000_000);
    from.setBitrate(130_000);
    const same = bitsPerSecond(from, 6_000_000);
    t.ok(low.rate < high.rate / 2, `${high.rate} then ${low.rate}`);
    t.equal(low.keys, codec === 'vp8' ? 1 : 0, 'VP8 pays with a key frame');
    t.equal(same.keys, 0, 'a small change costs none');
    t.throws(
      () => {
        from.setBitrate(NaN);
      },
      { code: 'SLUICE_CONFIG_INVALID' },
    );
  });
}

t.test('bitrate steps fall fast, rise slowly and ignore small changes', (t) => {
  const steps = new BitrateSteps(1_000_000);
  const at = (ms: number, wanted: number, free = false): number => {
    steps.want(wanted);
    steps.step(ms * 1000, free);
    return steps.current;
  };
  t.equal(at(0, 800_000), 1_000_000, 'too little to matter');
  t.equal(at(10, 700_000), 700_000, 'the first step is free');
  t.equal(at(100, 500_000), 700_000, 'not again so soon');
  t.equal(at(520, 500_000), 500_000);
  t.equal(at(600, 200_000), 200_000, 'a deep fall at once');
  t.equal(at(1600, 300_000), 200_000, 'a rise waits');
  t.equal(at(2700, 300_000), 300_000);
  t.equal(at(3300, 700_000), 700_000, 'a large one not so long');
  t.equal(steps.step(9_000_000), false, 'nothing new is wanted');
  t.equal(at(9000, 690_000), 700_000);
  t.equal(at(9100, 690_000, true), 690_000, 'a small change where a key frame is made anyway');
  t.end();
});

t.test('encoders that cannot be are refused', async (t) => {
  for (const [codec, wrong] of [
    ['h264', { width: 321 }],
    ['vp8', { width: 0 }],
    ['vp8', { width: 4000, height: 4000 }],
    ['vp8', { frameRate: 0 }],
    ['vp8', { bitrate: NaN }],
    ['vp8', { keyFrameIntervalFrames: 0 }],
  ] as const) {
    await t.rejects(encoder(codec, wrong), { code: 'SLUICE_CONFIG_INVALID' });
  }
  const from = await encoder('vp8');
  t.throws(() => from.encode({ ...blackFrame(320, 180), width: 322 }), { code: 'SLUICE_FORMAT_MISMATCH' });
});

t.test('a picture that claims to be huge is not decoded', async (t) => {
  const to = await createVideoDecoder({ codec: 'vp8' });
  const data = new Uint8Array(400);
  data.set([0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f]);
  t.throws(() => to.decode({ kind: 'encoded-video', codec: 'vp8', type: 'key', data, timestamp: 0, duration: 0 }), {
    code: 'SLUICE_CODEC_FAILED',
  });
});
