import { z } from 'zod';
import { defineNode } from '../media/node.js';
import type { Transcript } from '../media/transcript.js';
import { OutputPath } from '../media/path-template.js';
import { textFile } from '../speech/text-file.js';

const Options = z.strictObject({
  path: OutputPath,
  timesFrom: z
    .enum(['media', 'start'])
    .default('media')
    .describe(
      'Where times begin: `media`, with the clock of the sound, as that of a file does; `start`, when the node does, in a branch with its stream, as a recording of a session does.',
    ),
});

/** How long a text is shown whose end is not known: time to read it, in µs a letter, and at least. */
const READ_US_PER_LETTER = 60_000;
const SHORTEST_US = 1_000_000;

/**
 * Writes final transcripts as WebVTT subtitles (W3C WebVTT), each from where it begins to where it ends on the media clock of the sound, or
 * since the node was made, said by its participant; one that came all at once, as captions may, is shown for the time to read it. In a branch, and when the node
 * is made anew after a failure, an existing file is kept and a number added to the name. Errors: SLUICE_FILE_WRITE.
 */
export const webvtt = defineNode({
  type: 'webvtt',
  summary: 'Writes transcripts as WebVTT subtitles.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'transcript' }] }],
  outputs: [],
  example: `nodes:
  clip:   { type: file, path: speech.ogg }
  speech: { type: vad, from: clip.audio }
  text:   { type: stt-exec, preset: pocketsphinx, from: [clip.audio, speech] }
  file:   { type: webvtt, from: text, path: out/speech.vtt }`,
  create: ({ path, timesFrom }, context) => {
    const zeroUs = timesFrom === 'start' ? context.clock.nowUs() : 0;
    return textFile(path, context, (transcript: Transcript) => cueOf(transcript, zeroUs), 'WEBVTT\n');
  },
});

function cueOf({ text, isFinal, start, end, participant }: Transcript, zeroUs: number): string {
  if (!isFinal || text.trim() === '') return '';
  // The end of a line would end the name, and an empty line the cue.
  const voice = participant === undefined ? '' : `<v ${escaped(participant).replaceAll(/\s+/g, ' ')}>`;
  const lines = escaped(text.trim()).replaceAll(/\s*[\r\n]\s*/g, '\n');
  // A cue that ends where it begins is none.
  const shownUntil = end > start ? end : start + Math.max(SHORTEST_US, text.length * READ_US_PER_LETTER);
  return `\n${timeOf(start - zeroUs)} --> ${timeOf(shownUntil - zeroUs)}\n${voice}${lines}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** `00:01:02.345` of µs. */
function timeOf(us: number): string {
  const ms = Math.max(0, Math.round(us / 1000));
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}.${String(ms % 1000).padStart(3, '0')}`;
}
