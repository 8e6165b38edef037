/**
 * How far a decoder's output lags behind the time of its packet, in samples at 48 kHz. Containers count from the output
 * (the pre-skip of RFC 7845 section 4.2), timestamps of chunks from the input of the encoder.
 */
export const OPUS_LAG_SAMPLES = 312;
export const OPUS_LAG_US = (OPUS_LAG_SAMPLES * 1_000_000) / 48_000;

/** Most that one packet may carry (RFC 6716 section 3.2.5, requirement R5). */
const MAX_PACKET_US = 120_000;

const SILK_FRAME_US = [10_000, 20_000, 40_000, 60_000] as const;
const CELT_FRAME_US = [2_500, 5_000, 10_000, 20_000] as const;

/** How much audio a packet carries, in microseconds; undefined when it is not an Opus packet (RFC 6716 section 3.1). */
export function opusDurationUs(packet: Uint8Array): number | undefined {
  const toc = packet[0];
  if (toc === undefined) return undefined;
  const frames = frameCount(packet, toc & 3);
  if (frames === undefined) return undefined;
  const durationUs = frames * frameUs(toc >> 3);
  return durationUs > MAX_PACKET_US ? undefined : durationUs;
}

/** Channels that a packet was coded with; undefined when there is no packet. A decoder may give either number. */
export function opusChannels(packet: Uint8Array): 1 | 2 | undefined {
  const toc = packet[0];
  if (toc === undefined) return undefined;
  return (toc & 4) === 0 ? 1 : 2;
}

function frameUs(config: number): number {
  if (config >= 16) return CELT_FRAME_US[config & 3] ?? 0;
  if (config >= 12) return (config & 1) === 0 ? 10_000 : 20_000;
  return SILK_FRAME_US[config & 3] ?? 0;
}

function frameCount(packet: Uint8Array, code: number): number | undefined {
  if (code === 0) return 1;
  // Two frames of one size share what is left evenly.
  if (code === 1) return packet.length % 2 === 1 ? 2 : undefined;
  const second = packet[1];
  if (second === undefined) return undefined;
  if (code === 2) return 2;
  const count = second & 0x3f;
  return count === 0 ? undefined : count;
}
