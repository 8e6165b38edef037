/** How far what a source gives has been played by the publisher that it is piped into. */
export interface Playout {
  /** Media time in µs of what the source gave that has left, since it was piped in or cut. */
  playedUs(): number;
  /**
   * Drops what the source gave and has not left. Settles with the media time in µs that has left since it was piped in or cut before:
   * exact to the sample. The source gives nothing until then; what it gives afterwards counts from 0.
   */
  cut(): Promise<number>;
}

/** A Readable of audio that wants to know how far it has been played. */
export interface PlayoutSource {
  /** It is played by a publisher from now on; by none that could tell where it is undefined. */
  playedBy(playout: Playout | undefined): void;
}

/** Whether a source wants to know how far it has been played. */
export function isPlayoutSource(stream: object): stream is PlayoutSource {
  return 'playedBy' in stream && typeof stream.playedBy === 'function';
}
