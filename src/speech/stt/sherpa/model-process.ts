import { toErrorData } from '../../../media/errors.js';
import { type SherpaOnlineModel, type SherpaOnlineStream, loadSherpa } from '../../sherpa-package.js';
import { failed } from './model-failure.js';
import type { FromModel, Said, ToModel } from './port.js';

/**
 * Entry of a process that hears with a streaming model of sherpa-onnx. Decoding blocks the thread that it runs in, and a model that cannot
 * be read ends the whole process: neither is for the process of a program.
 */
interface Speaker {
  readonly stream: SherpaOnlineStream;
  text: string;
}

/** Silence that a model gets at the end, so that it tells its last words, in seconds. */
const TAIL_S = 0.7;

let model: SherpaOnlineModel | undefined;
const speakers = new Map<number, Speaker>();

process.on('message', (message: ToModel) => {
  switch (message.op) {
    case 'load':
      void load(message.config);
      return;
    case 'sound':
      if (model) hear(model, message.id, message.samples, message.sampleRate);
      return;
    case 'finish':
      if (model) finish(model, message.id);
      return;
    case 'close':
      forget(message.id);
  }
});
process.on('disconnect', () => process.exit());

async function load(config: object): Promise<void> {
  try {
    const { OnlineRecognizer } = await loadSherpa();
    model = new OnlineRecognizer(config);
    tell({ op: 'loaded' });
  } catch (error) {
    tell({ op: 'failed', error: toErrorData(failed(error)) });
  }
}

function hear(model: SherpaOnlineModel, id: number, samples: Int16Array, sampleRate: number): void {
  const speaker = speakers.get(id) ?? { stream: model.createStream(), text: '' };
  speakers.set(id, speaker);
  speaker.stream.acceptWaveform({ samples: Float32Array.from(samples, (sample) => sample / 32_768), sampleRate });
  const said = decode(model, speaker);
  const isNew = said.text !== speaker.text;
  speaker.text = said.text;
  tell({ op: 'heard', id, isFinal: false, ...(isNew && { said }) });
}

function finish(model: SherpaOnlineModel, id: number): void {
  const speaker = speakers.get(id);
  let said: Said | undefined;
  if (speaker) {
    speaker.stream.acceptWaveform({ samples: new Float32Array(TAIL_S * 16_000), sampleRate: 16_000 });
    speaker.stream.inputFinished();
    said = decode(model, speaker);
    forget(id);
  }
  tell({ op: 'heard', id, isFinal: true, ...(said && { said }) });
}

function decode(model: SherpaOnlineModel, { stream }: Speaker): Said {
  while (model.isReady(stream)) model.decode(stream);
  const { text, tokens, timestamps } = model.getResult(stream);
  return { text, tokens, timestamps };
}

function forget(id: number): void {
  // The memory of a stream is let go with its object, of whose size V8 knows nothing.
  if (speakers.delete(id)) globalThis.gc?.();
}

function tell(message: FromModel): void {
  process.send?.(message);
}
