/** What one direction of a network does to datagrams. What is not given does nothing. Structured-clonable. */
export interface LinkConditions {
  /** Share of datagrams lost, each on its own, 0 to 1. */
  readonly loss?: number | undefined;
  /** From the moment it is set and for so long, this share is lost instead of `loss`. */
  readonly burst?: LossBurst | undefined;
  /** How long the way takes, in ms. */
  readonly delayMs?: number | undefined;
  /** Added to the delay of each datagram: evenly spread from 0 to this, in ms. It never changes the order. */
  readonly jitterMs?: number | undefined;
  /** This share takes `reorderMs` longer, and those behind pass by. */
  readonly reorder?: number | undefined;
  /** In ms. Default 20. */
  readonly reorderMs?: number | undefined;
  /** Share of datagrams delivered twice, 0 to 1. */
  readonly duplicate?: number | undefined;
  /** What goes through, in bit/s, IP and UDP headers counted. */
  readonly rateBps?: number | undefined;
  /** The longest wait before the limit, in ms; a datagram that would wait longer is dropped. Default 300. */
  readonly queueMs?: number | undefined;
}

export interface LossBurst {
  /** 0 to 1. */
  readonly loss: number;
  readonly durationMs: number;
}

export const DEFAULT_REORDER_MS = 20;
export const DEFAULT_QUEUE_MS = 300;

/** Refuses what cannot be meant. Errors: RangeError. */
export function checkConditions(conditions: LinkConditions): void {
  const { loss, burst, reorder, duplicate, rateBps } = conditions;
  for (const [name, share] of Object.entries({ loss, 'burst.loss': burst?.loss, reorder, duplicate })) {
    if (share !== undefined && !(share >= 0 && share <= 1))
      throw new RangeError(`${name} is a share of 0 to 1: ${share}`);
  }
  const { delayMs, jitterMs, reorderMs, queueMs } = conditions;
  const times = { delayMs, jitterMs, reorderMs, queueMs, 'burst.durationMs': burst?.durationMs };
  for (const [name, ms] of Object.entries(times)) {
    if (ms !== undefined && !(ms >= 0 && ms < 3_600_000)) throw new RangeError(`${name} is a time in ms: ${ms}`);
  }
  if (rateBps !== undefined && !(rateBps > 0)) throw new RangeError(`rateBps is above 0: ${rateBps}`);
}
