import { Readable } from 'node:stream';
import { z } from 'zod';
import { type MediaFile, openMediaFile } from '../codecs/media-file.js';
import { type AudioData, SAMPLE_RATES, audioDurationUs } from '../media/audio-data.js';
import type { ClockTimer } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import { audioOptions } from '../media/format.js';
import { defineNode, type NodeContext, type NodePorts } from '../media/node.js';
import { pathFrom } from '../media/path-template.js';
import type { TextData } from '../media/text.js';

/** Texts or sounds that wait for a slow reader; more are let go. */
const MAX_WAITING = 16;

const Entry = z
  .strictObject({
    atMs: z.number().min(0).default(0).describe('When, in ms after the pipeline has begun.'),
    everyMs: z.number().min(100).optional().describe('Again each time so many ms have passed since then.'),
    text: z.string().min(1).optional().describe('Goes out of `texts`.'),
    file: z.string().min(1).optional().describe('Its sound goes out of `sounds`; relative to the pipeline file.'),
  })
  .refine(({ text, file }) => (text === undefined) !== (file === undefined), {
    message: 'Give either `text` or `file`',
    path: ['text'],
  });
type Entry = z.output<typeof Entry>;

const Options = z.strictObject({
  entries: z
    .array(Entry)
    .min(1)
    .max(1000)
    .describe('What comes when: a `text` or the sound of a `file`, `atMs` after the beginning, and `everyMs` again.'),
  untilMs: z
    .number()
    .min(0)
    .optional()
    .describe('Nothing comes later, in ms after the beginning. Without it there is no end where an entry comes again.'),
  sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Samples per second of `sounds`, in Hz.'),
  channels: z.literal([1, 2]).default(2).describe('Channels of `sounds`: 1 for mono, 2 for stereo.'),
});
type ScheduleOptions = z.output<typeof Options>;

/**
 * Gives texts and the sound of files at their times, by the clock of the pipeline, from when it is first read. Sounds that are due while
 * another one plays come after it. Ends when nothing is due any more. What its readers do not take is counted. Errors:
 * SLUICE_FILE_NOT_FOUND and SLUICE_FILE_UNDECODABLE, before it begins.
 */
export const schedule = defineNode({
  type: 'schedule',
  summary: 'Gives texts, and the sound of files, at their times.',
  options: Options,
  inputs: [],
  outputs: ({ sampleRate, channels }) => [
    { name: 'texts', formats: [{ kind: 'text' }], optional: true },
    { name: 'sounds', formats: [{ kind: 'audio', sampleRate, numberOfChannels: channels }], optional: true },
  ],
  adapts: audioOptions,
  needs: ({ entries }, baseDir) =>
    entries.flatMap(({ file }) => (file === undefined ? [] : [{ kind: 'file', path: pathFrom(baseDir, file) }])),
  example: `sessions:
  room: { sessionId: demo }
nodes:
  times: { type: schedule, entries: [{ text: Welcome. }, { atMs: 60000, everyMs: 60000, text: One more minute. }] }
  voice: { type: tts-exec, from: times.texts }
  bot:   { type: publisher, from: voice.out }`,
  async create(options, context) {
    const files = new Map<string, MediaFile>();
    for (const { file } of options.entries) {
      if (file === undefined || files.has(file)) continue;
      const opened = await openMediaFile(pathFrom(context.baseDir, file));
      if (!opened.audio) throw new SluiceError('SLUICE_FILE_UNDECODABLE', `${opened.path} holds no audio`);
      files.set(file, opened);
    }
    return new Schedule(options, context, files);
  },
});

class Schedule implements NodePorts {
  readonly #context: NodeContext;
  readonly #options: ScheduleOptions;
  readonly #files: ReadonlyMap<string, MediaFile>;
  readonly #due: { readonly entry: Entry; atMs: number }[];
  #startUs: number | undefined;
  #timer: ClockTimer | undefined;
  #texts: Readable | undefined;
  #sounds: Sounds | undefined;

  constructor(options: ScheduleOptions, context: NodeContext, files: ReadonlyMap<string, MediaFile>) {
    this.#options = options;
    this.#context = context;
    this.#files = files;
    this.#due = options.entries.map((entry) => ({ entry, atMs: entry.atMs }));
  }

