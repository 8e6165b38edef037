import type { AudioData } from '../media/audio-data.js';
import { SluiceError } from '../media/errors.js';
import { frameSizeBytes, type VideoFrame } from '../media/video-frame.js';
import type * as api from '../session/drivers/vonage/connector-api.js';

/**
 * Audio as sluice has it. The samples are those of the buffer where they lie at an even address, else a copy.
 * Errors: SLUICE_FORMAT_MISMATCH for a buffer that is too short; the rest is checked by whoever takes it.
 */
export function toAudioData(audio: api.AudioData, timestamp: number): AudioData {
  checkObject(audio, 'audio');
  const { data, sampleRate, numberOfChannels, numberOfFrames } = audio;
  const length = numberOfFrames * numberOfChannels;
  checkBuffer(data, length * 2, `${numberOfFrames} frames of ${numberOfChannels} channel(s)`);
  return { kind: 'audio', data: samplesOf(data, length), sampleRate, numberOfChannels, numberOfFrames, timestamp };
}

/**
 * A picture as sluice has it, a view of the same memory.
 * Errors: SLUICE_FORMAT_MISMATCH for a buffer that is too short; the rest is checked by whoever takes it.
 */
export function toVideoFrame(frame: api.VideoFrame, timestamp: number): VideoFrame {
  checkObject(frame, 'a picture');
  const { data, width, height } = frame;
  const named: unknown = frame.format;
  const format = String(named).toUpperCase() as api.VideoFormat;
  const size = frameSizeBytes(format, width, height);
  checkBuffer(data, size, `a ${format} picture of ${width}x${height}`);
  return { kind: 'video', data: data.subarray(0, size), width, height, format, timestamp };
}

/** Audio as the package gives it: the samples are those of the chunk. */
export function fromAudioData({ data, sampleRate, numberOfChannels, numberOfFrames }: AudioData): api.AudioData {
  return {
    data: bufferOf(data),
    sampleRate: sampleRate as api.SampleRate,
    numberOfChannels: numberOfChannels as api.NumberOfChannels,
    numberOfFrames,
  };
}

/** A picture as the package gives it, the same memory. */
export function fromVideoFrame({ data, width, height, format }: VideoFrame): api.VideoFrame {
  return { data: bufferOf(data), width, height, format };
}

function bufferOf({ buffer, byteOffset, byteLength }: Int16Array | Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function samplesOf(data: Uint8Array, length: number): Int16Array {
  if (data.byteOffset % 2 === 0) return new Int16Array(data.buffer, data.byteOffset, length);
  return new Int16Array(new Uint8Array(data.subarray(0, length * 2)).buffer);
}

function checkObject(value: unknown, what: string): void {
  if (typeof value === 'object' && value !== null) return;
  throw new SluiceError('SLUICE_FORMAT_MISMATCH', `${value === null ? 'null' : typeof value} is not ${what}`);
}

function checkBuffer(data: unknown, neededBytes: number, what: string): void {
  if (!(data instanceof Uint8Array)) {
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', 'data is no Buffer', {
      mend: 'Give the samples or pixels as a Buffer.',
    });
  }
  if (Number.isInteger(neededBytes) && neededBytes >= 0 && data.length >= neededBytes) return;
  throw new SluiceError('SLUICE_FORMAT_MISMATCH', `${data.length} bytes do not make ${what}`, {
    mend: `The buffer must hold ${neededBytes} bytes.`,
  });
}
