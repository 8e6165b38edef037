/**
 * Whether an Opus packet carries a coarse copy of the one before it (low bit-rate redundancy: RFC 6716, 4.2.3 and 4.2.4).
 * Only the speech layer has it, so a packet of the music layer never does.
 */
export function hasOpusFec(packet: Uint8Array): boolean {
  const toc = packet[0] ?? 0xff;
  const configuration = toc >> 3;
  if (configuration >= 16) return false;
  const at = firstFrameOffset(packet);
  const first = packet[at];
  if (first === undefined || firstFrameIsEmpty(packet)) return false;
  // The range coder leaves these flags, each as likely as not, as plain bits: voice activity of each 20 ms, then the copy's flag.
  const speechFrames = configuration < 12 ? [1, 1, 2, 3][configuration & 3]! : 1;
  const mono = (first >> (7 - speechFrames)) & 1;
  const stereo = (toc & 4) !== 0 ? (first >> (6 - 2 * speechFrames)) & 1 : 0;
  return (mono | stereo) !== 0;
}

/** Where the first frame begins (RFC 6716, 3.2). */
function firstFrameOffset(packet: Uint8Array): number {
  const code = packet[0]! & 3;
  if (code < 2) return 1;
  if (code === 2) return 1 + lengthBytes(packet, 1);
  const frameCount = packet[1] ?? 0;
  let at = 2;
  if (frameCount & 0x40) {
    while (packet[at] === 255) at++;
    at++;
  }
  if (frameCount & 0x80) for (let i = 1; i < (frameCount & 0x3f); i++) at += lengthBytes(packet, at);
  return at;
}

function firstFrameIsEmpty(packet: Uint8Array): boolean {
  return (packet[0]! & 3) === 2 && packet[1] === 0;
}

function lengthBytes(packet: Uint8Array, at: number): number {
  return (packet[at] ?? 0) < 252 ? 1 : 2;
}
