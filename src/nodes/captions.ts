import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { captionsText, type CaptionSpeaker, type CaptionsData } from '../media/captions.js';
import { defineNode } from '../media/node.js';
import type { TextData } from '../media/text.js';
import type { Transcript } from '../media/transcript.js';

const Options = z.strictObject({
  speaker: z
    .boolean()
    .default(false)
    .describe(
      'Tell who said it, where it is known: others see it at that stream where the session has `kind: agent`, and with the name in front elsewhere.',
    ),
});

/** Makes captions of transcripts and of texts that are said, for a publisher to send. What is too long for one is cut at its end. */
export const captions = defineNode({
  type: 'captions',
  summary: 'Makes captions of transcripts and texts.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'transcript' }, { kind: 'text' }] }],
  outputs: [{ name: 'out', formats: [{ kind: 'captions' }] }],
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, streams: each }
  speech: { type: vad, from: voices }
  text:   { type: stt-exec, preset: pocketsphinx, from: [voices, speech] }
  all:    { type: funnel, from: text }
  words:  { type: captions, from: all, speaker: true }
  bot:    { type: publisher, captions: true, from: words }`,
  create: (options) => new Captions(options.speaker),
});

class Captions extends Transform {
  readonly #speaker: boolean;

  constructor(speaker: boolean) {
    super({ objectMode: true });
    this.#speaker = speaker;
  }

  override _transform(value: Transcript | TextData, _encoding: BufferEncoding, done: TransformCallback): void {
    const speaker = this.#speaker && value.kind === 'transcript' ? speakerOf(value) : undefined;
    const said = { kind: 'captions', text: captionsText(value.text), isFinal: value.isFinal } as const;
    done(null, (speaker ? { ...said, speaker } : said) satisfies CaptionsData);
  }
}

function speakerOf({ participant, streamId }: Transcript): CaptionSpeaker | undefined {
  return participant === undefined ? undefined : { name: participant, ...(streamId !== undefined && { streamId }) };
}
