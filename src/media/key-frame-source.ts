/** A Readable of encoded video that can give a frame which is decodable on its own when it is asked for one. */
export interface KeyFrameSource {
  requestKeyFrame(): void;
}

/** Whether key frames can be asked for. */
export function isKeyFrameSource(stream: object): stream is KeyFrameSource {
  return 'requestKeyFrame' in stream && typeof stream.requestKeyFrame === 'function';
}
