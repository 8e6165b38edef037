import { SluiceError } from './errors.js';

/** The longest text of one segment, in bytes of UTF-8: what goes into one data packet of every server. */
export const MAX_CAPTIONS_BYTES = 8192;
/** Characters. */
export const MAX_SEGMENT_ID_LENGTH = 128;

/** Who says it, where that is not who sends it. */
export interface CaptionSpeaker {
  readonly name: string;
  /** The stream that it is said in. */
  readonly streamId?: string;
}

/** Text of what is said in a stream, in segments: sentences, as a rule. Immutable once it has been written to a stream. */
export interface CaptionsData {
  readonly kind: 'captions';
  /** The whole text of the segment so far, at most MAX_CAPTIONS_BYTES of UTF-8. */
  readonly text: string;
  /** False while the segment may change: its next text takes the place of this one. */
  readonly isFinal: boolean;
  /** Texts of one segment share it. Where it is left out, a text is of the segment that was not final yet. 1 to 128 characters. */
  readonly segmentId?: string;
  /**
   * Captions of what somebody else says: others see them at that stream where the session is joined as an `agent`, and with the name in
   * front elsewhere.
   */
  readonly speaker?: CaptionSpeaker;
}

/** Refuses captions whose fields are not what they should be. Errors: SLUICE_FORMAT_MISMATCH. */
export function checkCaptionsData({ text, isFinal, segmentId, speaker }: CaptionsData): void {
  if (typeof text !== 'string' || typeof isFinal !== 'boolean') {
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', 'captions need a text and whether it is final', {
      mend: "Write { kind: 'captions', text, isFinal }.",
    });
  }
  // Characters take a byte at least: what is far too long is not measured.
  const bytes = text.length > MAX_CAPTIONS_BYTES ? text.length : Buffer.byteLength(text);
  if (bytes > MAX_CAPTIONS_BYTES) {
    throw new SluiceError(
      'SLUICE_FORMAT_MISMATCH',
      `captions of ${bytes} bytes are longer than ${MAX_CAPTIONS_BYTES}`,
      {
        mend: 'Write the text in several segments.',
      },
    );
  }
  if (speaker !== undefined && typeof (speaker as Partial<CaptionSpeaker> | null)?.name !== 'string') {
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', 'the speaker of captions has no name', {
      mend: 'Leave the speaker out, or give { name, streamId }.',
    });
  }
  if (segmentId === undefined) return;
  if (typeof segmentId === 'string' && segmentId !== '' && segmentId.length <= MAX_SEGMENT_ID_LENGTH) return;
  throw new SluiceError('SLUICE_FORMAT_MISMATCH', 'the segmentId of captions is no text of 1 to 128 characters', {
    mend: 'Leave it out, or use a short id.',
  });
}

/** Captions that say in their text who speaks, for where they cannot be shown at the speaker's stream. Pure. */
export function namingSpeaker({ speaker, ...captions }: CaptionsData): CaptionsData {
  return speaker ? { ...captions, text: captionsText(`${speaker.name}: ${captions.text}`) } : captions;
}

/** A text that fits into captions: what is too long is cut at its end, never in the middle of a character. */
export function captionsText(text: string): string {
  if (Buffer.byteLength(text) <= MAX_CAPTIONS_BYTES) return text;
  return Buffer.from(text)
    .subarray(0, MAX_CAPTIONS_BYTES)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}
