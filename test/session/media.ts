import { audioData, type AudioData } from '../../src/media/audio-data.js';
import type { EncodedAudioChunk, EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import type { VideoFrame } from '../../src/media/video-frame.js';

/** Audio that counts up, so that what comes out can be compared with what went in. */
export function ramp(
  ms: number,
  { sampleRate = 48_000, numberOfChannels = 2, first = 0, timestamp = 0 } = {},
): AudioData {
  const data = new Int16Array((sampleRate * numberOfChannels * ms) / 1000);
  for (let i = 0; i < data.length; i++) data[i] = (first + i) & 0x7fff;
  return audioData(data, sampleRate, numberOfChannels, timestamp);
}

/** A grey picture. */
export function picture(level: number, { width = 640, height = 480, timestamp = 0 } = {}): VideoFrame {
  return {
    kind: 'video',
    data: new Uint8Array((width * height * 3) / 2).fill(level),
    width,
    height,
    format: 'YUV420P',
    timestamp,
  };
}

export function opusPacket(byte: number, duration = 20_000, timestamp = 0): EncodedAudioChunk {
  return { kind: 'encoded-audio', codec: 'opus', data: Uint8Array.of(0xf8, 0xff, byte), duration, timestamp };
}

export function vp8Frame(type: 'key' | 'delta', byte: number, timestamp = 0): EncodedVideoChunk {
  return { kind: 'encoded-video', codec: 'vp8', type, data: Uint8Array.of(1, 2, byte), duration: 0, timestamp };
}
