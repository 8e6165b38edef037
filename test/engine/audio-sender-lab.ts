import t from 'tap';
import { createOpusDecoder } from '../../src/codecs/opus.js';
import { AudioSender } from '../../src/engine/audio/audio-sender.js';
import { PUBLISHER_LEVELS, type AudioFormat } from '../../src/engine/port.js';
import { SendBeat } from '../../src/engine/audio/send-beat.js';
import { audioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { EncodedAudioChunk } from '../../src/media/encoded-chunk.js';
import { channel, concat, sine } from '../codecs/tones.js';
import { type SentPacket, captured } from './capture.js';

export const STEREO: AudioFormat = { sampleRate: 48_000, numberOfChannels: 2 };

/** A sender of audio on a virtual clock, what leaves it, and a tone to be written. */
export async function setUp(
  format = STEREO,
  more: { dtx?: boolean; silenceToleranceMs?: number; clock?: VirtualClock; beat?: SendBeat } = {},
) {
  const { clock = new VirtualClock() } = more;
  const { capture, stream } = captured(clock, 'audio');
  const events: string[] = [];
  let roomMade = (): void => undefined;
  const levels = new BigInt64Array(new SharedArrayBuffer(8 * PUBLISHER_LEVELS.length));
  const sender = await AudioSender.open({
    format,
    stereo: true,
    dtx: more.dtx ?? false,
    silenceToleranceMs: more.silenceToleranceMs ?? 200,
    levels,
    clock,
    onDrained: () => events.push(`drained ${clock.nowUs() / 1000}`),
    onConsumed: () => roomMade(),
    onError: (error) => t.fail(String(error)),
  });
  const beat = more.beat ?? new SendBeat(clock, (error) => t.fail(String(error)));
  beat.add(sender);
  sender.attach(stream);
  let frame = 0;
  /** The next so many ms of one endless tone of 400 Hz. */
  const write = (ms: number): void => {
    const frames = (format.sampleRate * ms) / 1000;
    const data = sine(Array<number>(format.numberOfChannels).fill(400), format.sampleRate, frames, 10_000, frame);
    sender.write(audioData(data, format.sampleRate, format.numberOfChannels, (frame * 1_000_000) / format.sampleRate));
    frame += frames;
  };
  const level = (name: 'audioConsumedUs' | 'audioPlayedUs'): number => Number(levels[PUBLISHER_LEVELS[name]]);
  /** As a writer does that has written as much as may wait; once. */
  const awaitRoom = (onRoom: () => void): void => {
    levels[PUBLISHER_LEVELS.audioAwaited] = 1n;
    roomMade = () => {
      if (levels[PUBLISHER_LEVELS.audioAwaited] === 0n) return;
      levels[PUBLISHER_LEVELS.audioAwaited] = 0n;
      onRoom();
    };
  };
  return { clock, capture, stream, sender, beat, write, events, level, awaitRoom };
}

/** Decodes packets in a row, those that were not sent left out. */
export async function decode(packets: readonly SentPacket[]): Promise<Int16Array> {
  const decoder = await createOpusDecoder({ sampleRate: 48_000, numberOfChannels: 2 });
  const samples = concat(packets.map(({ payload }) => decoder.decode(payload)));
  decoder.close();
  return channel(samples, 0, 2);
}

export function encoded(number: number, duration: number): EncodedAudioChunk {
  return { kind: 'encoded-audio', codec: 'opus', data: new Uint8Array(60).fill(number), timestamp: 0, duration };
}

export function isSilent(samples: Int16Array): boolean {
  return samples.every((sample) => Math.abs(sample) < 20);
}
