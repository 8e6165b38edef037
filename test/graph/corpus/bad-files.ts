import type { BadGraphs } from './graphs.js';

/** What can be wrong with a file before its nodes are looked at. */
export const BAD_FILES: BadGraphs = {
  'no nodes': {
    graph: `nodes: {}`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '1:8',
        'entry "nodes": too small: a pipeline needs at least one node',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'an empty file': {
    graph: ``,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '1:1',
        'Expected a map, not nothing',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a misspelt section': {
    graph: `node:
  a: { type: tone }
nodes:
  b: { type: tone }`,
    refused: [['SLUICE_CONFIG_INVALID', '1:1', 'unknown entry "node"', 'Did you mean "nodes"?']],
  },
  'an unknown setting of a session': {
    graph: `sessions:
  room: { sessionId: demo, tocken: abc }
nodes:
  v: { type: voices }
  s: { type: sink, from: v }`,
    refused: [['SLUICE_CONFIG_INVALID', '2:28', 'unknown entry "sessions.room.tocken"', 'Did you mean "token"?']],
  },
  'a session without an id': {
    graph: `sessions:
  room: { name: bot }
nodes:
  v: { type: voices }
  s: { type: sink, from: v }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '2:3',
        'session "room" has no sessionId',
        'Give it a `sessionId`, or set SLUICE_SESSION_ID.',
      ],
    ],
  },
  'a session id that is a number': {
    graph: `sessions:
  room: { sessionId: 42 }
nodes:
  v: { type: voices }
  s: { type: sink, from: v }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '2:22',
        'entry "sessions.room.sessionId": expected a text, not a number',
        'Put it in quotes.',
      ],
    ],
  },
  'an id that cannot be linked to': {
    graph: `nodes:
  a.b: { type: tone }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '2:3: node "a.b"',
        'Invalid id: use letters, digits, _ and -, starting with a letter',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a from of no kind': {
    graph: `nodes:
  a: { type: gain, from: 7 }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '2:26: node "a"',
        'entry "nodes.a.from": expected an id, `id.output`, a list of them, or a map from inputs to them',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a variable that is not set': {
    graph: `nodes:
  a: { type: wav, path: "\${OUT}/a.wav" }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '2:25: node "a"',
        'environment variable OUT is not set',
        'Set OUT, or give a default: ${OUT:-default}.',
      ],
    ],
  },
  'a variable without a name': {
    graph: `nodes:
  a: { type: wav, path: "\${1}" }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '2:25: node "a"',
        '${1} does not name an environment variable',
        'Write ${NAME} or ${NAME:-default}; a plain ${ is written $${.',
      ],
    ],
  },
  'broken YAML': {
    graph: `nodes:
  a: { type: tone
  b: 2`,
    refused: [
      [
        'SLUICE_CONFIG_SYNTAX',
        '3:3',
        'Flow map in block collection must be sufficiently indented and end with a }',
        'Close each `{` and `[` before this place.',
      ],
    ],
  },
  'a doubled id': {
    graph: `nodes:
  a: { type: tone }
  a: { type: tone }`,
    refused: [
      ['SLUICE_CONFIG_SYNTAX', '3:3', 'Map keys must be unique', 'Every id and option may stand once in its block.'],
    ],
  },
  'an alias': {
    graph: `nodes:
  a: &x { type: tone }
  b: *x`,
    refused: [['SLUICE_CONFIG_SYNTAX', '3:6', 'aliases are not supported', 'Write the value out where it is used.']],
  },
  'a bracket that is not closed': {
    graph: `nodes:
  a: { type: tone
  b: { type: null, from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_SYNTAX',
        '3:3',
        'Flow map in block collection must be sufficiently indented and end with a }',
        'Close each `{` and `[` before this place.',
      ],
    ],
  },
  'a url that is no address': {
    graph: `sessions:
  room: { sessionId: demo, url: "wss://a, htp:/b" }
nodes:
  v: { type: voices }
  s: { type: sink, from: v }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '2:3',
        'session "room" has a url that is no address',
        'Use ws://host:port, wss://host, or `embedded`; several with commas between them.',
      ],
    ],
  },
  'JSON that ends too early': {
    graph: `{ "nodes": { "a": { "type": "tone" }`,
    file: 'lab.json',
    refused: [
      [
        'SLUICE_CONFIG_SYNTAX',
        '1:37',
        'not well-formed JSON',
        'JSON needs double quotes around names and texts, and no comma after the last entry. Name the file .yaml to write YAML.',
      ],
    ],
  },
  'broken JSON': {
    graph: `{
  "nodes": {
    "a": { "type": "tone", }
  }
}`,
    file: 'lab.json',
    refused: [
      [
        'SLUICE_CONFIG_SYNTAX',
        '3:28',
        'not well-formed JSON',
        'JSON needs double quotes around names and texts, and no comma after the last entry. Name the file .yaml to write YAML.',
      ],
    ],
  },
};
