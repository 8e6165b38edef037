import type { BranchEvents, NodeContext } from './node.js';
import type { SessionAccess, StreamInfo } from './session-access.js';

/**
 * Announces the streams of a session as branches, those that are there and those that come, until the context
 * is aborted or the session is over. What `wanted` refuses is left out until it does not any more: who joins muted
 * speaks later. The body of `watch` in a node that makes one branch a stream.
 */
export function watchStreams(
  session: SessionAccess,
  context: NodeContext,
  events: BranchEvents,
  wanted: (stream: StreamInfo) => boolean = () => true,
): Promise<void> {
  return new Promise((resolve) => {
    const begun = new Set<string>();
    const begin = (stream: StreamInfo): void => {
      if (begun.has(stream.streamId) || !wanted(stream)) return;
      begun.add(stream.streamId);
      events.began(stream);
    };
    const update = (stream: StreamInfo): void => {
      if (begun.has(stream.streamId)) events.updated(stream);
      else begin(stream);
    };
    const end = (stream: StreamInfo): void => {
      if (begun.delete(stream.streamId)) events.ended(stream.streamId);
    };
    const leave = (): void => {
      session.off('streamReceived', begin);
      session.off('streamUpdated', update);
      session.off('streamDropped', end);
      session.off('disconnected', leave);
      context.signal.removeEventListener('abort', leave);
      resolve();
    };
    if (context.signal.aborted) {
      resolve();
      return;
    }
    session.on('streamReceived', begin);
    session.on('streamUpdated', update);
    session.on('streamDropped', end);
    session.on('disconnected', leave);
    context.signal.addEventListener('abort', leave);
    for (const stream of session.streams.values()) begin(stream);
  });
}
