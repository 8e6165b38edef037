import type { BadGraphs } from './graphs.js';

/** Types, options, sessions and branches. */
export const BAD_OPTIONS: BadGraphs = {
  'a type in capitals': {
    graph: `
nodes:
  a: { type: Tone }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_NODE_UNKNOWN',
        '3:14: node "a"',
        'there is no node type "Tone"',
        'Did you mean "tone"? See `sluice nodes` for the types there are.',
      ],
    ],
  },
  'a type of another world': {
    graph: `
nodes:
  a: { type: audiotestsrc }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_NODE_UNKNOWN',
        '3:14: node "a"',
        'there is no node type "audiotestsrc"',
        'See `sluice nodes` for the types there are.',
      ],
    ],
  },
  'no type': {
    graph: `
nodes:
  a: { frequency: 300 }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:3: node "a"',
        'entry "nodes.a.type" is missing',
        'Add `type`. See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a type that is a number': {
    graph: `
nodes:
  a: { type: 7 }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:14: node "a"',
        'entry "nodes.a.type": expected a text, not a number',
        'Put it in quotes.',
      ],
    ],
  },
  'a node that is a text': {
    graph: `
nodes:
  a: tone
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:6: node "a"',
        'entry "nodes.a": expected a map, not a text',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a text for a number': {
    graph: `
nodes:
  a: { type: tone, frequency: high }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:31: node "a"',
        'option "frequency": expected a number, not a text',
        'See `sluice inspect tone` for its options.',
      ],
    ],
  },
  'a number for a text': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: 7, from: a }`,
    refused: [
      ['SLUICE_CONFIG_INVALID', '4:25: node "w"', 'option "path": expected a text, not a number', 'Put it in quotes.'],
    ],
  },
  'a rate that does not exist': {
    graph: `
