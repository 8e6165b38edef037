import { createOpusEncoder } from '../../src/codecs/opus.js';
import { createVideoEncoder } from '../../src/codecs/video-encoder.js';
import type { EncodedAudioChunk, EncodedVideoChunk, VideoCodec } from '../../src/media/encoded-chunk.js';
import { numbered } from './pictures.js';
import { sine } from './tones.js';

export const WIDTH = 160;
export const HEIGHT = 96;

/** Opus of 20 ms each: silence, then 1 kHz from `toneFromMs` on. */
export async function opusChunks(count: number, startUs: number, toneFromMs: number): Promise<EncodedAudioChunk[]> {
  const encoder = await createOpusEncoder({ sampleRate: 48000, numberOfChannels: 1, bitrate: 64_000 });
  const chunks: EncodedAudioChunk[] = [];
  for (let i = 0; i < count; i++) {
    const data = encoder.encode(sine(i * 20 < toneFromMs ? 0 : 1000, 48000, 960, 10_000, i * 960));
    chunks.push({ kind: 'encoded-audio', codec: 'opus', data, timestamp: startUs + i * 20_000, duration: 20_000 });
  }
  encoder.close();
  return chunks;
}

/** Numbered pictures, 25 a second, a key frame each second. */
export async function videoChunks(codec: VideoCodec, count: number, startUs: number): Promise<EncodedVideoChunk[]> {
  const encoder = await createVideoEncoder({ codec, width: WIDTH, height: HEIGHT, frameRate: 25, bitrate: 400_000 });
  const chunks: EncodedVideoChunk[] = [];
  for (let i = 0; i < count; i++) {
    const chunk = encoder.encode(numbered(WIDTH, HEIGHT, i, startUs + i * 40_000), { keyFrame: i % 25 === 0 });
    if (chunk) chunks.push(chunk);
  }
  encoder.close();
  return chunks;
}

/** A WAV file of 16-bit samples. */
export function wavBytes(data: Int16Array, sampleRate: number, numberOfChannels: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + data.byteLength, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(numberOfChannels, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * numberOfChannels * 2, 28);
  header.writeUInt16LE(numberOfChannels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(data.byteLength, 40);
  return Buffer.concat([header, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}
