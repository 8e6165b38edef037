import type { BadGraphs } from './graphs.js';

/** What can be wrong with a text, with nodes of the lab among those of sluice. */
export const BAD_TEXTS: BadGraphs = {
  'an unknown type': {
    graph: `nodes:
  a: { type: toen }
  b: { type: null, from: a }`,
    refused: [
      [
        'SLUICE_NODE_UNKNOWN',
        '2:14: node "a"',
        'there is no node type "toen"',
        'Did you mean "tone"? See `sluice nodes` for the types there are.',
      ],
    ],
  },
  'a type that resembles none': {
    graph: `nodes:
  a: { type: quux }`,
    refused: [
      [
        'SLUICE_NODE_UNKNOWN',
        '2:14: node "a"',
        'there is no node type "quux"',
        'See `sluice nodes` for the types there are.',
      ],
    ],
  },
  'an unknown option': {
    graph: `nodes:
  a: { type: tone }
  b:
    type: gain
    from: a
    dB: 3
  c: { type: null, from: b }`,
    refused: [['SLUICE_CONFIG_INVALID', '6:5: node "b"', 'unknown option "dB"', 'Did you mean "db"?']],
  },
  'an unknown option that resembles none': {
    graph: `nodes:
  a: { type: tone }
  b: { type: gain, from: a, loudness: 3 }
  c: { type: null, from: b }`,
    refused: [
      ['SLUICE_CONFIG_INVALID', '3:29: node "b"', 'unknown option "loudness"', 'Known here: db, from, queue, onError.'],
    ],
  },
  'a value out of range, and another problem': {
    graph: `nodes:
  a: { type: tone, sampleRate: 22050 }
  b: { type: gain, from: a, db: 99 }
  c: { type: null, from: b }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '2:32: node "a"',
        'option "sampleRate": invalid option: expected one of 8000|12000|16000|24000|32000|44100|48000',
        'See `sluice inspect tone` for its options.',
      ],
      [
        'SLUICE_CONFIG_INVALID',
        '3:33: node "b"',
        'option "db": too big: expected number to be <=24',
        'See `sluice inspect gain` for its options.',
      ],
    ],
  },
  'a missing option': {
    graph: `nodes:
  a: { type: tone }
  b: { type: wav, from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:3: node "b"',
        'option "path" is missing',
        'Add `path`. See `sluice inspect wav` for its options.',
      ],
    ],
  },
  'a link to nowhere': {
    graph: `nodes:
  beep: { type: tone }
  b: { type: null, from: beeb }`,
    refused: [['SLUICE_LINK_UNKNOWN', '3:26: node "b"', 'there is no node "beeb"', 'Did you mean "beep"?']],
  },
  'an output that is not there': {
    graph: `nodes:
  a: { type: tone }
  b: { type: null, from: a.ouy }`,
    refused: [['SLUICE_PORT_UNKNOWN', '3:26: node "b"', '"a" has no output "ouy"', 'Did you mean "out"?']],
  },
  'an input that is not there': {
    graph: `nodes:
  a: { type: tone }
  b: { type: null, from: { audio: a } }`,
    refused: [['SLUICE_PORT_UNKNOWN', '3:35: node "b"', 'null has no input "audio"', 'Its inputs: in.']],
  },
  'a node that takes nothing': {
    graph: `nodes:
  a: { type: tone }
  b: { type: tone, from: a }
  c: { type: null, from: b }`,
    refused: [['SLUICE_PORT_UNKNOWN', '3:26: node "b"', 'tone takes no input', 'Take `from` out.']],
  },
  'a node that gives nothing': {
    graph: `nodes:
  a: { type: tone }
  b: { type: null, from: a }
  c: { type: null, from: b }`,
    refused: [
      ['SLUICE_PORT_UNKNOWN', '4:26: node "c"', '"b" (null) has no output', 'Link to the node in front of it.'],
    ],
  },
  'a cycle': {
    graph: `nodes:
  a: { type: gain, from: c }
  b: { type: gain, from: a }
  c: { type: gain, from: b }`,
    refused: [
      [
        'SLUICE_LINK_CYCLE',
        '2:26: node "a"',
        'the links go in a circle: a -> b -> c -> a',
        'Take one of these links out.',
      ],
    ],
  },
  'a node that feeds itself': {
    graph: `nodes:
  a:
    type: delay
    ms: 10
    from: a`,
    refused: [
      ['SLUICE_LINK_CYCLE', '5:11: node "a"', 'the links go in a circle: a -> a', 'Take one of these links out.'],
    ],
  },
  'a missing input': {
    graph: `nodes:
  a: { type: gain }
  b: { type: null, from: a }`,
    refused: [['SLUICE_INPUT_MISSING', '2:3: node "a"', 'input "in" has no link', 'Add `from: <id of a node>`.']],
  },
  'a doubled input': {
    graph: `nodes:
  a: { type: tone }
  b: { type: tone }
  c:
    type: wav
    path: x.wav
    from:
      - a
      - b`,
    refused: [
      [
        'SLUICE_INPUT_DOUBLED',
        '9:9: node "c"',
        'input "in" has a link already',
        'Put a mixer in front of it, or take one link out.',
      ],
    ],
  },
  'the same link twice': {
    graph: `nodes:
  a: { type: tone }
  m: { type: mixer, from: [a, a] }
  c: { type: null, from: m }`,
    refused: [['SLUICE_INPUT_DOUBLED', '3:31: node "m"', '"a" is linked twice', 'Take one of the two out.']],
  },
  'an output that nobody takes': {
    graph: `nodes:
  a: { type: tone }
  b: { type: tone }
  c: { type: null, from: a }`,
    refused: [
      [
        'SLUICE_OUTPUT_UNREAD',
        '3:3: node "b"',
        'nothing takes output "out"',
        'Link a node to it; `null` takes anything.',
      ],
    ],
  },
  'kinds that differ': {
    graph: `nodes:
  a: { type: test-pattern }
  b: { type: gain, from: a }
  c: { type: null, from: b }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '3:26: node "b"',
        '"a" gives video YUV420P 640 wide 480 high 30 fps, gain takes audio',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'a session that is not there': {
    graph: `sessions:
  room: { sessionId: demo }
  hall: { sessionId: demo }
nodes:
  v: { type: voices, session: rom }
  s: { type: sink, from: v }`,
    refused: [['SLUICE_SESSION_UNKNOWN', '5:31: node "v"', 'there is no session "rom"', 'Did you mean "room"?']],
  },
  'no session at all': {
    graph: `nodes:
  v: { type: voices }
  s: { type: sink, from: v }`,
    refused: [
      [
        'SLUICE_SESSION_UNKNOWN',
        '2:3: node "v"',
        'voices needs a session, and there is none',
        'Add `sessions: { room: { sessionId: demo } }`.',
      ],
    ],
  },
  'a branch that takes from outside': {
    graph: `sessions: { room: { sessionId: demo } }
nodes:
  v: { type: voices }
  a: { type: tone }
  m: { type: twin, from: { one: v, two: a } }
  s: { type: sink, from: m }`,
    refused: [
      [
        'SLUICE_BRANCH_INVALID',
        '5:41: node "m"',
        '"m" is made anew for every stream of "v", but "a" is not',
        'Bring branches together with a node that joins, for instance a mixer.',
      ],
    ],
  },
  'two branches in one': {
    graph: `sessions: { room: { sessionId: demo } }
nodes:
  v: { type: voices }
  w: { type: voices }
  m: { type: twin, from: [v, w] }
  s: { type: sink, from: m }`,
    refused: [
      [
        'SLUICE_BRANCH_INVALID',
        '5:30: node "m"',
        '"m" lies in the branches of both "v" and "w"',
        'Bring branches together with a node that joins, for instance a mixer.',
      ],
      [
        'SLUICE_BRANCH_INVALID',
        '6:26: node "s"',
        '"s" lies in the branches of both "v" and "w"',
        'Bring branches together with a node that joins, for instance a mixer.',
      ],
    ],
  },
  'several outputs that fit': {
    graph: `nodes:
  a: { type: pair }
  b: { type: sink, from: a }`,
    refused: [
      ['SLUICE_PORT_AMBIGUOUS', '3:26: node "b"', '"a" has several outputs that fit', 'Name one: a.left, a.right.'],
    ],
  },
  'a source of which nothing is taken': {
    graph: `nodes:
  a: { type: pair }`,
    refused: [
      [
        'SLUICE_OUTPUT_UNREAD',
        '2:3: node "a"',
        'nothing takes its outputs',
        'Link a node to it; `null` takes anything.',
      ],
    ],
  },
};
