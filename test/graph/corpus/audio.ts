import type { GoodGraphs } from './graphs.js';

/** Raw audio: rates and channels. */
export const AUDIO: GoodGraphs = {
  'nothing to convert': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a }`,
    plan: [],
  },
  'one source, two readers of one format': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a }
  b: { type: "null", from: a }`,
    plan: [],
  },
  'rate that is written, into a mixer': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 16000 }
  m: { type: mixer, sampleRate: 48000, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a+resampler(sampleRate=48000 channels=1)'],
  },
  'rate that is open follows the mixer': {
    graph: `
nodes:
  a: { type: tone }
  m: { type: mixer, sampleRate: 16000, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a: sampleRate=16000'],
  },
  'a mixer that is open follows its source': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 16000 }
  m: { type: mixer, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['m: sampleRate=16000'],
  },
  'channels that are written': {
    graph: `
nodes:
  a: { type: tone, channels: 2 }
  m: { type: mixer, channels: 1, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a+resampler(sampleRate=48000 channels=1)'],
  },
  'channels that are open': {
    graph: `
nodes:
  a: { type: tone }
  m: { type: mixer, channels: 2, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a: channels=2'],
  },
  'rate and channels in one converter': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 8000, channels: 1 }
  m: { type: mixer, sampleRate: 48000, channels: 2, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a+resampler(sampleRate=48000 channels=2)'],
  },
  'an open mixer takes the side of most of its sources': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 16000 }
  b: { type: tone, sampleRate: 16000 }
  c: { type: tone, sampleRate: 48000 }
  m: { type: mixer, from: [a, b, c] }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['c+resampler(sampleRate=16000 channels=1)', 'm: sampleRate=16000'],
  },
  'readers of one output that want the same share a converter': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 44100 }
  m: { type: mixer, sampleRate: 48000, channels: 1, from: a }
  k: { type: mixer, sampleRate: 48000, channels: 1, from: a }
  w: { type: wav, path: w.wav, from: m }
  v: { type: wav, path: v.wav, from: k }`,
    plan: ['a+resampler(sampleRate=48000 channels=1)'],
  },
  'readers of one output that want different formats': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 44100 }
  m: { type: mixer, sampleRate: 48000, channels: 1, from: a }
  k: { type: mixer, sampleRate: 16000, channels: 1, from: a }
  w: { type: wav, path: w.wav, from: m }
  v: { type: wav, path: v.wav, from: k }`,
    plan: ['a+resampler(sampleRate=48000 channels=1)', 'a+resampler-2(sampleRate=16000 channels=1)'],
  },
  'a reader that fits takes it as it is': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 48000 }
  m: { type: mixer, sampleRate: 48000, from: a }
  k: { type: mixer, sampleRate: 16000, from: a }
  w: { type: wav, path: w.wav, from: m }
  v: { type: wav, path: v.wav, from: k }`,
    plan: ['a+resampler(sampleRate=16000 channels=1)'],
  },
  'an open source gives what spares the dearer converter': {
    graph: `
nodes:
  a: { type: tone }
  m: { type: mixer, sampleRate: 24000, channels: 1, from: a }
  k: { type: mixer, sampleRate: 24000, channels: 2, from: a }
  w: { type: wav, path: w.wav, from: m }
  v: { type: wav, path: v.wav, from: k }`,
    plan: ['a+resampler(sampleRate=24000 channels=2)', 'a: sampleRate=24000'],
  },
  'through a gain to an open source': {
    graph: `
nodes:
  a: { type: tone }
  g: { type: gain, db: -3, from: a }
  m: { type: mixer, sampleRate: 16000, channels: 2, from: g }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a: sampleRate=16000 channels=2'],
  },
  'through two gains and a delay': {
    graph: `
nodes:
  a: { type: tone }
  g: { type: gain, db: -3, from: a }
  h: { type: gain, db: 3, from: g }
  d: { type: delay, ms: 40, from: h }
  m: { type: mixer, sampleRate: 8000, from: d }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a: sampleRate=8000'],
  },
  'behind a gain when the source is written': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 16000, channels: 1 }
  g: { type: gain, db: -3, from: a }
  m: { type: mixer, sampleRate: 48000, from: g }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['g+resampler(sampleRate=48000 channels=1)'],
  },
  'a resampler that is open is told what to do': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 8000, channels: 1 }
  r: { type: resampler, from: a }
  m: { type: mixer, sampleRate: 24000, channels: 2, from: r }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['r: sampleRate=24000 channels=2'],
  },
  'a resampler that is half open': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 8000, channels: 1 }
  r: { type: resampler, sampleRate: 24000, from: a }
  m: { type: mixer, sampleRate: 24000, channels: 2, from: r }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['r: channels=2'],
  },
  'a resampler that is written and does not suffice': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 8000, channels: 1 }
  r: { type: resampler, sampleRate: 24000, channels: 1, from: a }
  m: { type: mixer, sampleRate: 24000, channels: 2, from: r }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['r+resampler(sampleRate=24000 channels=2)'],
  },
  'a file is decoded to what is wanted': {
    graph: `
nodes:
  a: { type: file, path: a.mp3 }
  m: { type: mixer, sampleRate: 16000, channels: 1, live: false, from: a.audio }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a: sampleRate=16000 channels=1'],
  },
  'a file that is written otherwise': {
    graph: `
nodes:
  a: { type: file, path: a.mp3, sampleRate: 44100, channels: 2 }
  m: { type: mixer, sampleRate: 16000, channels: 1, live: false, from: a.audio }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a.audio+resampler(sampleRate=16000 channels=1)'],
  },
  'two sources of a mixer that differ': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 8000 }
  b: { type: tone, sampleRate: 44100 }
  m: { type: mixer, sampleRate: 48000, from: [a, b] }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a+resampler(sampleRate=48000 channels=1)', 'b+resampler(sampleRate=48000 channels=1)'],
  },
  'a mixer into a mixer': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 16000, channels: 1 }
  m: { type: mixer, sampleRate: 16000, channels: 1, from: a }
  k: { type: mixer, sampleRate: 48000, channels: 2, from: m }
  w: { type: wav, path: w.wav, from: k }`,
    plan: ['m+resampler(sampleRate=48000 channels=2)'],
  },
  'an open mixer between two written sides': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 16000, channels: 1 }
  m: { type: mixer, from: a }
  k: { type: mixer, sampleRate: 48000, channels: 2, from: m }
  w: { type: wav, path: w.wav, from: k }`,
    plan: ['a+resampler(sampleRate=48000 channels=2)', 'm: channels=2'],
  },
  'strict, and nothing to convert': {
    graph: `
strict: true
nodes:
  a: { type: tone }
  m: { type: mixer, sampleRate: 16000, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a: sampleRate=16000'],
  },
  'strict, with the converter written': {
    graph: `
strict: true
nodes:
  a: { type: tone, sampleRate: 8000 }
  r: { type: resampler, from: a }
  m: { type: mixer, sampleRate: 16000, from: r }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['r: sampleRate=16000'],
  },
  'a stream of the program that says nothing of its format': {
    graph: `
nodes:
  a: { type: input, media: audio }
  m: { type: mixer, sampleRate: 16000, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a+resampler(sampleRate=16000 channels=1)'],
  },
  'a stream of the program that says its rate': {
    graph: `
nodes:
  a: { type: input, media: audio, sampleRate: 16000 }
  m: { type: mixer, sampleRate: 16000, channels: 1, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a+resampler(sampleRate=16000 channels=1)'],
  },
  'a stream of the program that says all': {
    graph: `
nodes:
  a: { type: input, media: audio, sampleRate: 16000, channels: 1 }
  m: { type: mixer, sampleRate: 16000, channels: 1, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    plan: [],
  },
  'what the program wants': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 48000, channels: 2 }
  o: { type: output, media: audio, sampleRate: 16000, channels: 1, from: a }`,
    plan: ['a+resampler(sampleRate=16000 channels=1)'],
  },
  'a program that takes anything': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 8000 }
  o: { type: output, from: a }`,
    plan: [],
  },
  'a program that wants mono of any rate': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 8000, channels: 2 }
  o: { type: output, media: audio, channels: 1, from: a }`,
    plan: ['a+resampler(sampleRate=8000 channels=1)'],
  },
};
