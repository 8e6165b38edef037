import { Writable } from 'node:stream';
import type { AudioData } from '../media/audio-data.js';
import type { VoiceActivity } from '../media/voice-activity.js';

export interface SpeechIntakeOptions {
  readonly onAudio: (chunk: AudioData) => void;
  readonly onActivity: (value: VoiceActivity) => void;
  /** All that is linked has ended; called once. */
  readonly onEnd: () => void;
}

/** The inputs of nodes that turn speech into text: sound, and voice activity where that is linked. Never holds its sources back. */
export class SpeechIntake {
  readonly #options: SpeechIntakeOptions;
  #audio: Writable | undefined;
  #activity: Writable | undefined;
  #isOver = false;

  constructor(options: SpeechIntakeOptions) {
    this.#options = options;
  }

  input(port: string): Writable {
    const { onAudio, onActivity } = this.#options;
    if (port === 'activity') return (this.#activity = this.#intake(onActivity));
    return (this.#audio = this.#intake(onAudio));
  }

  #intake(take: (value: never) => void): Writable {
    return new Writable({
      objectMode: true,
      write: (value, _encoding, done) => {
        take(value as never);
        done();
      },
      final: (done) => {
        done();
        setImmediate(() => {
          this.#endIfOver();
        });
      },
    });
  }

  #endIfOver(): void {
    if (this.#isOver || this.#audio?.writableFinished !== true || this.#activity?.writableFinished === false) return;
    this.#isOver = true;
    this.#options.onEnd();
  }
}