  output(port: string): Readable {
    const output =
      port === 'sounds'
        ? (this.#sounds = new Sounds(this.#options, this.#elapsedUs, this.#begin))
        : (this.#texts = new Readable({ objectMode: true, highWaterMark: MAX_WAITING, read: this.#begin }));
    return output.once('close', () => {
      if (this.#texts?.closed !== false && this.#sounds?.closed !== false) this.close();
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  readonly #begin = (): void => {
    if (this.#startUs !== undefined) return;
    this.#startUs = this.#context.clock.nowUs();
    this.#tick();
  };

  readonly #elapsedUs = (): number => this.#context.clock.nowUs() - (this.#startUs ?? this.#context.clock.nowUs());

  /** Gives what is due, in its order, and waits for what comes next. */
  readonly #tick = (): void => {
    const nowMs = this.#elapsedUs() / 1000;
    const untilMs = this.#options.untilMs ?? Infinity;
    for (;;) {
      const [next] = this.#due.sort((a, b) => a.atMs - b.atMs);
      if (!next || next.atMs > untilMs) {
        this.#texts?.push(null);
        this.#sounds?.finish();
        return;
      }
      if (next.atMs > nowMs + 0.001) {
        this.#timer = this.#context.clock.after(next.atMs - nowMs, this.#tick);
        return;
      }
      this.#give(next.entry);
      if (next.entry.everyMs === undefined) this.#due.shift();
      else next.atMs += next.entry.everyMs;
    }
  };

  #give({ text, file }: Entry): void {
    if (text !== undefined) {
      const texts = this.#texts;
      if (!texts || texts.destroyed || texts.readableLength >= MAX_WAITING) this.#context.dropped('text not taken');
      else texts.push({ kind: 'text', text, isFinal: true } satisfies TextData);
      return;
    }
    const sound = file === undefined ? undefined : this.#files.get(file);
    if (sound && this.#sounds?.play(sound) !== true) this.#context.dropped('sound not taken');
  }
}

/** The sound of files, one after the other. */
class Sounds extends Readable {
  readonly #options: ScheduleOptions;
  readonly #elapsedUs: () => number;
  readonly #begin: () => void;
  readonly #waiting: MediaFile[] = [];
  #reader: ReturnType<MediaFile['read']> | undefined;
  /** Where the sound that plays begins, on the clock that counts from the beginning. */
  #fromUs = 0;
  #endUs = 0;
  #isWanted = false;
  #isReading = false;
  #isFinished = false;

  constructor(options: ScheduleOptions, elapsedUs: () => number, begin: () => void) {
    super({ objectMode: true, highWaterMark: 8 });
    this.#options = options;
    this.#elapsedUs = elapsedUs;
    this.#begin = begin;
  }

  /** False where too many wait, or nobody listens. */
  play(file: MediaFile): boolean {
    if (this.destroyed || this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(file);
    this.#pumpSafely();
    return true;
  }

  /** No more sounds come. */
  finish(): void {
    this.#isFinished = true;
    this.#pumpSafely();
  }

  override _read(): void {
    this.#isWanted = true;
    this.#begin();
    this.#pumpSafely();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    void Promise.resolve(this.#reader?.close())
      .catch(() => undefined)
      .then(() => {
        done(error);
      });
  }

  #pumpSafely(): void {
    if (this.#isReading || !this.#isWanted) return;
    this.#isReading = true;
    this.#pump()
      .catch((error: unknown) => {
        this.destroy(error as Error);
      })
      .finally(() => {
        this.#isReading = false;
        // It may have been asked for more meanwhile.
        if (this.#isWanted && (this.#reader ?? this.#waiting[0])) this.#pumpSafely();
      });
  }

  async #pump(): Promise<void> {
    while (this.#isWanted && !this.destroyed) {
      this.#reader ??= this.#next();
      if (!this.#reader) {
        if (this.#isFinished) this.push(null);
        return;
      }
      const chunk = (this.#reader.take() ?? (await this.#reader.next())) as AudioData | undefined;
      if (chunk) {
        const timestamp = Math.round(this.#fromUs + chunk.timestamp);
        this.#endUs = timestamp + audioDurationUs(chunk);
        this.#isWanted = this.push({ ...chunk, timestamp });
      } else {
        await this.#reader.close();
        this.#reader = undefined;
      }
    }
  }

  #next(): ReturnType<MediaFile['read']> | undefined {
    const { sampleRate, channels } = this.#options;
    this.#fromUs = Math.max(this.#endUs, this.#elapsedUs());
    return this.#waiting.shift()?.read({
      encoded: false,
      audio: { sampleRate, numberOfChannels: channels },
      video: false,
    });
  }
}
