/** Every graph with all that is wrong with it: code, place, message, mend. */
export const BAD_GRAPHS: Record<
  string,
  { text: string; file?: string; problems: [code: string, place: string, message: string, mend: string][] }
> = {
  'an unknown type': {
    text: 'nodes:\n  a: { type: toen }\n  b: { type: null, from: a }',
    problems: [
      [
        'SLUICE_NODE_UNKNOWN',
        'lab.yaml:2:14: node "a"',
        'there is no node type "toen"',
        'Did you mean "tone"? See `sluice nodes` for the types there are.',
      ],
    ],
  },
  'a type that resembles none': {
    text: 'nodes:\n  a: { type: quux }',
    problems: [
      [
        'SLUICE_NODE_UNKNOWN',
        'lab.yaml:2:14: node "a"',
        'there is no node type "quux"',
        'See `sluice nodes` for the types there are.',
      ],
    ],
  },
  'an unknown option': {
    text: 'nodes:\n  a: { type: tone }\n  b:\n    type: gain\n    from: a\n    dB: 3\n  c: { type: null, from: b }',
    problems: [['SLUICE_CONFIG_INVALID', 'lab.yaml:6:5: node "b"', 'unknown option "dB"', 'Did you mean "db"?']],
  },
  'an unknown option that resembles none': {
    text: 'nodes:\n  a: { type: tone }\n  b: { type: gain, from: a, loudness: 3 }\n  c: { type: null, from: b }',
    problems: [
      ['SLUICE_CONFIG_INVALID', 'lab.yaml:3:29: node "b"', 'unknown option "loudness"', 'Known here: db, from.'],
    ],
  },
  'a value out of range, and another problem': {
    text: 'nodes:\n  a: { type: tone, sampleRate: 22050 }\n  b: { type: gain, from: a, db: 99 }\n  c: { type: null, from: b }',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:2:32: node "a"',
        'option "sampleRate": invalid option: expected one of 8000|12000|16000|24000|32000|44100|48000',
        'See `sluice inspect tone` for its options.',
      ],
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:3:33: node "b"',
        'option "db": too big: expected number to be <=24',
        'See `sluice inspect gain` for its options.',
      ],
    ],
  },
  'a missing option': {
    text: 'nodes:\n  a: { type: tone }\n  b: { type: wav, from: a }',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:3:3: node "b"',
        'option "path" is missing',
        'Add `path`. See `sluice inspect wav` for its options.',
      ],
    ],
  },
  'a link to nowhere': {
    text: 'nodes:\n  beep: { type: tone }\n  b: { type: null, from: beeb }',
    problems: [['SLUICE_LINK_INVALID', 'lab.yaml:3:26: node "b"', 'there is no node "beeb"', 'Did you mean "beep"?']],
  },
  'an output that is not there': {
    text: 'nodes:\n  a: { type: tone }\n  b: { type: null, from: a.ouy }',
    problems: [['SLUICE_LINK_INVALID', 'lab.yaml:3:26: node "b"', '"a" has no output "ouy"', 'Did you mean "out"?']],
  },
  'an input that is not there': {
    text: 'nodes:\n  a: { type: tone }\n  b: { type: null, from: { audio: a } }',
    problems: [['SLUICE_LINK_INVALID', 'lab.yaml:3:35: node "b"', 'null has no input "audio"', 'Its inputs: in.']],
  },
  'a node that takes nothing': {
    text: 'nodes:\n  a: { type: tone }\n  b: { type: tone, from: a }\n  c: { type: null, from: b }',
    problems: [['SLUICE_LINK_INVALID', 'lab.yaml:3:26: node "b"', 'tone takes no input', 'Take `from` out.']],
  },
  'a node that gives nothing': {
    text: 'nodes:\n  a: { type: tone }\n  b: { type: null, from: a }\n  c: { type: null, from: b }',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:4:26: node "c"',
        '"b" (null) has no output',
        'Link to the node in front of it.',
      ],
    ],
  },
  'a cycle': {
    text: 'nodes:\n  a: { type: gain, from: c }\n  b: { type: gain, from: a }\n  c: { type: gain, from: b }',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:2:26: node "a"',
        'the links go in a circle: a -> b -> c -> a',
        'Take one of these links out.',
      ],
    ],
  },
  'a node that feeds itself': {
    text: 'nodes:\n  a:\n    type: delay\n    ms: 10\n    from: a',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:5:11: node "a"',
        'the links go in a circle: a -> a',
        'Take one of these links out.',
      ],
    ],
  },
  'a missing input': {
    text: 'nodes:\n  a: { type: gain }\n  b: { type: null, from: a }',
    problems: [
      ['SLUICE_LINK_INVALID', 'lab.yaml:2:3: node "a"', 'input "in" has no link', 'Add `from: <id of a node>`.'],
    ],
  },
  'a doubled input': {
    text: 'nodes:\n  a: { type: tone }\n  b: { type: tone }\n  c:\n    type: wav\n    path: x.wav\n    from:\n      - a\n      - b',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:9:9: node "c"',
        'input "in" has a link already',
        'Put a mixer in front of it, or take one link out.',
      ],
    ],
  },
  'the same link twice': {
    text: 'nodes:\n  a: { type: tone }\n  m: { type: mixer, from: [a, a] }\n  c: { type: null, from: m }',
    problems: [['SLUICE_LINK_INVALID', 'lab.yaml:3:31: node "m"', '"a" is linked twice', 'Take one of the two out.']],
  },
  'an output that nobody takes': {
    text: 'nodes:\n  a: { type: tone }\n  b: { type: tone }\n  c: { type: null, from: a }',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:3:3: node "b"',
        'nothing takes output "out"',
        'Link a node to it; `null` takes anything.',
      ],
    ],
  },
  'formats that differ': {
    text: 'nodes:\n  a: { type: tone, sampleRate: 16000 }\n  g: { type: gain, from: a }\n  m: { type: mixer, from: g }\n  c: { type: null, from: m }',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:4:27: node "m"',
        '"g" gives audio 16000 Hz 1 ch, mixer takes audio 48000 Hz 1 ch',
        'Put this between them: resampler.',
      ],
    ],
  },
  'kinds that differ': {
    text: 'nodes:\n  a: { type: test-pattern }\n  b: { type: gain, from: a }\n  c: { type: null, from: b }',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:3:26: node "b"',
        '"a" gives video YUV420P 640 wide 480 high, gain takes audio',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'a session that is not there': {
    text: 'sessions:\n  room: { sessionId: demo }\n  hall: { sessionId: demo }\nnodes:\n  v: { type: voices, session: rom }\n  s: { type: sink, from: v }',
    problems: [
      ['SLUICE_CONFIG_INVALID', 'lab.yaml:5:31: node "v"', 'there is no session "rom"', 'Did you mean "room"?'],
    ],
  },
  'no session at all': {
    text: 'nodes:\n  v: { type: voices }\n  s: { type: sink, from: v }',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:2:3: node "v"',
        'voices needs a session, and there is none',
        'Add `sessions: { room: { sessionId: demo } }`.',
      ],
    ],
  },
  'a branch that takes from outside': {
    text: 'sessions: { room: { sessionId: demo } }\nnodes:\n  v: { type: voices }\n  a: { type: tone }\n  m: { type: twin, from: { one: v, two: a } }\n  s: { type: sink, from: m }',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:5:41: node "m"',
        '"m" is made anew for every stream of "v", but "a" is not',
        'Bring branches together with a node that joins, for instance a mixer.',
      ],
    ],
  },
  'two branches in one': {
    text: 'sessions: { room: { sessionId: demo } }\nnodes:\n  v: { type: voices }\n  w: { type: voices }\n  m: { type: twin, from: [v, w] }\n  s: { type: sink, from: m }',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:5:30: node "m"',
        '"m" lies in the branches of both "v" and "w"',
        'Bring branches together with a node that joins, for instance a mixer.',
      ],
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:6:26: node "s"',
        '"s" lies in the branches of both "v" and "w"',
        'Bring branches together with a node that joins, for instance a mixer.',
      ],
    ],
  },
  'several outputs that fit': {
    text: 'nodes:\n  a: { type: pair }\n  b: { type: sink, from: a }',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:3:26: node "b"',
        '"a" has several outputs that fit',
        'Name one: a.left, a.right.',
      ],
    ],
  },
  'a source of which nothing is taken': {
    text: 'nodes:\n  a: { type: pair }',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:2:3: node "a"',
        'nothing takes its outputs',
        'Link a node to it; `null` takes anything.',
      ],
    ],
  },
  'two readers who want different formats': {
    text: 'nodes:\n  a: { type: any-rate }\n  b: { type: mixer, from: a }\n  c: { type: mixer, sampleRate: 16000, from: a }\n  d: { type: null, from: b }\n  e: { type: null, from: c }',
    problems: [
      [
        'SLUICE_LINK_INVALID',
        'lab.yaml:4:46: node "c"',
        'takes audio 16000 Hz 1 ch, but others take audio 48000 Hz 1 ch from the same output',
        'Put this between them: resampler.',
      ],
    ],
  },
  'no nodes': {
    text: 'nodes: {}',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:1:8',
        'entry "nodes": too small: a pipeline needs at least one node',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'an empty file': {
    text: '',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:1:1',
        'Invalid input: expected object, received null',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a misspelt section': {
    text: 'node:\n  a: { type: tone }\nnodes:\n  b: { type: tone }',
    problems: [['SLUICE_CONFIG_INVALID', 'lab.yaml:1:1', 'unknown entry "node"', 'Did you mean "nodes"?']],
  },
  'an unknown setting of a session': {
    text: 'sessions:\n  room: { sessionId: demo, tocken: abc }\nnodes:\n  v: { type: voices }\n  s: { type: sink, from: v }',
    problems: [
      ['SLUICE_CONFIG_INVALID', 'lab.yaml:2:28', 'unknown entry "sessions.room.tocken"', 'Did you mean "token"?'],
    ],
  },
  'a session without an id': {
    text: 'sessions:\n  room: { name: bot }\nnodes:\n  v: { type: voices }\n  s: { type: sink, from: v }',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:2:3',
        'session "room" has no sessionId',
        'Give it a `sessionId`, or set SLUICE_SESSION_ID.',
      ],
    ],
  },
  'a session id that is a number': {
    text: 'sessions:\n  room: { sessionId: 42 }\nnodes:\n  v: { type: voices }\n  s: { type: sink, from: v }',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:2:22',
        'entry "sessions.room.sessionId": invalid input: expected string, received number',
        'Put it in quotes.',
      ],
    ],
  },
  'an id that cannot be linked to': {
    text: 'nodes:\n  a.b: { type: tone }',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:2:3: node "a.b"',
        'Invalid id: use letters, digits, _ and -, starting with a letter',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a from of no kind': {
    text: 'nodes:\n  a: { type: gain, from: 7 }',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:2:26: node "a"',
        'entry "nodes.a.from": expected an id, `id.output`, a list of them, or a map from inputs to them',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a variable that is not set': {
    text: 'nodes:\n  a: { type: wav, path: "${OUT}/a.wav" }',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:2:25: node "a"',
        'environment variable OUT is not set',
        'Set OUT, or give a default: ${OUT:-default}.',
      ],
    ],
  },
  'a variable without a name': {
    text: 'nodes:\n  a: { type: wav, path: "${1}" }',
    problems: [
      [
        'SLUICE_CONFIG_INVALID',
        'lab.yaml:2:25: node "a"',
        '${1} does not name an environment variable',
        'Write ${NAME} or ${NAME:-default}; a plain ${ is written $${.',
      ],
    ],
  },
  'broken YAML': {
    text: 'nodes:\n  a: { type: tone\n  b: 2',
    problems: [
      [
        'SLUICE_CONFIG_SYNTAX',
        'lab.yaml:3:3',
        'Flow map in block collection must be sufficiently indented and end with a }',
        'Indent all entries of a block alike.',
      ],
    ],
  },
  'a doubled id': {
    text: 'nodes:\n  a: { type: tone }\n  a: { type: tone }',
    problems: [
      [
        'SLUICE_CONFIG_SYNTAX',
        'lab.yaml:3:3',
        'Map keys must be unique',
        'Every id and option may stand once in its block.',
      ],
    ],
  },
  'an alias': {
    text: 'nodes:\n  a: &x { type: tone }\n  b: *x',
    problems: [
      ['SLUICE_CONFIG_SYNTAX', 'lab.yaml:3:6', 'aliases are not supported', 'Write the value out where it is used.'],
    ],
  },
  'broken JSON': {
    file: 'lab.json',
    text: '{\n  "nodes": {\n    "a": { "type": "tone", }\n  }\n}',
    problems: [
      [
        'SLUICE_CONFIG_SYNTAX',
        'lab.json:3:28',
        'not well-formed JSON',
        'JSON needs double quotes around names and texts, and no comma after the last entry. Name the file .yaml to write YAML.',
      ],
    ],
  },
};
