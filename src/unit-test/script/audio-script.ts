import { SCRIPT_FORMAT } from './script-format.js';

/** A stretch of sound. Frames count from the beginning of the test. */
export interface AudioPart {
  readonly fromFrame: number;
  /** Where it ends at the latest; Infinity for no end. */
  readonly toFrame: number;
  /** Interleaved samples in SCRIPT_FORMAT. */
  readonly samples: Int16Array;
  /** Starts again at the end of its samples. */
  readonly loops: boolean;
  /** How loud it is, in dBFS: of several speakers the loudest is told. */
  readonly level: number;
}

const { chunkFrames, numberOfChannels } = SCRIPT_FORMAT;
const SILENCE = new Int16Array(chunkFrames * numberOfChannels);

/** What is heard of a scripted source, in chunks of 20 ms; between its parts there is silence. */
export class AudioScript {
  /** Where its last part ends; Infinity where one has no end. */
  readonly endFrame: number;
  readonly #parts: readonly AudioPart[];

  constructor(parts: readonly AudioPart[]) {
    this.#parts = parts.map((part) => ({ ...part, toFrame: endOf(part) }));
    this.endFrame = Math.max(0, ...this.#parts.map((part) => part.toFrame));
  }

  /** Frames at which a part begins or ends. */
  get edges(): readonly number[] {
    return this.#parts.flatMap(({ fromFrame, toFrame }) => [fromFrame, toFrame]).filter(Number.isFinite);
  }

  /** How loud it is at a moment, in dBFS; undefined in silence. */
  levelAt(frame: number): number | undefined {
    const levels = this.#parts
      .filter((part) => part.fromFrame <= frame && frame < part.toFrame)
      .map(({ level }) => level);
    return levels.length === 0 ? undefined : Math.max(...levels);
  }

  /** 20 ms from a frame on. May be a view of what others get too: not to be changed. */
  chunk(startFrame: number): Int16Array {
    const heard = this.#parts.filter((part) => part.fromFrame < startFrame + chunkFrames && startFrame < part.toFrame);
    const [only] = heard;
    if (!only) return SILENCE;
    return (heard.length === 1 && viewOf(only, startFrame)) || mixed(heard, startFrame);
  }
}

/** What does not loop ends with its samples. */
function endOf({ fromFrame, toFrame, samples, loops }: AudioPart): number {
  return loops ? toFrame : Math.min(toFrame, fromFrame + samples.length / numberOfChannels);
}

/** The samples themselves, where the chunk lies inside them. */
function viewOf({ fromFrame, toFrame, samples, loops }: AudioPart, startFrame: number): Int16Array | undefined {
  if (startFrame < fromFrame || startFrame + chunkFrames > toFrame) return undefined;
  const length = samples.length / numberOfChannels;
  const at = loops ? (startFrame - fromFrame) % length : startFrame - fromFrame;
  if (at + chunkFrames > length) return undefined;
  return samples.subarray(at * numberOfChannels, (at + chunkFrames) * numberOfChannels);
}

function mixed(parts: readonly AudioPart[], startFrame: number): Int16Array {
  const out = new Int16Array(SILENCE.length);
  for (const { fromFrame, toFrame, samples, loops } of parts) {
    const first = Math.max(fromFrame, startFrame);
    const last = Math.min(toFrame, startFrame + chunkFrames);
    for (let frame = first; frame < last; frame++) {
      const index = (frame - fromFrame) * numberOfChannels;
      for (let channel = 0; channel < numberOfChannels; channel++) {
        const to = (frame - startFrame) * numberOfChannels + channel;
        const sample = samples[loops ? (index + channel) % samples.length : index + channel] ?? 0;
        out[to] = Math.max(-32_768, Math.min(32_767, (out[to] ?? 0) + sample));
      }
    }
  }
  return out;
}
