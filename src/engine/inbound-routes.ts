import type { InboundTrack } from './inbound-track.js';
import { readMid } from './rtp/header-extensions.js';
import type { RtpPacket } from './rtp/packet.js';
import type { ReceivedSection } from './sdp/negotiated.js';

/** SSRCs that are remembered for one track: its own, that of its retransmissions, and those that they replaced. */
const MAX_PER_TRACK = 4;
/** A mid is at most so long (RFC 8843 bounds it by its header extension); a longer one is nobody's. */
const MAX_MID_BYTES = 16;

export interface Route {
  readonly track: InboundTrack;
  readonly section: ReceivedSection;
  /** The session description names the SSRC. */
  readonly named: boolean;
}

/**
 * Which track a packet belongs to: by its SSRC, which is learned from the mid on its packets or from the session
 * description. However many SSRCs are made up, a track is remembered by a few only, and other tracks are not touched.
 */
export class InboundRoutes {
  readonly #tracks: ReadonlyMap<string, InboundTrack>;
  readonly #routes = new Map<number, Route>();
  readonly #ssrcs = new Map<InboundTrack, number[]>();
  #sections: readonly ReceivedSection[] = [];

  /** `tracks` by their sids. */
  constructor(tracks: ReadonlyMap<string, InboundTrack>) {
    this.#tracks = tracks;
  }

  /** SSRCs that are remembered. */
  get size(): number {
    return this.#routes.size;
  }

  /** Takes what was negotiated; what was learned before is learned anew. */
  setSections(sections: Iterable<ReceivedSection>): void {
    this.#sections = [...sections];
    this.#routes.clear();
    this.#ssrcs.clear();
  }

  /** The route of an SSRC that is known already. */
  get(ssrc: number): Route | undefined {
    return this.#routes.get(ssrc);
  }

  /** The route of a packet. */
  of(packet: RtpPacket): Route | undefined {
    return this.#routes.get(packet.ssrc) ?? this.#learn(packet);
  }

  forget(track: InboundTrack): void {
    for (const ssrc of this.#ssrcs.get(track) ?? []) this.#routes.delete(ssrc);
    this.#ssrcs.delete(track);
  }

  #learn(packet: RtpPacket): Route | undefined {
    for (const section of this.#sections) {
      const midId = section.extensions.mid;
      const long = midId !== undefined && packet.extensionLength(midId) > MAX_MID_BYTES;
      const mid = midId === undefined || long ? undefined : readMid(packet, midId);
      const named = section.ssrcs.includes(packet.ssrc) || section.rtxSsrcs.has(packet.ssrc);
      if (mid === undefined ? !named : mid !== section.mid) continue;
      const trackSid = section.msid?.trackId;
      const track = trackSid === undefined ? undefined : this.#tracks.get(trackSid);
      return track && this.#remember(packet.ssrc, { track, section, named });
    }
    return undefined;
  }

  #remember(ssrc: number, route: Route): Route {
    const ssrcs = this.#ssrcs.get(route.track) ?? [];
    this.#ssrcs.set(route.track, ssrcs);
    if (ssrcs.length >= MAX_PER_TRACK) {
      // The oldest goes that the session description does not name.
      const at = ssrcs.findIndex((known) => this.#routes.get(known)?.named !== true && known !== route.track.ssrc);
      if (at === -1) return route;
      for (const gone of ssrcs.splice(at, 1)) this.#routes.delete(gone);
    }
    ssrcs.push(ssrc);
    this.#routes.set(ssrc, route);
    return route;
  }
}
