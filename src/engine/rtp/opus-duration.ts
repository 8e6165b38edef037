/** Longest an Opus packet can be, in samples at 48 kHz: 120 ms. */
const MAX_SAMPLES = 5760;

/**
 * How long an Opus packet plays, in samples at 48 kHz, read from its first bytes (RFC 6716, 3.1 and 3.2); 0 for what is none.
 * 2.5 to 120 ms.
 */
export function opusDurationSamples(packet: Uint8Array): number {
  if (packet.length === 0) return 0;
  const toc = packet[0]!;
  const code = toc & 3;
  let frames = code === 0 ? 1 : 2;
  if (code === 3) {
    if (packet.length < 2) return 0;
    frames = packet[1]! & 0x3f;
  }
  const samples = frames * frameSamples(toc >> 3);
  return samples > MAX_SAMPLES ? 0 : samples;
}

/** True for the packet of one or two bytes by which Opus says that nothing follows for a while. */
export function isOpusDtx(packet: Uint8Array): boolean {
  return packet.length > 0 && packet.length <= 2;
}

function frameSamples(configuration: number): number {
  // SILK 10, 20, 40, 60 ms; hybrid 10, 20 ms; CELT 2.5, 5, 10, 20 ms.
  if (configuration < 12) return [480, 960, 1920, 2880][configuration & 3]!;
  if (configuration < 16) return configuration & 1 ? 960 : 480;
  return 120 << (configuration & 3);
}
