/** Why a data packet went no further. */
export type DataDrop =
  /** Its sender may not send data, or not of this kind. */
  | 'notGranted'
  | 'malformed'
  | 'tooLarge'
  /** Of a kind that is not passed on. */
  | 'unsupported'
  /** A reliable packet that had come before. */
  | 'duplicate'
  /** Its sender sends too many. */
  | 'rate'
  /** Its receiver has no channel for it. */
  | 'noChannel'
  /** Its receiver does not keep up. */
  | 'backlog';

/** RTP packets of one or many participants. */
export interface MediaCounters {
  packetsReceived: number;
  /** Of no track, malformed, or not negotiated. */
  packetsDiscarded: number;
  /** Requests for packets and key frames, to publishers and from subscribers. */
  nacksSent: number;
  plisSent: number;
  nacksReceived: number;
  plisReceived: number;
  packetsSent: number;
  bytesSent: number;
  /** Not sent to a subscriber: paused, not agreed to yet, late, padding, of a layer that is not shown. */
  packetsWithheld: number;
  /** Dropped before they were sent: there was no room for them. */
  packetsDropped: number;
}

/** What one server has counted since it started. Numbers that only grow, as many of them as there are here, whatever comes. */
export interface ServerCounters {
  readonly joins: { accepted: number; refused: number; full: number };
  readonly signalling: { messages: number; undecodable: number; overRate: number };
  /** Of participants who have left. */
  readonly media: MediaCounters;
  readonly http: { crowdedOut: number };
  readonly data: {
    packetsReceived: number;
    bytesReceived: number;
    /** Once for every receiver. */
    packetsSent: number;
    bytesSent: number;
    readonly dropped: Record<DataDrop, number>;
  };
}

export function createCounters(): ServerCounters {
  return {
    joins: { accepted: 0, refused: 0, full: 0 },
    signalling: { messages: 0, undecodable: 0, overRate: 0 },
    media: createMediaCounters(),
    http: { crowdedOut: 0 },
    data: {
      packetsReceived: 0,
      bytesReceived: 0,
      packetsSent: 0,
      bytesSent: 0,
      dropped: {
        notGranted: 0,
        malformed: 0,
        tooLarge: 0,
        unsupported: 0,
        duplicate: 0,
        rate: 0,
        noChannel: 0,
        backlog: 0,
      },
    },
  };
}

export function createMediaCounters(): MediaCounters {
  return {
    packetsReceived: 0,
    packetsDiscarded: 0,
    nacksSent: 0,
    plisSent: 0,
    nacksReceived: 0,
    plisReceived: 0,
    packetsSent: 0,
    bytesSent: 0,
    packetsWithheld: 0,
    packetsDropped: 0,
  };
}

export function addMedia(sum: MediaCounters, more: Partial<MediaCounters>): void {
  for (const [name, count] of Object.entries(more)) sum[name as keyof MediaCounters] += count;
}
