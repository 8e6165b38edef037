import { type MediaCounters, type ServerCounters, addMedia } from './counters.js';
import type { Rooms } from './rooms.js';

/** What a server has and has counted since it started. Plain data. */
export interface ServerStats extends ServerCounters {
  readonly uptimeSeconds: number;
  readonly rooms: number;
  readonly participants: number;
  /** Tracks with media, and how often they are subscribed to. */
  readonly tracks: number;
  readonly subscriptions: number;
  /** Of everyone, also those who have left. */
  readonly media: Readonly<MediaCounters> & {
    /** Requests to connect (STUN) of those who were not invited. */
    readonly strangerRequests: number;
  };
}

export function serverStats(
  rooms: Rooms,
  counters: ServerCounters,
  { uptimeSeconds, strangerRequests }: { readonly uptimeSeconds: number; readonly strangerRequests: number },
): ServerStats {
  const media = { ...counters.media };
  let [tracks, subscriptions] = [0, 0];
  for (const room of rooms.list()) {
    for (const member of room.participants) {
      for (const track of member.tracks) if (track.media) tracks++;
      subscriptions += member.subscriptionCount;
      addMedia(media, member.mediaCounters);
    }
  }
  return {
    ...structuredClone(counters),
    uptimeSeconds,
    rooms: rooms.count,
    participants: rooms.participantCount,
    tracks,
    subscriptions,
    media: { ...media, strangerRequests },
  };
}
