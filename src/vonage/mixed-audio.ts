import { audioData, type AudioData } from '../media/audio-data.js';

/** The mix comes in chunks of 10 ms, a whole number of frames at each of the connector's rates. */
const CHUNKS_PER_SECOND = 100;

/** Gives audio in chunks of 10 ms, which are views of it; the rest of one that is no multiple of that is shorter. */
export function inTenMs(audio: AudioData, give: (chunk: AudioData) => void): void {
  const { data, sampleRate, numberOfChannels, timestamp } = audio;
  const length = (sampleRate / CHUNKS_PER_SECOND) * numberOfChannels;
  for (let at = 0; at < data.length; at += length) {
    const passedUs = (at * 1_000_000) / (sampleRate * numberOfChannels);
    give(audioData(data.subarray(at, at + length), sampleRate, numberOfChannels, timestamp + passedUs));
  }
}
