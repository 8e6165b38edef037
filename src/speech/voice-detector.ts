/** Says how likely it is that somebody speaks, frame by frame of mono sound, and remembers what came before. */
export interface VoiceDetector {
  /** What it works on, in Hz and in samples. */
  readonly sampleRate: 16_000 | 48_000;
  readonly frameSize: number;
  /**
   * The likelihood that somebody speaks in the next `frameSize` samples, floats of the range of 16-bit integers: 0 to 1. The frame is the
   * detector's to change until it has answered; the next one comes after that. Errors: SLUICE_SPEECH_FAILED.
   */
  judge(frame: Float32Array): number | Promise<number>;
  /** Gives back what it holds. More calls do nothing. */
  close(): void;
}
