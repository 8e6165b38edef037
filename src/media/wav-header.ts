/** Bytes of the header that `wavHeader` writes. */
export const WAV_HEADER_BYTES = 44;
/** What the 32-bit sizes of the header can say at most. */
const MOST_DATA_BYTES = 0xffff_ffff - WAV_HEADER_BYTES;

/** The RIFF header of 16-bit PCM. What is longer than 4 GiB says the most that the header can. Pure. */
export function wavHeader(sampleRate: number, channels: number, dataBytes: number): Uint8Array {
  const size = Math.min(dataBytes, MOST_DATA_BYTES);
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(size + WAV_HEADER_BYTES - 8, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * channels * 2, 28);
  header.writeUInt16LE(channels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(size, 40);
  return header;
}
