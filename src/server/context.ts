import type { Ticker } from '../engine/ticker.js';
import type { Clock } from '../media/clock.js';
import type { FanOut } from './forwarding/fan-out.js';
import type { ServerCounters } from './counters.js';
import type { Logger } from './log.js';
import type { Keys } from './token.js';

/** What every part of one server shares. */
export interface ServerContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: ServerCounters;
  /** API keys and their secrets; the renewed tokens of participants are signed with them. */
  readonly keys: Keys;
  /** Beats every few milliseconds, for pacing and feedback. */
  readonly ticker: Ticker;
  /** Gives those who send to subscribers their turns. */
  readonly fanOut: FanOut;
  /** Local address of all transports; undefined is all interfaces. */
  readonly bindAddress: string | undefined;
  /** UDP port of all transports; it is held by a UdpMux. */
  readonly udpPort: number;
  /** NTP time (microseconds since 1900) of a moment of `clock`. */
  ntpUs(nowUs: number): number;
}
