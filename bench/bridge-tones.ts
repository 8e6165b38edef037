import { createOpusDecoder, createOpusEncoder } from '../src/codecs/opus.js';
import { concatSamples } from '../src/media/pcm.js';
import { toneAmplitude } from '../test/codecs/tones.js';
import { SAMPLE_RATE } from './client.js';
import { toneFrames } from './signals.js';

/** How loud each tone is: all of them together do not clip. */
const LEVEL = 500;
/** Packets that are sent again and again, of a second. */
const PACKETS = 50;
/** What is heard of a tone has about its level; of one's own the noise that the codec makes of fifty is left, a sixth of it. */
const HEARD = 0.5 * LEVEL;
const NOT_HEARD = 0.3 * LEVEL;

/** The tone of participant `index`, in Hz: a multiple of 10, none of which is a harmonic of what others hear. */
function toneHz(index: number): number {
  return 300 + 70 * index;
}

/** A second of a participant's tone in Opus packets of 20 ms, which follow each other without an end. */
export async function tonePackets(index: number): Promise<Uint8Array[]> {
  const encoder = await createOpusEncoder({ sampleRate: SAMPLE_RATE, numberOfChannels: 1, bitrate: 48_000 });
  const frames = toneFrames(toneHz(index), LEVEL);
  const encode = (count: number): Uint8Array => encoder.encode(frames[count % frames.length] ?? new Int16Array(0));
  for (let count = 0; count < PACKETS; count++) encode(count);
  const packets = Array.from({ length: PACKETS }, (_, count) => encode(count));
  encoder.close();
  return packets;
}

/** Whether the tones of all others are in the packets of a mix, and one's own is not. */
export async function hearsOthersOnly(
  packets: readonly Uint8Array[],
  own: number,
  participants: number,
): Promise<boolean> {
  const decoder = await createOpusDecoder({ sampleRate: SAMPLE_RATE, numberOfChannels: 1 });
  const samples = concatSamples(packets.map((packet) => decoder.decode(packet)));
  decoder.close();
  const second = samples.subarray(Math.max(0, samples.length - SAMPLE_RATE));
  return Array.from({ length: participants }, (_, index) => index).every((index) => {
    const level = toneAmplitude(second, toneHz(index), SAMPLE_RATE);
    return index === own ? level < NOT_HEARD : level > HEARD;
  });
}
