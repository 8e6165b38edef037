import type { LinkConditions } from './conditions.js';
import type { LinkStats } from './link-statistics.js';

/** An address that datagrams are sent to, IPv4. */
export interface UdpAddress {
  readonly address: string;
  readonly port: number;
}

/** What both directions are to do; what is not named stays as it is. */
export interface NetworkChange {
  /** From clients to the server. */
  readonly up?: LinkConditions;
  /** From the server to clients. */
  readonly down?: LinkConditions;
}

export interface NetworkStats {
  readonly up: LinkStats;
  readonly down: LinkStats;
  /** Addresses of clients seen, each with an upstream socket of its own. */
  readonly flows: number;
}

/** What the relay's thread is started with. */
export interface RelayStart extends NetworkChange {
  readonly seed: number;
}

/** What the relay's thread is asked, with the number its answer carries. */
export type RelayRequest =
  | { readonly id: number; readonly type: 'open'; readonly target: UdpAddress }
  | { readonly id: number; readonly type: 'set'; readonly change: NetworkChange }
  | { readonly id: number; readonly type: 'stats'; readonly windowMs: number }
  | { readonly id: number; readonly type: 'close' };

export type RelayReply =
  | { readonly id: number; readonly value: UdpAddress | NetworkStats | undefined }
  | { readonly id: number; readonly error: string };
