import type { ListenOptions, Listening, StreamingRecogniser } from '../../recogniser.js';
import { SharedModel, type StreamingOptions } from './model-host.js';
import { ModelListening } from './model-listening.js';

/** Understands speech by a streaming model while it comes, in a process of its own; loaded when somebody is to be heard. */
export class SherpaStreamingRecogniser implements StreamingRecogniser {
  readonly #options: StreamingOptions;
  #model: SharedModel | undefined;

  constructor(options: StreamingOptions) {
    this.#options = options;
  }

  async listen(options: ListenOptions): Promise<Listening> {
    options.signal.throwIfAborted();
    this.#model ??= SharedModel.of(this.#options);
    const listening = new ModelListening(options);
    await listening.open(this.#model, this.#options.timeoutMs);
    return listening;
  }

  async close(): Promise<void> {
    await this.#model?.release();
    this.#model = undefined;
  }
}
