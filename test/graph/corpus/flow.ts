import type { GoodGraphs } from './graphs.js';

/** Push and pull, queues, latency, failures. */
export const FLOW: GoodGraphs = {
  'live into a file': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a }`,
    plan: ['a>w push 500 drop-oldest', 'a~w 20..520 live'],
  },
  'as fast as it is read into a file': {
    graph: `
nodes:
  a: { type: tone, live: false }
  w: { type: wav, path: w.wav, from: a }`,
    plan: ['a>w pull', 'a~w 20..20'],
  },
  'live into what takes all': {
    graph: `
nodes:
  a: { type: tone }
  x: { type: "null", from: a }`,
    plan: ['a>x push', 'a~x 20..20 live'],
  },
  'a queue that is asked for': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a, queue: { maxMs: 200, overflow: fail } }`,
    plan: ['a>w push 200 fail', 'a~w 20..220 live'],
  },
  'a queue with its defaults': {
    graph: `
nodes:
  a: { type: tone, live: false }
  w: { type: wav, path: w.wav, from: a, queue: {} }`,
    plan: ['a>w pull 500 drop-oldest', 'a~w 20..520'],
  },
  'live into a mixer by the clock': {
    graph: `
nodes:
  a: { type: tone }
  m: { type: mixer, from: a }
  x: { type: "null", from: m }`,
    plan: ['a>m push', 'm>x push', 'a~x 20..120 live'],
  },
  'live into a mixer that waits for all': {
    graph: `
nodes:
  a: { type: tone }
  m: { type: mixer, live: false, from: a }
  x: { type: "null", from: m }`,
    plan: ['a>m push 500 drop-oldest', 'm>x pull', 'a~x 20..720 live'],
  },
  'behind a gain, live stays live': {
    graph: `
nodes:
  a: { type: tone }
  g: { type: gain, db: 1, from: a }
  w: { type: wav, path: w.wav, from: g }`,
    plan: ['a>g push', 'g>w push 500 drop-oldest', 'a~w 20..520 live'],
  },
  'behind a queue nothing is live': {
    graph: `
nodes:
  a: { type: tone }
  g: { type: gain, db: 1, from: a, queue: { maxMs: 100 } }
  w: { type: wav, path: w.wav, from: g }`,
    plan: ['a>g push 100 drop-oldest', 'g>w pull', 'a~w 20..120 live'],
  },
  'an encoder of pictures waits, so it has a queue': {
    graph: `
nodes:
  p: { type: test-pattern }
  e: { type: video-encoder, from: p }
  r: { type: recorder, path: r.webm, from: e }`,
    plan: ['p>e push 500 drop-oldest', 'e>r pull', 'p~r 0..600 live'],
  },
  'a live mixer makes live of files': {
    graph: `
nodes:
  a: { type: file, path: a.mp3 }
  m: { type: mixer, from: a.audio }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a>m pull', 'm>w push 500 drop-oldest', 'a~w 0..600 live'],
  },
  'a mixer that is not live does not': {
    graph: `
nodes:
  a: { type: file, path: a.mp3 }
  m: { type: mixer, live: false, from: a.audio }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a>m pull', 'm>w pull', 'a~w 0..200'],
  },
  'a session waits': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  a: { type: tone, channels: 2 }
  p: { type: publisher, from: a }`,
    plan: ['a>p push 500 drop-oldest', 'a~p 20..1020 live'],
  },
  'a recording may wait longer': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: session-audio }
  r: { type: recorder, path: r.ogg, waitMs: 1000, from: v }`,
    plan: ['v>v+opus-encoder push', 'v+opus-encoder>r push 6000 drop-oldest', 'v~r 40..6240 live'],
  },
  'a program that is live': {
    graph: `
nodes:
  a: { type: input, media: audio, sampleRate: 48000, channels: 1, live: true }
  w: { type: wav, path: w.wav, from: a }`,
    plan: ['a>w push 500 drop-oldest', 'a~w 0..500 live'],
  },
  'a program that waits': {
    graph: `
nodes:
  a: { type: input, media: audio, sampleRate: 48000, channels: 1 }
  w: { type: wav, path: w.wav, from: a }`,
    plan: ['a>w pull', 'a~w 0..0'],
  },
  'a diamond of equal ways': {
    graph: `
nodes:
  a: { type: tone, live: false }
  g: { type: gain, db: 1, from: a }
  m: { type: mixer, live: false, from: [a, g] }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a>g pull', 'a>m pull', 'g>m pull', 'm>w pull', 'a~w 20..220'],
  },
  'a diamond with a delay that fits': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 180, from: a }
  m: { type: mixer, live: false, from: [a, d] }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a>d pull', 'a>m pull', 'd>m pull', 'm>w pull', 'a~w 200..400'],
  },
  'a diamond with a delay and a mixer that holds more': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 1000, from: a }
  m: { type: mixer, live: false, queueMs: 1020, from: [a, d] }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a>d pull', 'a>m pull', 'd>m pull', 'm>w pull', 'a~w 1020..2040'],
  },
  'a diamond with a delay and a queue that blocks': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 1000, from: a }
  m: { type: mixer, live: false, from: [a, d], queue: { maxMs: 900, overflow: block } }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a>d pull', 'a>m pull 900 block', 'd>m pull 900 block', 'm>w pull', 'a~w 1020..2120'],
  },
  'a diamond with equal delays': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 1000, from: a }
  e: { type: delay, ms: 900, from: a }
  m: { type: mixer, live: false, from: [d, e] }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a>d pull', 'a>e pull', 'd>m pull', 'e>m pull', 'm>w pull', 'a~w 1020..1220'],
  },
  'a diamond into a live mixer never waits': {
    graph: `
nodes:
  a: { type: tone }
  d: { type: delay, ms: 1000, from: a }
  m: { type: mixer, from: [a, d] }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a>d push', 'a>m push', 'd>m push', 'm>w push 500 drop-oldest', 'a~w 1020..1620 live'],
  },
  'two outputs of a file are no diamond': {
    graph: `
nodes:
  f: { type: file, path: f.mp4 }
  d: { type: delay, ms: 5000, from: f.audio }
  r: { type: recorder, path: r.webm, from: [d, f.video] }`,
    plan: [
      'f>d pull',
      'd>d+opus-encoder pull',
      'f>f.video+video-encoder pull',
      'd+opus-encoder>r pull',
      'f.video+video-encoder>r pull',
      'f~r 5020..5020',
    ],
  },
  'on error, restart': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a, onError: restart }`,
    plan: ['a>w push 500 drop-oldest', 'a~w 20..520 live', 'w restart'],
  },
  'on error, what only serves a node ends with it': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a, onError: end-branch }
  x: { type: "null", from: a }`,
    plan: ['a>w push 500 drop-oldest', 'a>x push', 'a~w 20..520 live', 'a~x 20..20 live', 'w end-branch'],
  },
  'on error, in a branch': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  w: { type: wav, path: "{streamId}.wav", from: v, onError: { action: restart, maxRestarts: 2 } }`,
    plan: ['v>w push 500 drop-oldest', 'v~w 20..720 live', 'v end-branch', 'w restart'],
  },
  'behind a queue node media is pulled, and its readers need no queue': {
    graph: `
