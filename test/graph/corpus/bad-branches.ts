import type { BadGraphs } from './graphs.js';

/** Branches, and what joins them. */
export const BAD_BRANCHES: BadGraphs = {
  'a branch and what is in none': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  p: { type: test-pattern }
  r: { type: recorder, path: "{name}.webm", from: [v, p] }`,
    refused: [
      [
        'SLUICE_BRANCH_INVALID',
        '6:55: node "r"',
        '"r" is made anew for every stream of "v", but "p" is not',
        'Bring branches together with a node that joins, for instance a mixer.',
      ],
    ],
  },
  'two branches in one recording': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  u: { type: subscriber, media: video }
  r: { type: recorder, path: "{name}.webm", from: [v, u] }`,
    refused: [
      [
        'SLUICE_BRANCH_INVALID',
        '6:55: node "r"',
        '"r" lies in the branches of both "v" and "u"',
        'Bring branches together with a node that joins, for instance a mixer.',
      ],
    ],
  },
  'a mix for each branch where there are no branches': {
    graph: `
nodes:
  a: { type: tone }
  m: { type: mixer, from: a }
  x: { type: "null", from: m.others }`,
    refused: [
      [
        'SLUICE_BRANCH_INVALID',
        '5:28: node "x"',
        '"m.others" is there once for each branch, and "x" is in none',
        'Put a subscriber with `streams: each` in front of "m", and read it with a node that does not join.',
      ],
    ],
  },
  'a mix for each branch into a node that joins': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  m: { type: mixer, from: v }
  k: { type: mixer, from: m.others }
  x: { type: "null", from: k }`,
    refused: [
      [
        'SLUICE_BRANCH_INVALID',
        '6:27: node "k"',
        '"m.others" is there once for each branch, and "k" is in none',
        'Put a subscriber with `streams: each` in front of "m", and read it with a node that does not join.',
      ],
    ],
  },
  'one mixer gives back to the branches of two nodes': {
    graph: `
sessions: { a: { sessionId: a }, b: { sessionId: b } }
nodes:
  v: { type: subscriber, session: a, media: audio }
  u: { type: subscriber, session: b, media: audio }
  m: { type: mixer, from: [v, u] }
  x: { type: "null", from: m.others }`,
    refused: [
      [
        'SLUICE_BRANCH_INVALID',
        '7:28: node "x"',
        '"x" lies in the branches of both "v" and "u"',
        'Give the branches of each node a mixer of their own; `out` of one may flow into the other.',
      ],
    ],
  },
  'a mix for each branch of a mixer that does not go by the clock': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  m: { type: mixer, live: false, from: v }
  x: { type: "null", from: m.others }`,
    refused: [['SLUICE_PORT_UNKNOWN', '6:28: node "x"', '"m" has no output "others"', 'Its outputs: out.']],
  },
  'a mix that nobody reads': {
    graph: `
nodes:
  a: { type: tone }
  m: { type: mixer, from: a }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_OUTPUT_UNREAD',
        '4:3: node "m"',
        'nothing takes its outputs',
        'Link a node to it; `null` takes anything.',
      ],
    ],
  },
  'a switch that lets through what does not flow in': {
    graph: `
nodes:
  camera: { type: test-pattern }
  slides: { type: test-pattern }
  s: { type: switch, media: video, from: [camera, slides], input: camra }
  x: { type: "null", from: s }`,
    refused: [['SLUICE_CONFIG_INVALID', '5:67: node "s"', 'nothing flows in from "camra"', 'Did you mean "camera"?']],
  },
  'a switch of pictures that is given the rate of sound': {
    graph: `
nodes:
  a: { type: test-pattern }
  s: { type: switch, media: video, sampleRate: 48000, from: a, input: a }
  x: { type: "null", from: s }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '4:48: node "s"',
        'option "sampleRate": expected no "sampleRate" of video',
        'See `sluice inspect switch` for its options.',
      ],
    ],
  },
  'a path that all branches would write to': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  g: { type: gain, from: v }
  w: { type: wav, from: g, path: out/all.wav }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '6:34: node "w"',
        'path "out/all.wav" is the same for every branch',
        'Put {streamId}, {name} or {participant} into it.',
      ],
    ],
  },
  'a placeholder that nothing fills': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, encoded: true }
  r: { type: recorder, from: [v.audio, v.video], path: "out/{who}-{segment}.webm" }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '5:56: node "r"',
        '"out/{who}-{segment}.webm" has an unknown placeholder {who}',
        'Use {streamId}, {name} or {participant}.',
      ],
    ],
  },
  'placeholders where there is no branch': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  m: { type: mixer, from: v }
  w: { type: wav, from: m, path: "out/{name}.wav" }
  o: { type: publisher, from: m, name: "All of {participant}" }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '6:34: node "w"',
        '"out/{name}.wav" has {name}, but there is no branch to fill it from',
        'Take the placeholder out, or put the node behind a subscriber with `streams: each`.',
      ],
      [
        'SLUICE_CONFIG_INVALID',
        '7:40: node "o"',
        '"All of {participant}" has {participant}, but there is no branch to fill it from',
        'Take the placeholder out, or put the node behind a subscriber with `streams: each`.',
      ],
    ],
  },
};
