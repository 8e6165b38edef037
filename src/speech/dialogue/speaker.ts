import { Endpointing, type EndpointingOptions } from './endpointing.js';

/** What one participant says. Times in µs on the clock of the graph. */
export interface Speaker {
  readonly endpointing: Endpointing;
  isSpeaking: boolean;
  /** They have left: what they said is all. */
  hasLeft: boolean;
  /** Of the voice that goes on, or of the last one. */
  voiceFromUs: number;
  silentFromUs: number;
  /** Of the turn that is not over yet: its beginning, its final texts, and one that may change. */
  turnFromUs: number | undefined;
  texts: string[];
  partial: string;
  /** The words of what was said before have come. */
  heardUntilUs: number;
  /** The agent's own voice was heard up to here. */
  echoUntilUs: number;
  likelihood: number | undefined;
  /** The turn before, until it is answered: it may go on. */
  answered: { readonly fromUs: number; readonly texts: string[]; readonly endUs: number } | undefined;
}

/** Voice is found to have ended so much later than its last word, at most, in µs. */
const TRAILING_US = 400_000;

export function newSpeaker(options: EndpointingOptions): Speaker {
  return {
    endpointing: new Endpointing(options),
    isSpeaking: false,
    hasLeft: false,
    voiceFromUs: 0,
    silentFromUs: 0,
    turnFromUs: undefined,
    texts: [],
    partial: '',
    heardUntilUs: -Infinity,
    echoUntilUs: -Infinity,
    likelihood: undefined,
    answered: undefined,
  };
}

/** Whether words are still to come of what was said. */
export function isOpen({ texts, partial, heardUntilUs, silentFromUs }: Speaker): boolean {
  return texts.length === 0 || partial !== '' || heardUntilUs < silentFromUs - TRAILING_US;
}

/** All that somebody said in their turn so far. */
export function textOf({ texts, partial }: Speaker): string {
  return [...texts, partial].filter((text) => text !== '').join(' ');
}
