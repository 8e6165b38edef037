/** Level that stands for digital silence, in dBFS (RFC 6464 section 3). */
export const SILENCE_DBFS = -127;

/** Interleaved samples, all zero. */
export function silence(numberOfFrames: number, numberOfChannels: number): Int16Array {
  return new Int16Array(numberOfFrames * numberOfChannels);
}

/** Samples one after the other, in memory of their own. */
export function concatSamples(parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Interleaved samples with another number of channels (1 or 2); the same array when nothing changes. */
export function convertChannels(data: Int16Array, from: number, to: number): Int16Array {
  if (from === to) return data;
  return from === 1 ? monoToStereo(data) : stereoToMono(data);
}

/** Both channels carry the mono signal. */
export function monoToStereo(data: Int16Array): Int16Array {
  const out = new Int16Array(data.length * 2);
  for (let i = 0, j = 0; i < data.length; i++) {
    const sample = data[i] as number;
    out[j++] = sample;
    out[j++] = sample;
  }
  return out;
}

/** The mean of both channels, written to `out`, which has room for one of them. */
export function stereoToMono(data: Int16Array, out = new Int16Array(data.length >> 1)): Int16Array {
  const frames = data.length >> 1;
  for (let i = 0, j = 0; i < frames; i++, j += 2) {
    out[i] = ((data[j] as number) + (data[j + 1] as number)) >> 1;
  }
  return out;
}

/** Whether all samples are zero. */
export function isSilent(data: Int16Array): boolean {
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) return false;
  return true;
}

/** Adds samples to a running sum, as many as both hold. */
export function mixInto(sum: Int32Array, data: Int16Array): void {
  const length = Math.min(sum.length, data.length);
  for (let i = 0; i < length; i++) sum[i] = (sum[i] as number) + (data[i] as number);
}

/** A new array of samples times `gain` (1 leaves them as they are), clipped at full scale. */
export function applyGain(data: Int16Array, gain: number): Int16Array {
  const out = new Int16Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const sample = Math.round((data[i] as number) * gain);
    out[i] = sample > 32_767 ? 32_767 : sample < -32_768 ? -32_768 : sample;
  }
  return out;
}

/** Gain factor of a level change in dB. */
export function gainOfDb(db: number): number {
  return 10 ** (db / 20);
}

/** Root mean square level in dBFS: 0 for a full-scale square wave, -3.01 for a sine, SILENCE_DBFS at least. */
export function levelDbfs(data: Int16Array): number {
  if (data.length === 0) return SILENCE_DBFS;
  let sum = 0;
  for (let i = 0; i < data.length; i++) {
    const sample = data[i] as number;
    sum += sample * sample;
  }
  if (sum === 0) return SILENCE_DBFS;
  return Math.max(SILENCE_DBFS, 10 * Math.log10(sum / data.length / 32_768 ** 2));
}

/** The largest distance from zero, 0 to 32768. */
export function peak(data: Int16Array): number {
  let highest = 0;
  for (let i = 0; i < data.length; i++) {
    const sample = data[i] as number;
    const magnitude = sample < 0 ? -sample : sample;
    if (magnitude > highest) highest = magnitude;
  }
  return highest;
}