nodes:
  a: { type: tone, sampleRate: 22050 }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:32: node "a"',
        'option "sampleRate": invalid option: expected one of 8000|12000|16000|24000|32000|44100|48000',
        'See `sluice inspect tone` for its options.',
      ],
    ],
  },
  'three channels': {
    graph: `
nodes:
  a: { type: tone, channels: 3 }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:30: node "a"',
        'option "channels": invalid option: expected one of 1|2',
        'See `sluice inspect tone` for its options.',
      ],
    ],
  },
  'a codec that does not exist': {
    graph: `
nodes:
  p: { type: test-pattern }
  e: { type: video-encoder, codec: vp9, from: p }
  x: { type: "null", from: e }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '4:36: node "e"',
        'option "codec": invalid option: expected one of "vp8"|"h264"',
        'See `sluice inspect video-encoder` for its options.',
      ],
    ],
  },
  'a file of another kind': {
    graph: `
nodes:
  a: { type: tone }
  r: { type: recorder, path: r.mkv, from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '4:30: node "r"',
        'option "path": must end in .webm, .mp4 or .ogg',
        'See `sluice inspect recorder` for its options.',
      ],
    ],
  },
  'too many pixels': {
    graph: `
nodes:
  p: { type: test-pattern, width: 3840, height: 2160 }
  x: { type: "null", from: p }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:35: node "p"',
        'option "width": too big: width times height must be at most 1920x1080 pixels',
        'See `sluice inspect test-pattern` for its options.',
      ],
    ],
  },
  'neither sound nor pictures': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  a: { type: tone }
  o: { type: publisher, audio: false, from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '5:32: node "o"',
        'option "audio": at least one of audio and video must be true',
        'See `sluice inspect publisher` for its options.',
      ],
    ],
  },
  'a field of other media': {
    graph: `
nodes:
  i: { type: input, media: audio, codec: vp8 }
  x: { type: "null", from: i }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:42: node "i"',
        'option "codec": expected no "codec" of audio',
        'See `sluice inspect input` for its options.',
      ],
    ],
  },
  'a queue of no size': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a, queue: { maxMs: 0 } }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '4:57: node "w"',
        'entry "nodes.w.queue.maxMs": too small: expected number to be >=1',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a queue with an unknown entry': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a, queue: { maxMS: 100 } }`,
    refused: [
      ['SLUICE_CONFIG_INVALID', '4:50: node "w"', 'unknown entry "nodes.w.queue.maxMS"', 'Did you mean "maxMs"?'],
    ],
  },
  'an overflow that does not exist': {
    graph: `
nodes:
  a: { type: tone }
  w: { type: wav, path: w.wav, from: a, queue: { overflow: leak } }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '4:60: node "w"',
        'entry "nodes.w.queue.overflow": invalid option: expected one of "drop-oldest"|"drop-newest"|"block"|"fail"',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a queue of a source': {
    graph: `
nodes:
  a: { type: tone, queue: { maxMs: 100 } }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:20: node "a"',
        '"a" (tone) has a queue, and nothing flows into it',
        'Give the queue to the node that reads.',
      ],
    ],
  },
  'an onError that does not exist': {
    graph: `
nodes:
  a: { type: tone, onError: retry }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:29: node "a"',
        'entry "nodes.a.onError": expected fail, restart, end-branch, or { action: restart, … }',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a restart without end': {
    graph: `
nodes:
  a: { type: tone, onError: { action: restart, maxRestarts: 0 } }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:61: node "a"',
        'entry "nodes.a.onError.maxRestarts": too small: expected number to be >=1',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'a stream of the program that should be made anew': {
    graph: `
nodes:
  a: { type: input, media: audio, onError: restart }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '3:44: node "a"',
        '"a" (input) is a stream of the program, which gives it once',
        'Use `fail` or `end-branch`; the program can run the graph again with a new stream.',
      ],
    ],
  },
  'strict that is a text': {
    graph: `
strict: yes please
nodes:
  a: { type: tone }
  x: { type: "null", from: a }`,
    refused: [
      [
        'SLUICE_CONFIG_INVALID',
        '2:9',
        'entry "strict": expected true or false, not a text',
        'See pipelines/schema.json for what a pipeline holds.',
      ],
    ],
  },
  'two sessions, and none is named': {
    graph: `
sessions: { a: { sessionId: a }, b: { sessionId: b } }
nodes:
  v: { type: session-audio }
  w: { type: wav, path: w.wav, from: v }`,
    refused: [
      [
        'SLUICE_SESSION_UNKNOWN',
        '4:3: node "v"',
        'session-audio does not say which session it means',
        'Add `session: a`, or another.',
      ],
    ],
  },
  'a session that does not exist': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: session-audio, session: hall }
  w: { type: wav, path: w.wav, from: v }`,
    refused: [['SLUICE_SESSION_UNKNOWN', '4:38: node "v"', 'there is no session "hall"', 'Sessions here: room.']],
  },
  'a session without any': {
    graph: `
nodes:
  v: { type: session-audio, session: hall }
  w: { type: wav, path: w.wav, from: v }`,
    refused: [['SLUICE_SESSION_UNKNOWN', '3:38: node "v"', 'there is no session "hall"', 'Sessions here: none.']],
  },
  'a file that two nodes write': {
    graph: `
nodes:
  a: { type: tone }
  v: { type: wav, path: out/a.wav, from: a }
  w: { type: wav, path: out/../out/a.wav, from: a }`,
    refused: [
      ['SLUICE_CONFIG_INVALID', '5:25: node "w"', '"v" writes "out/../out/a.wav" already', 'Give it another path.'],
    ],
  },
  'a file that is written while it is read': {
    graph: `
nodes:
  f: { type: file, path: talk.wav }
  w: { type: wav, path: ./talk.wav, from: f.audio }`,
    refused: [['SLUICE_CONFIG_INVALID', '4:25: node "w"', '"f" reads "./talk.wav" already', 'Give it another path.']],
  },
  'an unknown option within one': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio, streams: each, only: { nam: "Guest *" } }
  m: { type: mixer, from: v }
  w: { type: wav, path: w.wav, from: m }`,
    refused: [['SLUICE_CONFIG_INVALID', '4:63: node "v"', 'unknown option "only.nam"', 'Did you mean "name"?']],
  },
  'a publisher without any session': {
    graph: `
nodes:
  a: { type: tone }
  o: { type: publisher, from: a }`,
    refused: [
      [
        'SLUICE_SESSION_UNKNOWN',
        '4:3: node "o"',
        'publisher needs a session, and there is none',
        'Add `sessions: { room: { sessionId: demo } }`.',
      ],
    ],
  },
};
