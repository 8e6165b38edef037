import type { BadGraphs } from './graphs.js';

/** Links, ports and circles. */
export const BAD_LINKS: BadGraphs = {
  'a link to a node that was renamed': {
    graph: `
nodes:
  microphone: { type: tone }
  w: { type: wav, path: w.wav, from: microphon }`,
    refused: [['SLUICE_LINK_UNKNOWN', '4:38: node "w"', 'there is no node "microphon"', 'Did you mean "microphone"?']],
  },
  'a link to an output of a node that is not there': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: b.out }`,
    refused: [['SLUICE_LINK_UNKNOWN', '4:38: node "w"', 'there is no node "b"', 'Nodes here: a, w.']],
  },
  'a link into itself by an output': {
    graph: `
nodes:
  a: { type: gain, from: a.out }
  x: { type: "null", from: a }`,
    refused: [
      ['SLUICE_LINK_CYCLE', '3:26: node "a"', 'the links go in a circle: a -> a', 'Take one of these links out.'],
    ],
  },
  'one of two links leads nowhere': {
    graph: `
nodes:
  a: { type: tone }
  m: { type: mixer, from: [a, zzz] }
  x: { type: "null", from: m }`,
    refused: [['SLUICE_LINK_UNKNOWN', '4:31: node "m"', 'there is no node "zzz"', 'Nodes here: a, m, x.']],
  },
  'a map of links with one that leads nowhere': {
    graph: `
nodes:
  a: { type: tone }
  r: { type: recorder, path: r.webm, from: { audio: a, video: nothing } }`,
    refused: [['SLUICE_LINK_UNKNOWN', '4:63: node "r"', 'there is no node "nothing"', 'Nodes here: a, r.']],
  },
  'a misspelt output of two': {
    graph: `
nodes:
  f: { type: file, path: f.mp4 }
  w: { type: wav, path: w.wav, from: f.audoi }`,
    refused: [['SLUICE_PORT_UNKNOWN', '4:38: node "w"', '"f" has no output "audoi"', 'Did you mean "audio"?']],
  },
  'an output that the options take away': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: video }
  w: { type: wav, path: w.wav, from: v.audio }`,
    refused: [['SLUICE_PORT_UNKNOWN', '5:38: node "w"', '"v" has no output "audio"', 'Its outputs: video.']],
  },
  'a misspelt input': {
    graph: `
nodes:
  a: { type: tone }
  r: { type: recorder, path: r.webm, from: { audoi: a } }`,
    refused: [['SLUICE_PORT_UNKNOWN', '4:53: node "r"', 'recorder has no input "audoi"', 'Did you mean "audio"?']],
  },
  'an input that the options take away': {
    graph: `
nodes:
  p: { type: test-pattern }
  r: { type: recorder, path: r.ogg, from: { video: p } }`,
    refused: [['SLUICE_PORT_UNKNOWN', '4:52: node "r"', 'recorder has no input "video"', 'Its inputs: audio.']],
  },
  'a publisher without sound': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  a: { type: tone }
  o: { type: publisher, audio: false, video: true, from: { audio: a } }`,
    refused: [['SLUICE_PORT_UNKNOWN', '5:67: node "o"', 'publisher has no input "audio"', 'Its inputs: video.']],
  },
  'a link into a source': {
    graph: `
nodes:
  a: { type: tone }
  p: { type: test-pattern, from: a }
  x: { type: "null", from: p }`,
    refused: [['SLUICE_PORT_UNKNOWN', '4:34: node "p"', 'test-pattern takes no input', 'Take `from` out.']],
  },
  'a link out of a sink': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a }
  x: { type: "null", from: w }`,
    refused: [['SLUICE_PORT_UNKNOWN', '5:28: node "x"', '"w" (wav) has no output', 'Link to the node in front of it.']],
  },
  'a link out of a sink, by an output': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a }
  x: { type: "null", from: w.out }`,
    refused: [['SLUICE_PORT_UNKNOWN', '5:28: node "x"', '"w" (wav) has no output', 'Link to the node in front of it.']],
  },
  'two links into one input': {
    graph: `
nodes:
  a: { type: tone }
  b: { type: tone }
  g: { type: gain, from: [a, b] }
  x: { type: "null", from: g }`,
    refused: [
      [
        'SLUICE_INPUT_DOUBLED',
        '5:30: node "g"',
        'input "in" has a link already',
        'Put a mixer in front of it, or take one link out.',
      ],
    ],
  },
  'two links into one named input': {
    graph: `
