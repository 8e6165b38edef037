/** What a check of one outside thing has found. */
export interface Finding {
  /** What was looked for: `program espeak-ng`. Holds no secret. */
  readonly what: string;
  readonly ok: boolean;
  /** Where it was found, or what is wrong, in a few words. */
  readonly found: string;
  /** How it is had, where it is missing. */
  readonly mend?: string;
}

/** Something is as it should be. */
export function fine(what: string, found: string): Finding {
  return { what, ok: true, found };
}

/** Something is not. */
export function wrong(what: string, found: string, mend: string | undefined): Finding {
  return { what, ok: false, found, ...(mend !== undefined && { mend }) };
}
