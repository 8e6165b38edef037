/** Interleaved sine, the same in every channel unless a list gives each channel its own frequency in Hz. */
export function sine(
  frequencies: number | readonly number[],
  rate: number,
  frames: number,
  amplitude = 10_000,
  startFrame = 0,
): Int16Array {
  const list = typeof frequencies === 'number' ? [frequencies] : frequencies;
  const data = new Int16Array(frames * list.length);
  for (let frame = 0; frame < frames; frame++) {
    for (const [channel, frequency] of list.entries()) {
      data[frame * list.length + channel] = Math.round(
        amplitude * Math.sin((2 * Math.PI * frequency * (frame + startFrame)) / rate),
      );
    }
  }
  return data;
}

/** Amplitude of one frequency (Goertzel's algorithm). */
export function toneAmplitude(data: Int16Array, frequency: number, rate: number): number {
  const w = (2 * Math.PI * frequency) / rate;
  const coefficient = 2 * Math.cos(w);
  let s1 = 0;
  let s2 = 0;
  for (const sample of data) {
    const s0 = sample + coefficient * s1 - s2;
    s2 = s1;
    s1 = s0;
  }
  return (2 * Math.sqrt(s1 * s1 + s2 * s2 - coefficient * s1 * s2)) / data.length;
}

/** One channel of interleaved samples. */
export function channel(data: Int16Array, index: number, numberOfChannels: number): Int16Array {
  const out = new Int16Array(data.length / numberOfChannels);
  for (let i = 0; i < out.length; i++) out[i] = data[i * numberOfChannels + index] ?? 0;
  return out;
}

export { concatSamples as concat } from '../../src/media/pcm.js';

/** Something like speech: a pitch that wanders, with harmonics and syllables. Mono. */
export function speech(rate: number, frames: number): Int16Array {
  const data = new Int16Array(frames);
  let phase = 0;
  for (let i = 0; i < frames; i++) {
    const t = i / rate;
    phase += (2 * Math.PI * (130 + 30 * Math.sin(2 * Math.PI * 1.3 * t))) / rate;
    let sample = 0;
    for (let k = 1; k <= 12; k++) sample += Math.sin(k * phase) / (1 + Math.abs(k - 4));
    data[i] = Math.round(4000 * sample * (0.55 + 0.45 * Math.sin(2 * Math.PI * 4 * t)));
  }
  return data;
}

/** Power of the reference over power of the difference, in dB. */
export function signalToErrorDb(reference: Int16Array, other: Int16Array): number {
  let signal = 0;
  let error = 0;
  for (let i = 0; i < reference.length; i++) {
    const wanted = reference[i] ?? 0;
    signal += wanted * wanted;
    error += (wanted - (other[i] ?? 0)) ** 2;
  }
  return 10 * Math.log10(signal / Math.max(1, error));
}
