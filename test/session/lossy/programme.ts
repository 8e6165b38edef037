import { once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type AudioData,
  type InboundStats,
  type Publisher,
  type Session,
  type Subscriber,
  type VideoFrame,
  audioData,
} from '../../../src/index.js';
import { drawPattern, readPattern } from '../../../src/media/pattern.js';
import { concat } from '../../codecs/tones.js';
import { readAudio } from '../../nodes/media-lab.js';
import { PACKAGE_ROOT } from '../../support/package-root.js';
import { align, decimate } from '../../support/signal.js';

const SIZE = { width: 192, height: 128 } as const;
const FPS = 20;
const SAMPLE_RATE = 48_000;
export const SETTINGS = {
  av: {
    audioPublisher: { sampleRate: SAMPLE_RATE, numberOfChannels: 1 },
    audioSubscribersMix: { sampleRate: SAMPLE_RATE, numberOfChannels: 1 },
    videoPublisher: { resolution: SIZE, fps: FPS },
  },
} as const;
/** What is below 3 kHz is enough to tell words apart. */
const DECIMATION = 8;

let clip: Promise<Int16Array> | undefined;

function speech(): Promise<Int16Array> {
  return (clip ??= readAudio(join(PACKAGE_ROOT, 'pipelines', 'media', 'speech.ogg')).then(({ samples }) => samples));
}

/** Publishes speech that begins again at its end, and numbered pictures; both without an end. */
export async function broadcast(session: Session): Promise<Publisher> {
  const samples = await speech();
  const publisher = await session.publish({ name: 'Programme', audioSettings: { enableStereoMode: false } });
  let frame = 0;
  const talk = new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      const start = frame % (samples.length - 960);
      this.push(audioData(samples.slice(start, start + 960), SAMPLE_RATE, 1, (frame * 1e6) / SAMPLE_RATE));
      frame += 960;
    },
  });
  let number = 0;
  const show = new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      const timestamp = (number * 1e6) / FPS;
      this.push({
        kind: 'video',
        format: 'YUV420P',
        ...SIZE,
        data: drawPattern(number++, SIZE.width, SIZE.height),
        timestamp,
      });
    },
  });
  for (const [source, part] of [
    [talk, publisher.audio],
    [show, publisher.video],
  ] as const) {
    pipeline(source, part).catch(() => undefined);
  }
  return publisher;
}

/** A picture as it came; without its number where that cannot be read. */
interface Shown {
  readonly atMs: number;
  readonly number: number | undefined;
}

/** What one viewer heard and saw, and when. */
export class Recording {
  readonly subscriber: Subscriber;
  readonly shown: Shown[] = [];
  readonly #session: Session;
  readonly #heard: AudioData[] = [];

  constructor(session: Session, subscriber: Subscriber) {
    this.#session = session;
    this.subscriber = subscriber;
    subscriber.audio.on('data', (value: AudioData) => {
      this.#heard.push(value);
      subscriber.emit('noted');
    });
    subscriber.video.on('data', (frame: VideoFrame) => {
      this.shown.push({ atMs: performance.now(), number: readPattern(frame) });
      subscriber.emit('noted');
    });
  }

  static async of(session: Session): Promise<Recording> {
    for (;;) {
      for (const stream of session.streams.values())
        if (stream.hasAudio && stream.hasVideo) return new Recording(session, await session.subscribe(stream));
      await Promise.race([once(session, 'streamReceived'), once(session, 'streamUpdated')]);
    }
  }

  /** Seconds heard so far. */
  get heardSeconds(): number {
    return this.#heard.length / 50;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.subscriber as NodeJS.EventEmitter, 'noted');
  }

  /** Waits until so many more seconds were heard. */
  async hear(seconds: number): Promise<void> {
    const end = this.heardSeconds + seconds;
    await this.until(() => this.heardSeconds >= end);
  }

  /** Pictures that came since a moment, and those of them whose number could be read. */
  pictures(fromMs: number): { readonly shown: number; readonly readable: number } {
    const shown = this.shown.filter(({ atMs }) => atMs > fromMs);
    return { shown: shown.length, readable: shown.filter(({ number }) => number !== undefined).length };
  }

  /** The longest time without a new picture between two moments, in ms. */
  longestPauseMs(fromMs: number, toMs: number): number {
    const times = [fromMs, ...this.shown.map(({ atMs }) => atMs).filter((at) => at > fromMs && at < toMs), toMs];
    return Math.max(...times.slice(1).map((at, i) => at - times[i]!));
  }

  /**
   * How well the speech of so many seconds (of those heard) is recognised: the correlation of each second with the clip, those in
   * which little is said left out; lowest and middle one.
   */
  async likeness(fromSeconds: number, toSeconds: number): Promise<{ lowest: number; median: number; windows: number }> {
    const samples = await speech();
    const twice = decimate(concat([samples.subarray(0, samples.length - 960), samples]), DECIMATION);
    const windows: Int16Array[] = [];
    for (let second = Math.ceil(fromSeconds); second + 1 <= toSeconds; second++) {
      const chunks = this.#heard.slice(second * 50, (second + 1) * 50);
      windows.push(decimate(concat(chunks.map(({ data }) => data)), DECIMATION));
    }
    const energies = windows.map((window) => window.reduce((sum, sample) => sum + sample * sample, 0));
    const least = Math.max(...energies) / 20;
    const peaks = windows
      .filter((_, i) => energies[i]! >= least)
      .map((window) => align(twice, window, 0.99).peak)
      .sort((a, b) => a - b);
    return { lowest: peaks[0] ?? 0, median: peaks[peaks.length >> 1] ?? 0, windows: peaks.length };
  }

  async stats(kind: 'audio' | 'video'): Promise<InboundStats> {
    const { inbound } = await this.#session.stats();
    const { streamId } = this.subscriber.stream;
    const found = inbound.find((stats) => stats.kind === kind && stats.streamId === streamId);
    if (!found) throw new Error(`nothing was counted of ${kind}`);
    return found;
  }
}

/** The part of what was to be heard between two statistics that was made up. */
export function concealedShare(before: InboundStats, after: InboundStats): number {
  const concealed = after.concealedSamples - before.concealedSamples;
  return concealed / ((after.totalSamplesReceived ?? 0) - (before.totalSamplesReceived ?? 0));
}
