import type { Writable } from 'node:stream';

/** A Readable of encoded video that can give a frame which is decodable on its own when it is asked for one. */
export interface KeyFrameSource {
  requestKeyFrame(): void;
}

/** Whether key frames can be asked for. */
export function isKeyFrameSource(stream: object): stream is KeyFrameSource {
  return 'requestKeyFrame' in stream && typeof stream.requestKeyFrame === 'function';
}

/** A function that asks whoever is piped into a Writable for a key frame; who cannot give one is not asked. */
export function keyFrameRequester(writable: Writable): () => void {
  let source: object | undefined;
  writable.on('pipe', (from: object) => (source = from));
  writable.on('unpipe', (from: object) => {
    if (source === from) source = undefined;
  });
  return () => {
    if (source && isKeyFrameSource(source)) source.requestKeyFrame();
  };
}
