import { durationUs, isMedia, type PipelineValue } from '../media/media-value.js';
import type { AudioData } from '../media/audio-data.js';
import type { VideoFrame } from '../media/video-frame.js';
import { AudioConversion } from './conversion/audio-conversion.js';
import { VideoConversion } from './conversion/video-conversion.js';
import type { MediaExpectation } from './expectation-schema.js';
import { judgeAmount, type Judge, type Shortfall } from './judge/judgement.js';
import { LikenessJudge } from './judge/likeness-judge.js';
import { PictureJudge } from './judge/picture-judge.js';
import { JUDGED_RATE } from './judge/sound-blocks.js';
import { soundJudge } from './judge/sound-judge.js';

/** A shortfall, and where below the expectation of the media it belongs. */
export interface Finding extends Shortfall {
  readonly path: readonly (string | number)[];
}

/** The sound of a file in mono at JUDGED_RATE, made ready before the run. */
export type References = ReadonlyMap<string, Int16Array>;

/**
 * Sees all the media that passes one place, raw or encoded, and judges it. Decodes only what somebody wants to know the content of.
 */
export class Witness {
  readonly #expected: MediaExpectation;
  readonly #sounds: readonly Judge<AudioData>[];
  readonly #pictures: readonly Judge<VideoFrame>[];
  readonly #audio: AudioConversion | undefined;
  readonly #video: VideoConversion | undefined;
  readonly #captions: string[] = [];
  #count = 0;
  #firstUs: number | undefined;
  #endUs = 0;
  #failure: unknown;

  constructor(expected: MediaExpectation, references: References) {
    this.#expected = expected;
    this.#sounds = expected.audio.map((one) =>
      one.like === undefined ? soundJudge(one) : new LikenessJudge(one, references.get(one.like) ?? new Int16Array(0)),
    );
    this.#pictures = expected.video.map((one) => new PictureJudge(one));
    const onError = (error: unknown): void => {
      this.#failure ??= error;
    };
    if (this.#sounds.length > 0) {
      this.#audio = new AudioConversion({
        target: { sampleRate: JUDGED_RATE, numberOfChannels: 1 },
        onValue: (value) => {
          if (value.kind === 'audio') for (const judge of this.#sounds) judge.take(value);
        },
        onError,
      });
    }
    if (this.#pictures.length > 0) {
      this.#video = new VideoConversion({
        target: { format: 'YUV420P' },
        onValue: (value) => {
          if (value.kind === 'video') for (const judge of this.#pictures) judge.take(value);
        },
        onError,
      });
    }
  }

  readonly take = (value: PipelineValue): void => {
    this.#count++;
    if (!isMedia(value)) {
      if (value.kind === 'turn' || (value.kind !== 'voice-activity' && value.isFinal)) this.#captions.push(value.text);
      return;
    }
    this.#firstUs ??= value.timestamp;
    this.#endUs = Math.max(this.#endUs, value.timestamp + durationUs(value));
    if (value.kind === 'audio' || value.kind === 'encoded-audio') void this.#audio?.push(value);
    else void this.#video?.push(value);
  };

  close(): void {
    this.#audio?.close();
    this.#video?.close();
  }

  /** Everything that is not as expected. No more values may come. Errors: what made it impossible to look at them. */
  async findings(): Promise<Finding[]> {
    await this.#audio?.flush();
    await this.#video?.settled();
    if (this.#failure !== undefined) throw this.#failure as Error;
    const { count, durationMs, captions } = this.#expected;
    const spanMs = Math.round((this.#endUs - (this.#firstUs ?? this.#endUs)) / 1000);
    return [
      ...this.#sounds.flatMap((judge, i) => at(['audio', i], judge.verdict())),
      ...this.#pictures.flatMap((judge, i) => at(['video', i], judge.verdict())),
      ...at([], judgeAmount(this.#count, count, 'count')),
      ...at([], judgeAmount(spanMs, durationMs, 'durationMs')),
      ...at([], captions && judgeTexts(this.#captions, captions)),
    ];
  }
}

function at(path: Finding['path'], shortfall: Shortfall | undefined): Finding[] {
  if (!shortfall) return [];
  const { field, found, expected } = shortfall;
  return [{ found, expected, path: field === undefined ? path : [...path, field] }];
}

function judgeTexts(found: readonly string[], expected: readonly string[]): Shortfall | undefined {
  if (found.length === expected.length && found.every((text, i) => text === expected[i])) return undefined;
  return { field: 'captions', found: JSON.stringify(found), expected: JSON.stringify(expected) };
}
