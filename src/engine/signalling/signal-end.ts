import { DisconnectReason, type LeaveRequest, LeaveRequest_Action } from '@livekit/protocol';
import { leaveReason } from './leave-reason.js';

/**
 * What is left to do where a stay at a server has ended: nothing, since it was ended for good; to join `anew`, since the server is
 * there and takes this participant again; or to join `elsewhere`, since the server goes away or cannot be reached any more.
 */
export type Remedy = 'none' | 'anew' | 'elsewhere';

/** How a stay at a server has ended. */
export interface SignalEnd {
  /** A sentence without its end. */
  readonly reason: string;
  readonly remedy: Remedy;
  /** The server has said it. */
  readonly announced?: boolean;
}

const GOING_AWAY: ReadonlySet<DisconnectReason> = new Set([
  DisconnectReason.SERVER_SHUTDOWN,
  DisconnectReason.MIGRATION,
]);

/** What a server's goodbye means. */
export function endByLeave({ reason, action, canReconnect }: LeaveRequest): SignalEnd {
  // Older servers know no action.
  const comesBack = action === LeaveRequest_Action.RECONNECT || canReconnect;
  // A server that shuts down may say goodbye for good, but another one may have the session.
  const remedy = GOING_AWAY.has(reason) ? 'elsewhere' : comesBack ? 'anew' : 'none';
  return { reason: `the server ended the session: ${leaveReason(reason)}`, remedy, announced: true };
}
