import type { GoodGraphs } from './graphs.js';

/** Raw pictures: size, pixel format, frame rate. */
export const PICTURES: GoodGraphs = {
  'a size that is open': {
    graph: `
nodes:
  p: { type: test-pattern }
  o: { type: output, media: video, width: 320, height: 240, from: p }`,
    plan: ['p: width=320 height=240'],
  },
  'a size that is written': {
    graph: `
nodes:
  p: { type: test-pattern, width: 640, height: 480 }
  o: { type: output, media: video, width: 320, height: 240, from: p }`,
    plan: ['p+scaler(width=320 height=240 format=YUV420P)'],
  },
  'a width alone': {
    graph: `
nodes:
  p: { type: test-pattern, width: 640, height: 480 }
  o: { type: output, media: video, width: 320, from: p }`,
    plan: ['p+scaler(width=320 format=YUV420P)'],
  },
  'a pixel format': {
    graph: `
nodes:
  p: { type: test-pattern }
  o: { type: output, media: video, format: RGB24, from: p }`,
    plan: ['p+scaler(format=RGB24)'],
  },
  'a pixel format and a size in one converter': {
    graph: `
nodes:
  p: { type: test-pattern, width: 640, height: 480 }
  o: { type: output, media: video, format: ARGB32, width: 320, height: 240, from: p }`,
    plan: ['p+scaler(width=320 height=240 format=ARGB32)'],
  },
  'a frame rate that is open': {
    graph: `
nodes:
  p: { type: test-pattern }
  o: { type: output, media: video, frameRate: 10, from: p }`,
    plan: ['p: fps=10'],
  },
  'a frame rate that is written': {
    graph: `
nodes:
  p: { type: test-pattern, fps: 30 }
  o: { type: output, media: video, frameRate: 10, from: p }`,
    plan: ['p+frame-rate(frameRate=10)'],
  },
  'fewer pictures are dropped before they are scaled': {
    graph: `
nodes:
  p: { type: test-pattern, fps: 30, width: 640, height: 480 }
  o: { type: output, media: video, frameRate: 10, width: 320, height: 240, from: p }`,
    plan: ['p+frame-rate(frameRate=10)', 'p+scaler(width=320 height=240 format=YUV420P)'],
  },
  'more pictures are repeated after they were scaled': {
    graph: `
nodes:
  p: { type: test-pattern, fps: 10, width: 640, height: 480 }
  o: { type: output, media: video, frameRate: 30, width: 320, height: 240, from: p }`,
    plan: ['p+scaler(width=320 height=240 format=YUV420P)', 'p+frame-rate(frameRate=30)'],
  },
  'pictures of a rate that is not known': {
    graph: `
nodes:
  v: { type: input, media: video, format: YUV420P, width: 640, height: 480 }
  o: { type: output, media: video, frameRate: 25, from: v }`,
    plan: ['v+frame-rate(frameRate=25)'],
  },
  'pictures of a size that is not known': {
    graph: `
nodes:
  v: { type: input, media: video, format: YUV420P }
  o: { type: output, media: video, width: 320, height: 240, from: v }`,
    plan: ['v+scaler(width=320 height=240 format=YUV420P)'],
  },
  'pictures of which nothing is known': {
    graph: `
nodes:
  v: { type: input, media: video }
  o: { type: output, media: video, format: YUV420P, width: 320, height: 240, frameRate: 15, from: v }`,
    plan: ['v+frame-rate(frameRate=15)', 'v+scaler(width=320 height=240 format=YUV420P)'],
  },
  'an encoder with a rate of its own': {
    graph: `
nodes:
  p: { type: test-pattern, fps: 30 }
  e: { type: video-encoder, frameRate: 10, from: p }
  r: { type: recorder, path: r.webm, from: e }`,
    plan: ['p+frame-rate(frameRate=10)'],
  },
  'an encoder with a rate of its own behind an open source': {
    graph: `
nodes:
  p: { type: test-pattern }
  e: { type: video-encoder, frameRate: 10, from: p }
  r: { type: recorder, path: r.webm, from: e }`,
    plan: ['p: fps=10'],
  },
  'an encoder without one takes what comes': {
    graph: `
nodes:
  p: { type: test-pattern, fps: 10 }
  e: { type: video-encoder, from: p }
  r: { type: recorder, path: r.webm, from: e }`,
    plan: [],
  },
  'a scaler keeps the rate': {
    graph: `
nodes:
  p: { type: test-pattern, fps: 10 }
  s: { type: scaler, width: 320, from: p }
  o: { type: output, media: video, frameRate: 10, from: s }`,
    plan: [],
  },
  'a scaler of one side keeps the shape': {
    graph: `
nodes:
  p: { type: test-pattern, width: 640, height: 480 }
  s: { type: scaler, width: 320, from: p }
  o: { type: output, media: video, width: 320, height: 240, from: s }`,
    plan: [],
  },
  'a scaler that is open': {
    graph: `
nodes:
  p: { type: test-pattern, width: 640, height: 480 }
  s: { type: scaler, from: p }
  o: { type: output, media: video, format: RGB24, width: 320, height: 240, from: s }`,
    plan: ['s: width=320 height=240 format=RGB24'],
  },
  'a scaler with its size written': {
    graph: `
nodes:
  p: { type: test-pattern, width: 640, height: 480 }
  s: { type: scaler, width: 320, height: 240, from: p }
  o: { type: output, media: video, format: RGB24, from: s }`,
    plan: ['s: format=RGB24'],
  },
  'a frame rate that is open twice': {
    graph: `
nodes:
  p: { type: test-pattern, fps: 30 }
  f: { type: frame-rate, from: p }
  o: { type: output, media: video, frameRate: 10, from: f }`,
    plan: ['f: frameRate=10'],
  },
  'a frame rate keeps the size': {
    graph: `
nodes:
  p: { type: test-pattern, width: 640, height: 480 }
  f: { type: frame-rate, frameRate: 10, from: p }
  o: { type: output, media: video, width: 640, height: 480, from: f }`,
    plan: [],
  },
  'a decoder that is open gives the pixels that are wanted': {
    graph: `
nodes:
  v: { type: input, media: encoded-video, codec: vp8 }
  d: { type: video-decoder, from: v }
  o: { type: output, media: video, format: RGB24, from: d }`,
    plan: ['d: format=RGB24'],
  },
  'a decoder of pictures that is written': {
    graph: `
nodes:
  v: { type: input, media: encoded-video, codec: vp8 }
  d: { type: video-decoder, format: YUV420P, from: v }
  o: { type: output, media: video, format: RGB24, from: d }`,
    plan: ['d+scaler(format=RGB24)'],
  },
  'a delay keeps everything': {
    graph: `
nodes:
  p: { type: test-pattern }
  d: { type: delay, ms: 100, from: p }
  o: { type: output, media: video, width: 320, height: 240, frameRate: 5, from: d }`,
    plan: ['p: width=320 height=240 fps=5'],
  },
  'two readers of one size share a scaler': {
    graph: `
nodes:
  p: { type: test-pattern, width: 640, height: 480 }
  o: { type: output, media: video, width: 320, height: 240, from: p }
  q: { type: output, media: video, width: 320, height: 240, from: p }`,
    plan: ['p+scaler(width=320 height=240 format=YUV420P)'],
  },
  'two readers share what they have in common': {
    graph: `
nodes:
  v: { type: input, media: encoded-video, codec: vp8 }
  o: { type: output, media: video, format: YUV420P, width: 320, height: 240, from: v }
  q: { type: output, media: video, format: YUV420P, width: 640, height: 480, from: v }`,
    plan: [
      'v+video-decoder(format=YUV420P)',
      'v+scaler(width=320 height=240 format=YUV420P)',
      'v+scaler-2(width=640 height=480 format=YUV420P)',
    ],
  },
  'three readers, three sizes': {
    graph: `
nodes:
  p: { type: test-pattern, width: 640, height: 480 }
  o: { type: output, media: video, width: 320, height: 240, from: p }
  q: { type: output, media: video, width: 192, height: 128, from: p }
  u: { type: output, media: video, width: 1280, height: 720, from: p }`,
    plan: [
      'p+scaler(width=320 height=240 format=YUV420P)',
      'p+scaler-2(width=192 height=128 format=YUV420P)',
      'p+scaler-3(width=1280 height=720 format=YUV420P)',
    ],
  },
  'pictures of a file as they are': {
    graph: `
nodes:
  f: { type: file, path: f.mp4 }
  n: { type: "null", from: f.video }`,
    plan: [],
  },
  'pictures of a file, at a size': {
    graph: `
nodes:
  f: { type: file, path: f.mp4 }
  o: { type: output, media: video, width: 320, height: 240, from: f.video }`,
    plan: ['f.video+scaler(width=320 height=240 format=YUV420P)'],
  },
  'encoded pictures at a rate of their own': {
    graph: `
nodes:
  v: { type: input, media: encoded-video, codec: h264 }
  e: { type: video-encoder, codec: vp8, frameRate: 15, from: v }
  r: { type: recorder, path: r.webm, from: e }`,
    plan: ['v+video-decoder(format=YUV420P)', 'v+frame-rate(frameRate=15)'],
  },
};
