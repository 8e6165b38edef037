import type { BadGraphs } from './graphs.js';

/** Diamonds that would stand still. */
export const BAD_DIAMONDS: BadGraphs = {
  'a delay that would deadlock': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 5000, from: a }
  m: { type: mixer, live: false, from: [a, d] }
  x: { type: "null", from: m }`,
    refused: [
      [
        'SLUICE_LINK_DEADLOCK',
        '5:41: node "m"',
        '"m" would wait for ever: "d" needs 5000 ms of "a.out" before it gives any, and "a" can hold 180 ms',
        'Give "m" `queue: { maxMs: 4920, overflow: block }`, or delay both ways alike.',
      ],
    ],
  },
  'the same, the other way round': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 5000, from: a }
  m: { type: mixer, live: false, from: [d, a] }
  x: { type: "null", from: m }`,
    refused: [
      [
        'SLUICE_LINK_DEADLOCK',
        '5:44: node "m"',
        '"m" would wait for ever: "d" needs 5000 ms of "a.out" before it gives any, and "a" can hold 180 ms',
        'Give "m" `queue: { maxMs: 4920, overflow: block }`, or delay both ways alike.',
      ],
    ],
  },
  'a delay behind a gain that would deadlock': {
    graph: `
nodes:
  a: { type: tone, live: false }
  g: { type: gain, db: 1, from: a }
  d: { type: delay, ms: 400, from: g }
  h: { type: gain, db: 2, from: a }
  m: { type: mixer, live: false, from: [h, d] }
  x: { type: "null", from: m }`,
    refused: [
      [
        'SLUICE_LINK_DEADLOCK',
        '7:41: node "m"',
        '"m" would wait for ever: "d" needs 400 ms of "a.out" before it gives any, and "h" can hold 180 ms',
        'Give "m" `queue: { maxMs: 320, overflow: block }`, or delay both ways alike.',
      ],
    ],
  },
  'a delay that only just does not fit': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 190, from: a }
  m: { type: mixer, live: false, from: [a, d] }
  x: { type: "null", from: m }`,
    refused: [
      [
        'SLUICE_LINK_DEADLOCK',
        '5:41: node "m"',
        '"m" would wait for ever: "d" needs 190 ms of "a.out" before it gives any, and "a" can hold 180 ms',
        'Give "m" `queue: { maxMs: 110, overflow: block }`, or delay both ways alike.',
      ],
    ],
  },
  'delays that differ too much': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 3000, from: a }
  e: { type: delay, ms: 1000, from: a }
  m: { type: mixer, live: false, from: [d, e] }
  x: { type: "null", from: m }`,
    refused: [
      [
        'SLUICE_LINK_DEADLOCK',
        '6:44: node "m"',
        '"m" would wait for ever: "d" needs 3000 ms of "a.out" before it gives any, and "e" can hold 1180 ms',
        'Give "m" `queue: { maxMs: 1920, overflow: block }`, or delay both ways alike.',
      ],
    ],
  },
  'a queue that is too small for a delay': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 3000, from: a }
  m: { type: mixer, live: false, from: [a, d], queue: { maxMs: 1000, overflow: block } }
  x: { type: "null", from: m }`,
    refused: [
      [
        'SLUICE_LINK_DEADLOCK',
        '5:41: node "m"',
        '"m" would wait for ever: "d" needs 3000 ms of "a.out" before it gives any, and "a" can hold 1180 ms',
        'Give "m" `queue: { maxMs: 2920, overflow: block }`, or delay both ways alike.',
      ],
    ],
  },
  'three ways, one of them too slow': {
    graph: `
nodes:
  a: { type: tone, live: false }
  g: { type: gain, db: 1, from: a }
  d: { type: delay, ms: 800, from: a }
  m: { type: mixer, live: false, from: [a, g, d] }
  x: { type: "null", from: m }`,
    refused: [
      [
        'SLUICE_LINK_DEADLOCK',
        '6:41: node "m"',
        '"m" would wait for ever: "d" needs 800 ms of "a.out" before it gives any, and "a" can hold 180 ms',
        'Give "m" `queue: { maxMs: 720, overflow: block }`, or delay both ways alike.',
      ],
    ],
  },
  'a diamond behind a diamond': {
    graph: `
nodes:
  a: { type: tone, live: false }
  m: { type: mixer, live: false, from: a }
  d: { type: delay, ms: 900, from: m }
  k: { type: mixer, live: false, from: [m, d] }
  x: { type: "null", from: k }`,
    refused: [
      [
        'SLUICE_LINK_DEADLOCK',
        '6:41: node "k"',
        '"k" would wait for ever: "d" needs 900 ms of "m.out" before it gives any, and "m" can hold 180 ms',
        'Give "k" `queue: { maxMs: 820, overflow: block }`, or delay both ways alike.',
      ],
    ],
  },
  'a queue node that is too small for a diamond': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 1000, from: a }
  q: { type: queue, maxMs: 500, overflow: block, from: a }
  m: { type: mixer, live: false, from: [q, d] }
  x: { type: "null", from: m }`,
    refused: [
      [
        'SLUICE_LINK_DEADLOCK',
        '6:41: node "m"',
        '"m" would wait for ever: "d" needs 1000 ms of "a.out" before it gives any, and "q" can hold 680 ms',
        'Give "m" `queue: { maxMs: 420, overflow: block }`, or delay both ways alike.',
      ],
    ],
  },
  'a file that is switched to itself, delayed': {
    graph: `
nodes:
  a: { type: tone, live: false }
  d: { type: delay, ms: 1000, from: a }
  s: { type: switch, media: audio, from: [a, d], input: d }
  x: { type: "null", from: s }`,
    refused: [
      [
        'SLUICE_LINK_DEADLOCK',
        '5:43: node "s"',
        '"s" would wait for ever: "d" needs 1000 ms of "a.out" before it gives any, and "a" can hold 0 ms',
        'Give "s" `queue: { maxMs: 1100, overflow: block }`, or delay both ways alike.',
      ],
    ],
  },
};
