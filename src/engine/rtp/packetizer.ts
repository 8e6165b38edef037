import type { TemporalPlace } from '../../codecs/temporal-layers.js';

/**
 * Cuts encoded pictures into RTP payloads. For each picture: `begin`, then for each index `length` and `write`, in order, into a packet
 * of the caller's. Reused from picture to picture; the picture's memory is read until the last `write`. The last packet gets the marker.
 */
export interface Packetizer {
  /**
   * Plans a picture into payloads of at most `maxPayload` bytes (about 1100); returns how many. `place`: of a picture that has one,
   * for codecs that tell it.
   */
  begin(frame: Uint8Array, maxPayload: number, place?: TemporalPlace): number;
  /** Bytes of payload `index`. */
  length(index: number): number;
  /** Writes payload `index` to `target` at `offset`. */
  write(index: number, target: Uint8Array, offset: number): void;
}
