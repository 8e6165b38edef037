import { z } from 'zod';
import { SluiceError } from '../../media/errors.js';
import type { TranscriptWord } from '../../media/transcript.js';
import { type EngineContext, defineEngine } from '../engine.js';
import { askService } from '../http-service.js';
import { openaiNeed, openaiRequest, openaiShape } from '../openai-service.js';
import type { Recogniser, Recognition } from '../recogniser.js';
import { type Utterance, utteranceWav } from '../utterances.js';

const Options = z.strictObject({
  ...openaiShape('/audio/transcriptions'),
  model: z.string().min(1).default('gpt-4o-mini-transcribe').describe('Name of the model.'),
  language: z
    .string()
    .regex(/^[a-z]{2,3}(?:-\w+)?$/i, 'Give a code such as `en`')
    .optional()
    .describe('What is spoken, as an ISO 639-1 code such as `en`; the model finds it out where this is left out.'),
  prompt: z
    .string()
    .min(1)
    .optional()
    .describe('Words that may be said, or text in the style that is wanted; not every model reads it.'),
  words: z
    .boolean()
    .default(false)
    .describe('Ask when each word was said. A model that cannot tell refuses: of OpenAI, `whisper-1` can.'),
  timeoutMs: z.number().min(100).max(600_000).default(20_000).describe('How long the service may give nothing, in ms.'),
});
type OpenaiOptions = z.output<typeof Options>;

/** What is shorter holds no word, and services refuse it, in seconds. */
const SHORTEST_S = 0.1;
/** Of an answer, in bytes. */
const MAX_ANSWER = 4_000_000;

const Words = z.array(z.object({ word: z.string(), start: z.number(), end: z.number() }));
/** Some have the words together, some in the segments that they belong to. */
const Answer = z.object({
  text: z.string(),
  words: Words.nullish(),
  segments: z.array(z.object({ words: Words.nullish() })).nullish(),
});

/** Understands utterances by a service that speaks OpenAI's API for transcriptions. */
export const openaiStt = defineEngine({
  type: 'stt-openai',
  kind: 'stt',
  options: Options,
  needs: (options) => [openaiNeed(options)],
  create: (options, context) => new OpenaiRecogniser(options, context),
});

class OpenaiRecogniser implements Recogniser {
  readonly #options: OpenaiOptions;
  readonly #context: EngineContext;

  constructor(options: OpenaiOptions, context: EngineContext) {
    this.#options = options;
    this.#context = context;
  }

  async recognise(utterance: Utterance, signal: AbortSignal): Promise<Recognition> {
    signal.throwIfAborted();
    const { samples, sampleRate, numberOfChannels } = utterance;
    if (samples.length < SHORTEST_S * sampleRate * numberOfChannels) return { text: '' };
    const begunUs = this.#context.clock.nowUs();
    const file = new Blob([utteranceWav(utterance)], { type: 'audio/wav' });
    const { body } = await askService({
      ...openaiRequest(this.#options, '/audio/transcriptions'),
      body: () => formOf(file, this.#options),
      timeoutMs: this.#options.timeoutMs,
      signal,
    });
    this.#context.measured('first byte', (this.#context.clock.nowUs() - begunUs) / 1000);
    const { text, words, segments } = answerIn(await textOf(body));
    const told = wordsIn(words ?? segments?.flatMap((segment) => segment.words ?? []) ?? [], utterance);
    return { text: text.replaceAll(/\s+/g, ' ').trim(), ...(told.length > 0 && { words: told }) };
  }
}

function formOf(file: Blob, { model, language, prompt, words }: OpenaiOptions): FormData {
  const form = new FormData();
  form.set('file', file, 'speech.wav');
  form.set('model', model);
  form.set('response_format', words ? 'verbose_json' : 'json');
  if (words) form.append('timestamp_granularities[]', 'word');
  if (language !== undefined) form.set('language', language);
  if (prompt !== undefined) form.set('prompt', prompt);
  return form;
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > MAX_ANSWER) throw unusable(`more than ${MAX_ANSWER} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function answerIn(text: string): z.output<typeof Answer> {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw unusable('no JSON');
  }
  const { data } = Answer.safeParse(answer);
  if (!data) throw unusable('other JSON');
  return data;
}

/** Words on the clock of the utterance, inside of it, and in order. */
function wordsIn(words: z.output<typeof Words>, { startUs, endUs }: Utterance): TranscriptWord[] {
  const placed: TranscriptWord[] = [];
  let fromUs = startUs;
  for (const { word, start, end } of words) {
    const text = word.trim();
    if (text === '') continue;
    const beginsUs = Math.min(Math.max(startUs + start * 1e6, fromUs), endUs);
    fromUs = Math.min(Math.max(startUs + end * 1e6, beginsUs), endUs);
    placed.push({ text, start: Math.round(beginsUs), end: Math.round(fromUs) });
  }
  return placed;
}

function unusable(found: string): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', 'a service gave no transcription', {
    found,
    expected: 'JSON with a text',
    mend: 'See that baseUrl is that of a service with this API.',
    retryable: false,
  });
}
