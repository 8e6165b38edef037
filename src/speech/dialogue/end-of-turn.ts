import { wordsOf } from '../words.js';

/** What may be a whole turn. */
export interface OpenTurn {
  readonly participant: string;
  readonly text: string;
}

/** Judges whether somebody who is silent has said what they wanted to say. */
export interface EndOfTurnModel {
  /** How likely the turn is over, 0 to 1. Rejections count as not knowing. */
  likelihood(turn: OpenTurn): number | Promise<number>;
}

/** Words after which a sentence goes on, in the languages that are spoken to agents most. */
const GO_ON = new Set(
  (
    'and or but so because if when that which the a an to of for with from in on at my your is are was um uh er hmm ' +
    'und oder aber weil wenn dass der die das ein eine mit von zu für ist äh ähm ' +
    'et ou mais parce que si le la les un une de à avec pour est euh ' +
    'y o pero porque el los las una del con para es eh'
  ).split(' '),
);

/** Takes a turn for unfinished that ends in a word after which a sentence goes on, or in a comma or three dots. Pure. */
export const wordsEndOfTurn: EndOfTurnModel = {
  likelihood({ text }) {
    if (/(?:,|\.\.\.|…|-)\s*$/.test(text)) return 0.2;
    const last = wordsOf(text).at(-1);
    return last !== undefined && GO_ON.has(last) ? 0.1 : 0.9;
  },
};
