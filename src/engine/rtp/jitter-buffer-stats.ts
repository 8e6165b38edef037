/**
 * Counters by the names of W3C webrtc-stats where it has them; samples at 48 kHz, delays in seconds times samples.
 * `packetsReceived = packetsEmitted + packetsDiscarded + packetsDuplicated + packetsEmpty + held`.
 */
export interface JitterBufferStats {
  packetsReceived: number;
  packetsEmitted: number;
  /** Too late, malformed, or more than is held at most. */
  packetsDiscarded: number;
  packetsDuplicated: number;
  /** Without payload: they only close a gap in the sequence. */
  packetsEmpty: number;
  packetsLate: number;
  /** Packets that carried a copy of the one before them, and those whose copy was not needed. */
  fecPacketsReceived: number;
  fecPacketsDiscarded: number;
  /** Samples that were to be heard: those received and those concealed. */
  totalSamplesReceived: number;
  /** Made up, without a packet or a copy of one. */
  concealedSamples: number;
  concealmentEvents: number;
  jitterBufferDelay: number;
  jitterBufferTargetDelay: number;
  jitterBufferMinimumDelay: number;
  jitterBufferEmittedCount: number;
  /** By stretching time. */
  insertedSamplesForDeceleration: number;
  removedSamplesForAcceleration: number;
}

export function emptyJitterBufferStats(): JitterBufferStats {
  return {
    packetsReceived: 0,
    packetsEmitted: 0,
    packetsDiscarded: 0,
    packetsDuplicated: 0,
    packetsEmpty: 0,
    packetsLate: 0,
    fecPacketsReceived: 0,
    fecPacketsDiscarded: 0,
    totalSamplesReceived: 0,
    concealedSamples: 0,
    concealmentEvents: 0,
    jitterBufferDelay: 0,
    jitterBufferTargetDelay: 0,
    jitterBufferMinimumDelay: 0,
    jitterBufferEmittedCount: 0,
    insertedSamplesForDeceleration: 0,
    removedSamplesForAcceleration: 0,
  };
}