nodes:
  a: { type: tone }
  q: { type: queue, maxMs: 300, from: a }
  w: { type: wav, path: w.wav, from: q }`,
    plan: ['a>q push', 'q>w pull', 'a~w 20..320 live'],
  },
  'each reader of a tee has a queue in it': {
    graph: `
nodes:
  a: { type: tone }
  t: { type: tee, maxMs: 200, from: a }
  w: { type: wav, path: w.wav, from: t }
  x: { type: "null", from: t }`,
    plan: ['a>t push', 't>w pull', 't>x pull', 'a~w 20..220 live', 'a~x 20..220 live'],
  },
  'a switch hands on the pace of what it lets through': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 48000, channels: 1 }
  b: { type: tone, sampleRate: 48000, channels: 1 }
  s: { type: switch, media: audio, from: [a, b], input: b }
  w: { type: wav, path: w.wav, from: s }`,
    plan: ['a>s push', 'b>s push', 's>w push 500 drop-oldest', 'a~w 20..520 live', 'b~w 20..520 live'],
  },
  'sound and pictures in step': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, streams: speaker, encoded: true }
  s: { type: sync, maxMs: 300, from: [v.audio, v.video] }
  r: { type: recorder, path: r.webm, from: [s.audio, s.video] }`,
    plan: ['v>s push', 'v>s push', 's>r push 8000 drop-oldest', 's>r push 8000 drop-oldest', 'v~r 20..8520 live'],
  },
  'a queue node is room enough for a diamond': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 1000, from: a }
  q: { type: queue, maxMs: 1000, overflow: block, from: a }
  m: { type: mixer, live: false, from: [q, d] }
  w: { type: wav, path: w.wav, from: m }`,
    plan: ['a>d pull', 'a>q pull', 'q>m pull', 'd>m pull', 'm>w pull', 'a~w 1020..1220'],
  },
  'live media that a switch does not let through holds nobody up': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 48000, channels: 1 }
  d: { type: delay, ms: 1000, from: a }
  s: { type: switch, media: audio, from: [a, d], input: a }
  x: { type: "null", from: s }`,
    plan: ['a>d push', 'a>s push', 'd>s push', 's>x push', 'a~x 1020..1020 live'],
  },
};
