import type { GoodGraphs } from './graphs.js';

/** Encoding and decoding. */
export const CODECS: GoodGraphs = {
  'sound of several rates in turn is encoded at the best': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 44100, channels: 2 }
  b: { type: tone, sampleRate: 48000, channels: 2 }
  s: { type: switch, media: audio, input: a, from: [a, b] }
  r: { type: recorder, path: r.webm, from: s }`,
    plan: ['s+resampler(sampleRate=48000 channels=2)', 's+opus-encoder(application=audio fec=false dtx=false)'],
  },
  'sound into a recording': {
    graph: `
nodes:
  a: { type: tone }
  r: { type: recorder, path: r.webm, from: a }`,
    plan: ['a+opus-encoder(application=audio fec=false dtx=false)'],
  },
  'sound of a rate that Opus does not have': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 44100 }
  r: { type: recorder, path: r.ogg, from: a }`,
    plan: ['a+resampler(sampleRate=48000 channels=1)', 'a+opus-encoder(application=audio fec=false dtx=false)'],
  },
  'sound of an open rate into Opus': {
    graph: `
nodes:
  a: { type: tone }
  o: { type: opus-encoder, from: a }
  r: { type: recorder, path: r.ogg, from: o }`,
    plan: [],
  },
  'sound of 32 kHz into an encoder': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 32000 }
  o: { type: opus-encoder, from: a }
  r: { type: recorder, path: r.ogg, from: o }`,
    plan: ['a+resampler(sampleRate=48000 channels=1)'],
  },
  'sound of 12 kHz fits Opus': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 12000 }
  o: { type: opus-encoder, from: a }
  r: { type: recorder, path: r.ogg, from: o }`,
    plan: [],
  },
  'Opus into a WAV file': {
    graph: `
nodes:
  a: { type: tone }
  o: { type: opus-encoder, from: a }
  w: { type: wav, path: w.wav, from: o }`,
    plan: ['o+opus-decoder(sampleRate=48000 channels=2)'],
  },
  'Opus into a mixer': {
    graph: `
nodes:
  a: { type: tone }
  o: { type: opus-encoder, from: a }
  m: { type: mixer, sampleRate: 16000, channels: 1, from: o }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['o+opus-decoder(sampleRate=16000 channels=1)'],
  },
  'Opus into a mixer of a rate that Opus does not have': {
    graph: `
nodes:
  a: { type: tone }
  o: { type: opus-encoder, from: a }
  m: { type: mixer, sampleRate: 44100, channels: 2, from: o }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['o+opus-decoder(sampleRate=48000 channels=2)', 'o+resampler(sampleRate=44100 channels=2)'],
  },
  'Opus into an open mixer': {
    graph: `
nodes:
  a: { type: tone }
  o: { type: opus-encoder, from: a }
  m: { type: mixer, from: o }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['o+opus-decoder(sampleRate=48000 channels=1)'],
  },
  'a decoder that is open': {
    graph: `
nodes:
  a: { type: tone }
  o: { type: opus-encoder, from: a }
  d: { type: opus-decoder, from: o }
  m: { type: mixer, sampleRate: 24000, channels: 1, from: d }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['d: sampleRate=24000 channels=1'],
  },
  'a decoder that is written': {
    graph: `
nodes:
  a: { type: tone }
  o: { type: opus-encoder, from: a }
  d: { type: opus-decoder, sampleRate: 48000, channels: 2, from: o }
  m: { type: mixer, sampleRate: 24000, channels: 1, from: d }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['d+resampler(sampleRate=24000 channels=1)'],
  },
  'a gain on Opus': {
    graph: `
nodes:
  a: { type: tone }
  o: { type: opus-encoder, from: a }
  g: { type: gain, db: -6, from: o }
  w: { type: wav, path: w.wav, from: g }`,
    plan: ['o+opus-decoder(sampleRate=48000 channels=2)'],
  },
  'a gain between Opus and Opus': {
    graph: `
nodes:
  a: { type: input, media: encoded-audio }
  g: { type: gain, db: -6, from: a }
  r: { type: recorder, path: r.ogg, from: g }`,
    plan: ['a+opus-decoder(sampleRate=48000 channels=2)', 'g+opus-encoder(application=audio fec=false dtx=false)'],
  },
  'Opus that stays Opus': {
    graph: `
nodes:
  a: { type: input, media: encoded-audio }
  r: { type: recorder, path: r.ogg, from: a }`,
    plan: [],
  },
  'a delay does not decode': {
    graph: `
nodes:
  a: { type: input, media: encoded-audio }
  d: { type: delay, ms: 100, from: a }
  r: { type: recorder, path: r.ogg, from: d }`,
    plan: [],
  },
  'a file is decoded and encoded again': {
    graph: `
nodes:
  a: { type: file, path: a.mp3 }
  r: { type: recorder, path: r.webm, from: a.audio }`,
    plan: ['a.audio+opus-encoder(application=audio fec=false dtx=false)'],
  },
  'a file at 44100 Hz into Opus': {
    graph: `
nodes:
  a: { type: file, path: a.mp3, sampleRate: 44100 }
  r: { type: recorder, path: r.webm, from: a.audio }`,
    plan: [
      'a.audio+resampler(sampleRate=48000 channels=2)',
      'a.audio+opus-encoder(application=audio fec=false dtx=false)',
    ],
  },
  'a file that gives chunks as they are': {
    graph: `
nodes:
  a: { type: file, path: a.ogg, encoded: true }
  r: { type: recorder, path: r.webm, from: a.audio }`,
    plan: [],
  },
  'chunks of a file into a WAV file': {
    graph: `
nodes:
  a: { type: file, path: a.ogg, encoded: true }
  w: { type: wav, path: w.wav, from: a.audio }`,
    plan: ['a.audio+opus-decoder(sampleRate=48000 channels=2)'],
  },
  'pictures into a recording': {
    graph: `
nodes:
  p: { type: test-pattern }
  r: { type: recorder, path: r.webm, from: p }`,
    plan: ['p+video-encoder(codec=vp8 frameRate=30 bitrate=1000000 keyFrameIntervalMs=10000)'],
  },
  'pictures into MP4': {
    graph: `
nodes:
  p: { type: test-pattern, fps: 15 }
  r: { type: recorder, path: r.mp4, from: p }`,
    plan: ['p+video-encoder(codec=h264 frameRate=15 bitrate=1000000 keyFrameIntervalMs=10000)'],
  },
  'an encoder that is open': {
    graph: `
nodes:
  p: { type: test-pattern }
  e: { type: video-encoder, from: p }
  r: { type: recorder, path: r.mp4, from: e }`,
    plan: ['e: codec=h264'],
  },
  'an encoder of another codec': {
    graph: `
nodes:
  p: { type: test-pattern }
  e: { type: video-encoder, codec: vp8, from: p }
  r: { type: recorder, path: r.mp4, from: e }`,
    plan: ['e+video-decoder(format=YUV420P)', 'e+video-encoder(codec=h264 bitrate=1000000 keyFrameIntervalMs=10000)'],
  },
  'an unknown codec is taken at its word': {
    graph: `
nodes:
  v: { type: input, media: encoded-video }
  r: { type: recorder, path: r.mp4, from: v }`,
    plan: [],
  },
  'a known codec that does not fit': {
    graph: `
nodes:
  v: { type: input, media: encoded-video, codec: vp8 }
  r: { type: recorder, path: r.mp4, from: v }`,
    plan: ['v+video-decoder(format=YUV420P)', 'v+video-encoder(codec=h264 bitrate=1000000 keyFrameIntervalMs=10000)'],
  },
  'an unknown codec into two kinds of file': {
    graph: `
nodes:
  v: { type: input, media: encoded-video }
  r: { type: recorder, path: r.webm, from: v }
  q: { type: recorder, path: q.mp4, from: v }`,
    plan: ['v+video-decoder(format=YUV420P)', 'v+video-encoder(codec=h264 bitrate=1000000 keyFrameIntervalMs=10000)'],
  },
  'sound and picture of a file into a recording': {
    graph: `
nodes:
  a: { type: file, path: a.mp4 }
  r: { type: recorder, path: r.webm, from: [a.audio, a.video] }`,
    plan: [
      'a.audio+opus-encoder(application=audio fec=false dtx=false)',
      'a.video+video-encoder(codec=vp8 bitrate=1000000 keyFrameIntervalMs=10000)',
    ],
  },
  'inputs are found by what can be made of them': {
    graph: `
nodes:
  a: { type: tone }
  p: { type: test-pattern }
  r: { type: recorder, path: r.webm, from: [p, a] }`,
    plan: [
      'p+video-encoder(codec=vp8 frameRate=30 bitrate=1000000 keyFrameIntervalMs=10000)',
      'a+opus-encoder(application=audio fec=false dtx=false)',
    ],
  },
  'inputs by name': {
    graph: `
nodes:
  a: { type: tone }
  p: { type: test-pattern }
  r: { type: recorder, path: r.webm, from: { video: p, audio: a } }`,
    plan: [
      'p+video-encoder(codec=vp8 frameRate=30 bitrate=1000000 keyFrameIntervalMs=10000)',
      'a+opus-encoder(application=audio fec=false dtx=false)',
    ],
  },
  'encoded pictures, to the program as raw ones': {
    graph: `
nodes:
  v: { type: input, media: encoded-video, codec: h264 }
  o: { type: output, media: video, from: v }`,
    plan: ['v+video-decoder(format=YUV420P)'],
  },
  'encoded pictures of a size': {
    graph: `
nodes:
  v: { type: input, media: encoded-video, codec: h264 }
  o: { type: output, media: video, format: RGB24, width: 320, height: 240, from: v }`,
    plan: ['v+video-decoder(format=RGB24)', 'v+scaler(width=320 height=240 format=RGB24)'],
  },
  'vp8 to h264 for the program': {
    graph: `
nodes:
  v: { type: input, media: encoded-video, codec: vp8 }
  o: { type: output, media: encoded-video, codec: h264, from: v }`,
    plan: ['v+video-decoder(format=YUV420P)', 'v+video-encoder(codec=h264 bitrate=1000000 keyFrameIntervalMs=10000)'],
  },
  'raw pictures to the program encoded': {
    graph: `
nodes:
  p: { type: test-pattern }
  o: { type: output, media: encoded-video, codec: h264, from: p }`,
    plan: ['p+video-encoder(codec=h264 frameRate=30 bitrate=1000000 keyFrameIntervalMs=10000)'],
  },
  'raw sound to the program encoded': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 44100, channels: 2 }
  o: { type: output, media: encoded-audio, from: a }`,
    plan: ['a+resampler(sampleRate=48000 channels=2)', 'a+opus-encoder(application=audio fec=false dtx=false)'],
  },
  'Opus to the program as 44.1 kHz': {
    graph: `
nodes:
  a: { type: input, media: encoded-audio }
  o: { type: output, media: audio, sampleRate: 44100, channels: 2, from: a }`,
    plan: ['a+opus-decoder(sampleRate=48000 channels=2)', 'a+resampler(sampleRate=44100 channels=2)'],
  },
  'one output encoded once for two files': {
    graph: `
nodes:
  a: { type: tone }
  r: { type: recorder, path: r.webm, from: a }
  q: { type: recorder, path: q.ogg, from: a }`,
    plan: ['a+opus-encoder(application=audio fec=false dtx=false)'],
  },
  'one output raw and encoded': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a }
  q: { type: recorder, path: q.ogg, from: a }`,
    plan: ['a+opus-encoder(application=audio fec=false dtx=false)'],
  },
};
