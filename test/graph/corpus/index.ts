import { AUDIO } from './audio.js';
import { BAD_BRANCHES } from './bad-branches.js';
import { BAD_DIAMONDS } from './bad-diamonds.js';
import { BAD_FILES } from './bad-files.js';
import { BAD_FORMATS } from './bad-formats.js';
import { BAD_LINKS } from './bad-links.js';
import { BAD_OPTIONS } from './bad-options.js';
import { BAD_TEXTS } from './bad-texts.js';
import { CODECS } from './codecs.js';
import { FLOW } from './flow.js';
import type { BadGraphs, GoodGraphs } from './graphs.js';
import { PICTURES } from './pictures.js';
import { SESSIONS } from './sessions.js';

/** Graphs whose formats are worked out. */
export const FORMATTED: GoodGraphs = { ...AUDIO, ...CODECS, ...PICTURES, ...SESSIONS };

/** Every graph that can be planned. */
export const GOOD_GRAPHS: GoodGraphs = { ...FORMATTED, ...FLOW };

/** Every graph that is refused, by file of the corpus. */
export const BAD_GRAPHS: BadGraphs = {
  ...BAD_FORMATS,
  ...BAD_LINKS,
  ...BAD_DIAMONDS,
  ...BAD_OPTIONS,
  ...BAD_BRANCHES,
  ...BAD_TEXTS,
  ...BAD_FILES,
};

/** How many there are in all, were no name used twice. */
export const CORPUS_SIZE = [
  AUDIO,
  CODECS,
  PICTURES,
  SESSIONS,
  FLOW,
  BAD_FORMATS,
  BAD_LINKS,
  BAD_DIAMONDS,
  BAD_OPTIONS,
  BAD_BRANCHES,
  BAD_TEXTS,
  BAD_FILES,
].reduce((size, graphs) => size + Object.keys(graphs).length, 0);
