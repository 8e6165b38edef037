import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, type AudioData, type Session } from 'sluice';
import { concatSamples } from '../src/media/pcm.js';
import { SAMPLE_RATE, type JoinOptions } from './client.js';
import { nowMs } from './pacer.js';
import { toneLevels } from './signals.js';
import { median } from './statistics.js';
import { cpuPercent } from './usage.js';

export interface MixRecording extends JoinOptions {
  /** Of the tones of all others, one each, in Hz: multiples of 10. */
  readonly frequencies: readonly number[];
  /** Length of the chunks. */
  readonly ptimeMs: 10 | 20;
  readonly warmUpMs: number;
  readonly ms: number;
}

export interface MixRecord {
  /** CPU of the process, of one core. */
  readonly percent: number;
  readonly chunks: number;
  /** Between two chunks, as the program sees it. */
  readonly longestWaitMs: number;
  /** Sound that was made up, of all streams together. */
  readonly concealedMs: number;
  /** Pieces of 100 ms of one tone each, and those in which something of it is missing. */
  readonly pieces: number;
  readonly damaged: number;
}

const WINDOW = SAMPLE_RATE / 10;
/** Without 20 ms of it a tone has 80 % of its level in a piece. */
const WHOLE = 0.9;

/** Joins a session with sluice, reads the mix of all others for a while, and looks afterwards whether all of them are in it all the time. */
export async function recordMix(options: MixRecording): Promise<MixRecord> {
  const { url, token, frequencies, ptimeMs, warmUpMs, ms } = options;
  const audioSubscribersMix = { sampleRate: SAMPLE_RATE, numberOfChannels: 1, ptimeMs } as const;
  const session = await connect({ url, token, settings: { av: { audioSubscribersMix } } });
  while (session.streams.size < frequencies.length) await once(session, 'streamReceived');
  let chunks: Int16Array[] | undefined;
  let lastMs = NaN;
  let longestWaitMs = 0;
  session.on('data', ({ data }: AudioData) => {
    chunks?.push(data);
    const atMs = nowMs();
    if (chunks && atMs - lastMs > longestWaitMs) longestWaitMs = atMs - lastMs;
    lastMs = atMs;
  });
  await wait(warmUpMs);
  const before = await concealedMs(session);
  const recorded: Int16Array[] = (chunks = []);
  const percent = await cpuPercent(ms);
  chunks = undefined;
  return {
    percent,
    chunks: recorded.length,
    longestWaitMs,
    concealedMs: (await concealedMs(session)) - before,
    ...inspect(recorded, frequencies),
  };
}

async function concealedMs(session: Session): Promise<number> {
  const { inbound } = await session.stats();
  return inbound.reduce((sum, { concealedSamples }) => sum + concealedSamples / 48, 0);
}

function inspect(
  chunks: readonly Int16Array[],
  frequencies: readonly number[],
): { readonly pieces: number; readonly damaged: number } {
  const samples = concatSamples(chunks);
  let [pieces, damaged] = [0, 0];
  for (const levels of toneLevels(samples, frequencies, WINDOW)) {
    const usual = median(levels);
    pieces += levels.length;
    damaged += levels.filter((level) => level < WHOLE * usual).length;
  }
  return { pieces, damaged };
}
