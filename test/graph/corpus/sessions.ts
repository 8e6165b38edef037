import type { GoodGraphs } from './graphs.js';

/** Sessions and the branches of their streams. */
export const SESSIONS: GoodGraphs = {
  'mono into a publisher that is open': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  a: { type: tone, channels: 1 }
  p: { type: publisher, from: a }`,
    plan: ['p: channels=1'],
  },
  'everything open': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  a: { type: tone }
  p: { type: publisher, from: a }`,
    plan: ['a: channels=2'],
  },
  'a publisher with its format written': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  a: { type: tone, sampleRate: 16000, channels: 1 }
  p: { type: publisher, sampleRate: 48000, channels: 2, from: a }`,
    plan: ['a+resampler(sampleRate=48000 channels=2)'],
  },
  'an open source into a publisher that is written': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  a: { type: tone }
  p: { type: publisher, sampleRate: 24000, channels: 1, from: a }`,
    plan: ['a: sampleRate=24000'],
  },
  'Opus into a publisher': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  a: { type: tone }
  o: { type: opus-encoder, from: a }
  p: { type: publisher, from: o }`,
    plan: [],
  },
  'pictures into a publisher that is open': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: test-pattern, width: 1280, height: 720 }
  p: { type: publisher, audio: false, video: true, from: v }`,
    plan: ['p: width=1280 height=720'],
  },
  'pictures into a publisher of another size': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: test-pattern, width: 640, height: 480 }
  p: { type: publisher, audio: false, video: true, width: 1280, height: 720, from: v }`,
    plan: ['v+scaler(width=1280 height=720 format=YUV420P)'],
  },
  'pictures into a publisher of another rate': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: test-pattern, fps: 30 }
  p: { type: publisher, audio: false, video: true, fps: 15, from: v }`,
    plan: ['v+frame-rate(frameRate=15)'],
  },
  'pictures of an unknown size are encoded, not bent': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  f: { type: file, path: f.mp4 }
  p: { type: publisher, video: true, from: [f.audio, f.video] }`,
    plan: ['f.video+video-encoder(codec=vp8 bitrate=1000000 keyFrameIntervalMs=10000)'],
  },
  'an encoded stream of another codec': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: input, media: encoded-video, codec: h264 }
  p: { type: publisher, audio: false, video: true, codec: vp8, from: v }`,
    plan: ['v+video-decoder(format=YUV420P)', 'v+video-encoder(codec=vp8 bitrate=1000000 keyFrameIntervalMs=10000)'],
  },
  'a publisher that is open takes the codec that comes': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: input, media: encoded-video, codec: h264 }
  p: { type: publisher, audio: false, video: true, from: v }`,
    plan: ['p: codec=h264'],
  },
  'an echo': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: session-audio }
  p: { type: publisher, from: v }`,
    plan: [],
  },
  'a mix at the rate that is wanted': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: session-audio }
  m: { type: mixer, sampleRate: 16000, channels: 1, from: v }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['v: sampleRate=16000 channels=1'],
  },
  'a mix whose rate is written': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: session-audio, sampleRate: 48000, channels: 2 }
  m: { type: mixer, sampleRate: 16000, channels: 1, from: v }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['v+resampler(sampleRate=16000 channels=1)'],
  },
  'a mix into Opus': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: session-audio }
  r: { type: recorder, path: r.ogg, from: v }`,
    plan: ['v+opus-encoder(application=audio fec=false dtx=false)'],
  },
  'a recording does not decode': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber }
  r: { type: recorder, path: "{streamId}.webm", from: [v.audio, v.video] }`,
    plan: ['v: encoded=true'],
  },
  'a subscriber that is told to decode': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, encoded: false }
  r: { type: recorder, path: "{streamId}.webm", from: [v.audio, v.video] }`,
    plan: [
      'v.audio+opus-encoder(application=audio fec=false dtx=false)',
      'v.video+video-encoder(codec=vp8 bitrate=1000000 keyFrameIntervalMs=10000)',
    ],
  },
  'a subscriber that is told not to': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, encoded: true, media: audio }
  w: { type: wav, path: "{streamId}.wav", from: v }`,
    plan: ['v+opus-decoder(sampleRate=48000 channels=2)'],
  },
  'a subscriber decodes to what is wanted': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  m: { type: mixer, sampleRate: 16000, channels: 1, from: v }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['v: sampleRate=16000 channels=1'],
  },
  'a subscriber into both kinds of file': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  w: { type: wav, path: "{streamId}.wav", from: v }
  r: { type: recorder, path: "{streamId}.ogg", from: v }`,
    plan: ['v+opus-decoder(sampleRate=48000 channels=2)', 'v: encoded=true'],
  },
  'converters are made in each branch': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio, sampleRate: 48000, channels: 2 }
  m: { type: mixer, sampleRate: 16000, channels: 1, from: v }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['v+resampler(sampleRate=16000 channels=1)'],
  },
  'pictures of each branch at a size': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: video, encoded: false }
  e: { type: video-encoder, width: 320, height: 240, from: v }
  r: { type: recorder, path: "{streamId}.mp4", from: e }`,
    plan: ['e: codec=h264'],
  },
  'a bridge from one session into another': {
    graph: `
sessions: { a: { sessionId: a }, b: { sessionId: b } }
nodes:
  v: { type: subscriber, session: a, streams: speaker, encoded: true }
  p: { type: publisher, session: b, video: true, from: [v.audio, v.video] }`,
    plan: [],
  },
  'a speaker into the program': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio, streams: speaker }
  o: { type: output, media: audio, sampleRate: 16000, channels: 1, from: v }`,
    plan: ['v: sampleRate=16000 channels=1'],
  },
  'the program into a session': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  i: { type: input, media: audio, sampleRate: 24000, channels: 1 }
  p: { type: publisher, from: i }`,
    plan: ['p: sampleRate=24000 channels=1'],
  },
  'the program into a session that is written': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  i: { type: input, media: audio, sampleRate: 24000, channels: 1 }
  p: { type: publisher, sampleRate: 48000, channels: 2, from: i }`,
    plan: ['i+resampler(sampleRate=48000 channels=2)'],
  },
  'everyone gets a mix of the others': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  m: { type: mixer, from: v }
  p: { type: publisher, from: m.others }
  r: { type: recorder, path: all.ogg, from: m }`,
    plan: ['m+opus-encoder(application=audio fec=false dtx=false)', 'm: channels=2'],
  },
  'pictures and a mix of the others go back together': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, encoded: true }
  m: { type: mixer, from: v.audio }
  p: { type: publisher, video: true, sampleRate: 48000, channels: 2, from: [m.others, v.video] }`,
    plan: ['v.audio+opus-decoder(sampleRate=48000 channels=2)', 'm: channels=2'],
  },
};
