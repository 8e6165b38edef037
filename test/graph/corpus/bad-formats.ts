import type { BadGraphs } from './graphs.js';

/** Links whose formats do not fit. */
export const BAD_FORMATS: BadGraphs = {
  'sound into pictures': {
    graph: `
nodes:
  a: { type: tone }
  s: { type: scaler, from: a }
  x: { type: "null", from: s }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:28: node "s"',
        '"a" gives audio 48000 Hz 1 ch, scaler takes video',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'pictures into sound': {
    graph: `
nodes:
  p: { type: test-pattern }
  g: { type: gain, from: p }
  x: { type: "null", from: g }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:26: node "g"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, gain takes audio',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'sound into a picture encoder': {
    graph: `
nodes:
  a: { type: tone }
  e: { type: video-encoder, from: a }
  x: { type: "null", from: e }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:35: node "e"',
        '"a" gives audio 48000 Hz 1 ch, video-encoder takes video',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'Opus into a picture decoder': {
    graph: `
nodes:
  a: { type: input, media: encoded-audio }
  d: { type: video-decoder, from: a }
  x: { type: "null", from: d }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:35: node "d"',
        '"a" gives encoded-audio opus, video-decoder takes encoded-video vp8|h264',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'encoded pictures into a mixer': {
    graph: `
nodes:
  v: { type: input, media: encoded-video }
  m: { type: mixer, from: v }
  x: { type: "null", from: m }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:27: node "m"',
        '"v" gives encoded-video, mixer takes audio 48000 Hz 1 ch',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'pictures into a WAV file': {
    graph: `
nodes:
  p: { type: test-pattern }
  w: { type: wav, path: w.wav, from: p }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:38: node "w"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, wav takes audio',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'pictures into a recording of sound alone': {
    graph: `
nodes:
  p: { type: test-pattern }
  r: { type: recorder, path: r.ogg, from: p }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:43: node "r"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, recorder takes encoded-audio opus',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'pictures into an input that is named and takes sound': {
    graph: `
nodes:
  p: { type: test-pattern }
  r: { type: recorder, path: r.webm, from: { audio: p } }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:53: node "r"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, recorder takes encoded-audio opus',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'sound into an input that is named and takes pictures': {
    graph: `
nodes:
  a: { type: tone }
  r: { type: recorder, path: r.webm, from: { video: a } }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:53: node "r"',
        '"a" gives audio 48000 Hz 1 ch, recorder takes encoded-video vp8',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'the wrong one of two outputs': {
    graph: `
nodes:
  f: { type: file, path: f.mp4 }
  w: { type: wav, path: w.wav, from: f.video }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:38: node "w"',
        '"f" gives video YUV420P, wav takes audio',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'a publisher without pictures': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  p: { type: test-pattern }
  o: { type: publisher, from: p }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '5:31: node "o"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, publisher takes audio 48000 Hz 2 ch or encoded-audio opus',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'a subscriber of sound into pictures': {
    graph: `
sessions: { room: { sessionId: demo } }
nodes:
  v: { type: subscriber, media: audio }
  s: { type: scaler, from: v }
  x: { type: "null", from: s }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '5:28: node "s"',
        '"v" gives audio 48000 Hz 2 ch, scaler takes video',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'a program that gives sound and wants pictures': {
    graph: `
nodes:
  a: { type: input, media: audio }
  o: { type: output, media: video, from: a }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:42: node "o"',
        '"a" gives audio, output takes video',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
  'two links, both of the wrong kind': {
    graph: `
nodes:
  p: { type: test-pattern }
  g: { type: gain, from: p }
  h: { type: mixer, from: p }
  x: { type: "null", from: [g, h] }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '4:26: node "g"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, gain takes audio',
        'Link nodes that carry the same kind of media.',
      ],
      [
        'SLUICE_LINK_FORMATS',
        '5:27: node "h"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, mixer takes audio 48000 Hz 1 ch',
        'Link nodes that carry the same kind of media.',
      ],
      [
        'SLUICE_INPUT_DOUBLED',
        '6:32: node "x"',
        'input "in" has a link already',
        'Put a mixer in front of it, or take one link out.',
      ],
    ],
  },
  'strict, another rate': {
    graph: `
strict: true
nodes:
  a: { type: tone, sampleRate: 8000 }
  m: { type: mixer, sampleRate: 48000, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    refused: [
      [
        'SLUICE_LINK_STRICT',
        '5:46: node "m"',
        '"a" gives audio 8000 Hz 1 ch, mixer takes audio 48000 Hz 1 ch',
        'Put this between them: resampler. Or leave `strict` out.',
      ],
    ],
  },
  'strict, other channels': {
    graph: `
strict: true
nodes:
  a: { type: tone, channels: 1 }
  m: { type: mixer, channels: 2, from: a }
  w: { type: wav, path: w.wav, from: m }`,
    refused: [
      [
        'SLUICE_LINK_STRICT',
        '5:40: node "m"',
        '"a" gives audio 48000 Hz 1 ch, mixer takes audio 48000 Hz 2 ch',
        'Put this between them: resampler. Or leave `strict` out.',
      ],
    ],
  },
  'strict, an encoder is missing': {
    graph: `
strict: true
nodes:
  a: { type: tone }
  r: { type: recorder, path: r.ogg, from: a }`,
    refused: [
      [
        'SLUICE_LINK_STRICT',
        '5:43: node "r"',
        '"a" gives audio 48000 Hz 1 ch, recorder takes encoded-audio opus',
        'Put this between them: opus-encoder. Or leave `strict` out.',
      ],
    ],
  },
  'strict, two converters are missing': {
    graph: `
strict: true
nodes:
  a: { type: tone, sampleRate: 44100 }
  r: { type: recorder, path: r.ogg, from: a }`,
    refused: [
      [
        'SLUICE_LINK_STRICT',
        '5:43: node "r"',
        '"a" gives audio 44100 Hz 1 ch, recorder takes encoded-audio opus',
        'Put this between them: resampler, opus-encoder. Or leave `strict` out.',
      ],
    ],
  },
  'strict, a decoder is missing': {
    graph: `
strict: true
nodes:
  a: { type: tone }
  o: { type: opus-encoder, from: a }
  w: { type: wav, path: w.wav, from: o }`,
    refused: [
      [
        'SLUICE_LINK_STRICT',
        '6:38: node "w"',
        '"o" gives encoded-audio opus, wav takes audio',
        'Put this between them: opus-decoder. Or leave `strict` out.',
      ],
    ],
  },
  'strict, another size': {
    graph: `
strict: true
nodes:
  p: { type: test-pattern, width: 640, height: 480 }
  o: { type: output, media: video, width: 320, height: 240, from: p }`,
    refused: [
      [
        'SLUICE_LINK_STRICT',
        '5:67: node "o"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, output takes video 320 wide 240 high',
        'Put this between them: scaler. Or leave `strict` out.',
      ],
    ],
  },
  'strict, another frame rate': {
    graph: `
strict: true
nodes:
  p: { type: test-pattern, fps: 30 }
  e: { type: video-encoder, frameRate: 10, from: p }
  x: { type: "null", from: e }`,
    refused: [
      [
        'SLUICE_LINK_STRICT',
        '5:50: node "e"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, video-encoder takes video 10 fps',
        'Put this between them: frame-rate. Or leave `strict` out.',
      ],
    ],
  },
  'strict, other pixels': {
    graph: `
strict: true
nodes:
  p: { type: test-pattern }
  o: { type: output, media: video, format: RGB24, from: p }`,
    refused: [
      [
        'SLUICE_LINK_STRICT',
        '5:57: node "o"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, output takes video RGB24',
        'Put this between them: scaler. Or leave `strict` out.',
      ],
    ],
  },
  'strict, another codec': {
    graph: `
strict: true
nodes:
  v: { type: input, media: encoded-video, codec: vp8 }
  r: { type: recorder, path: r.mp4, from: v }`,
    refused: [
      [
        'SLUICE_LINK_STRICT',
        '5:43: node "r"',
        '"v" gives encoded-video vp8, recorder takes encoded-video h264',
        'Put this between them: video-decoder, video-encoder. Or leave `strict` out.',
      ],
    ],
  },
  'strict, two links that do not fit': {
    graph: `
strict: true
nodes:
  a: { type: tone, sampleRate: 8000 }
  b: { type: tone, sampleRate: 16000 }
  m: { type: mixer, sampleRate: 48000, from: [a, b] }
  x: { type: "null", from: m }`,
    refused: [
      [
        'SLUICE_LINK_STRICT',
        '6:47: node "m"',
        '"a" gives audio 8000 Hz 1 ch, mixer takes audio 48000 Hz 1 ch',
        'Put this between them: resampler. Or leave `strict` out.',
      ],
      [
        'SLUICE_LINK_STRICT',
        '6:50: node "m"',
        '"b" gives audio 16000 Hz 1 ch, mixer takes audio 48000 Hz 1 ch',
        'Put this between them: resampler. Or leave `strict` out.',
      ],
    ],
  },
  'strict, pictures into sound': {
    graph: `
strict: true
nodes:
  p: { type: test-pattern }
  w: { type: wav, path: w.wav, from: p }`,
    refused: [
      [
        'SLUICE_LINK_FORMATS',
        '5:38: node "w"',
        '"p" gives video YUV420P 640 wide 480 high 30 fps, wav takes audio',
        'Link nodes that carry the same kind of media.',
      ],
    ],
  },
};