nodes:
  a: { type: tone }
  b: { type: tone }
  r: { type: recorder, path: r.webm, from: { audio: [a, b] } }`,
    refused: [
      [
        'SLUICE_INPUT_DOUBLED',
        '5:57: node "r"',
        'input "audio" has a link already',
        'Put a mixer in front of it, or take one link out.',
      ],
    ],
  },
  'three of a kind into two inputs': {
    graph: `
nodes:
  a: { type: tone }
  b: { type: tone }
  p: { type: test-pattern }
  r: { type: recorder, path: r.webm, from: [a, p, b] }`,
    refused: [
      [
        'SLUICE_INPUT_DOUBLED',
        '6:51: node "r"',
        'input "audio" has a link already',
        'Put a mixer in front of it, or take one link out.',
      ],
    ],
  },
  'one output twice into one input that takes many': {
    graph: `
nodes:
  a: { type: tone }
  m: { type: mixer, from: [a, a.out] }
  x: { type: "null", from: m }`,
    refused: [['SLUICE_INPUT_DOUBLED', '4:31: node "m"', '"a.out" is linked twice', 'Take one of the two out.']],
  },
  'which of two outputs': {
    graph: `
nodes:
  f: { type: file, path: f.mp4 }
  x: { type: "null", from: f }`,
    refused: [
      ['SLUICE_PORT_AMBIGUOUS', '4:28: node "x"', '"f" has several outputs that fit', 'Name one: f.audio, f.video.'],
    ],
  },
  'which of two outputs of a subscriber': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber }
  x: { type: "null", from: v }`,
    refused: [
      ['SLUICE_PORT_AMBIGUOUS', '5:28: node "x"', '"v" has several outputs that fit', 'Name one: v.audio, v.video.'],
    ],
  },
  'a sink without a link': {
    graph: `
nodes:
  a: { type: tone }
  x: { type: "null", from: a }
  w: { type: wav, path: w.wav }`,
    refused: [['SLUICE_INPUT_MISSING', '5:3: node "w"', 'input "in" has no link', 'Add `from: <id of a node>`.']],
  },
  'a recording without a link': {
    graph: `
nodes:
  a: { type: tone }
  x: { type: "null", from: a }
  r: { type: recorder, path: r.webm }`,
    refused: [
      ['SLUICE_INPUT_MISSING', '5:3: node "r"', 'none of its inputs has a link', 'Add `from: <id of a node>`.'],
    ],
  },
  'a mixer without a link': {
    graph: `
nodes:
  m: { type: mixer }
  x: { type: "null", from: m }`,
    refused: [['SLUICE_INPUT_MISSING', '3:3: node "m"', 'input "in" has no link', 'Add `from: <id of a node>`.']],
  },
  'a source without a reader': {
    graph: `
nodes:
  a: { type: tone }`,
    refused: [
      [
        'SLUICE_OUTPUT_UNREAD',
        '3:3: node "a"',
        'nothing takes output "out"',
        'Link a node to it; `null` takes anything.',
      ],
    ],
  },
  'a transform without a reader': {
    graph: `
nodes:
  a: { type: tone }
  g: { type: gain, from: a }`,
    refused: [
      [
        'SLUICE_OUTPUT_UNREAD',
        '4:3: node "g"',
        'nothing takes output "out"',
        'Link a node to it; `null` takes anything.',
      ],
    ],
  },
  'a file of which nothing is read': {
    graph: `
nodes:
  f: { type: file, path: f.mp4 }
  a: { type: tone }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_OUTPUT_UNREAD',
        '3:3: node "f"',
        'nothing takes its outputs',
        'Link a node to it; `null` takes anything.',
      ],
    ],
  },
  'a long circle': {
    graph: `
nodes:
  a: { type: gain, from: e }
  b: { type: gain, from: a }
  c: { type: gain, from: b }
  d: { type: gain, from: c }
  e: { type: gain, from: d }`,
    refused: [
      [
        'SLUICE_LINK_CYCLE',
        '3:26: node "a"',
        'the links go in a circle: a -> b -> c -> d -> e -> a',
        'Take one of these links out.',
      ],
    ],
  },
  'a circle behind a source': {
    graph: `
nodes:
  a: { type: tone }
  m: { type: mixer, from: [a, g] }
  g: { type: gain, from: m }
  x: { type: "null", from: g }`,
    refused: [
      ['SLUICE_LINK_CYCLE', '4:31: node "m"', 'the links go in a circle: m -> g -> m', 'Take one of these links out.'],
    ],
  },
};
