import type { EncodedVideoChunk } from '../media/encoded-chunk.js';
import { createVideoDecoder } from './video-decoder.js';

/**
 * Width and height in pixels of an encoded key picture; undefined for one that tells nothing.
 * VP8 says it in its first bytes (RFC 6386, 9.1); an H.264 picture is decoded.
 */
export async function pictureSize(chunk: EncodedVideoChunk): Promise<{ width: number; height: number } | undefined> {
  if (chunk.type !== 'key') return undefined;
  if (chunk.codec === 'vp8') {
    const { data } = chunk;
    if (data.length < 10 || data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) return undefined;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    return { width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff };
  }
  const decoder = await createVideoDecoder({ codec: chunk.codec });
  try {
    const frame = decoder.decode(chunk) ?? decoder.flush()[0];
    return frame && { width: frame.width, height: frame.height };
  } catch {
    return undefined;
  } finally {
    decoder.close();
  }
}
