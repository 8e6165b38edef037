import { readMid, readRid } from '../../engine/rtp/header-extensions.js';
import type { RtpPacket } from '../../engine/rtp/packet.js';
import type { ExtensionIds } from '../../engine/sdp/extensions.js';
import type { ReceivedSection } from '../../engine/sdp/negotiated.js';
import { UpStream } from './up-stream.js';
import type { UpTrack } from './up-track.js';

/** What an SSRC carries. */
export interface Binding {
  readonly track: UpTrack;
  readonly stream: UpStream;
  /** The SSRC carries retransmissions of `stream`. */
  readonly isRtx: boolean;
}

/** SSRCs beyond this many are not looked at: a publisher may not fill the memory with them. */
const MAX_BINDINGS = 256;

/**
 * Finds out which track and layer an SSRC belongs to: by the mid and rid of its packets, by what the description says of it,
 * or by its payload type where only one track has that. What was found is kept, since senders stop to send mid and rid.
 */
export class StreamBinder {
  readonly #bindings = new Map<number, Binding>();
  readonly #tracks = new Map<string, UpTrack>();
  #extensions: ExtensionIds = {};

  /** Sets the tracks that may be received, by mid; what is bound to others is forgotten. */
  setTracks(tracks: ReadonlyMap<string, UpTrack>): void {
    this.#tracks.clear();
    let extensions: ExtensionIds = {};
    for (const [mid, track] of tracks) {
      this.#tracks.set(mid, track);
      extensions = { ...track.section.extensions, ...extensions };
    }
    this.#extensions = extensions;
    const live = new Set(tracks.values());
    for (const [ssrc, binding] of this.#bindings) if (!live.has(binding.track)) this.#bindings.delete(ssrc);
  }

  /** Ids of the header extensions; with BUNDLE they are the same in all sections. */
  get extensions(): ExtensionIds {
    return this.#extensions;
  }

  get tracks(): Iterable<UpTrack> {
    return this.#tracks.values();
  }

  get bindings(): Iterable<Binding> {
    return this.#bindings.values();
  }

  get(ssrc: number): Binding | undefined {
    return this.#bindings.get(ssrc);
  }

  /** Binds the SSRC of a packet that has none yet; undefined when it cannot be told (yet) what it is. */
  bind(packet: RtpPacket): Binding | undefined {
    if (this.#bindings.size >= MAX_BINDINGS) return undefined;
    const track = this.#trackOf(packet);
    if (!track) return undefined;
    const { section } = track;
    const binding = section.rtx.has(packet.payloadType) ? this.#bindRtx(track, packet) : this.#bindMedia(track, packet);
    if (binding) this.#bindings.set(packet.ssrc, binding);
    return binding;
  }

  #bindMedia(track: UpTrack, packet: RtpPacket): Binding | undefined {
    const { section } = track;
    const codec = section.codecs.get(packet.payloadType);
    const rid = readRid(packet, this.#extensions.rid ?? 0) ?? '';
    if (!codec || (section.rids.length > 0 && !section.rids.includes(rid))) return undefined;
    const stream = new UpStream(packet.ssrc, section.rids.length > 0 ? rid : '', codec);
    const old = track.addStream(stream);
    // A layer that starts anew with another SSRC: what belonged to the old one is gone.
    if (old) for (const [ssrc, binding] of this.#bindings) if (binding.stream === old) this.#bindings.delete(ssrc);
    return { track, stream, isRtx: false };
  }

  #bindRtx(track: UpTrack, packet: RtpPacket): Binding | undefined {
    const named = track.section.rtxSsrcs.get(packet.ssrc);
    const byName = named === undefined ? undefined : this.#bindings.get(named)?.stream;
    const rid = readRid(packet, this.#extensions.repairedRid ?? 0);
    const stream = byName ?? track.streams.get(rid ?? '');
    return stream && { track, stream, isRtx: true };
  }

  #trackOf(packet: RtpPacket): UpTrack | undefined {
    const mid = readMid(packet, this.#extensions.mid ?? 0);
    if (mid !== undefined) return this.#tracks.get(mid);
    let only: UpTrack | undefined;
    let candidates = 0;
    for (const track of this.#tracks.values()) {
      const { section } = track;
      if (section.ssrcs.includes(packet.ssrc) || section.rtxSsrcs.has(packet.ssrc)) return track;
      if (!takes(section, packet.payloadType)) continue;
      only = track;
      candidates++;
    }
    return candidates === 1 ? only : undefined;
  }
}

function takes(section: ReceivedSection, payloadType: number): boolean {
  return section.active && (section.codecs.has(payloadType) || section.rtx.has(payloadType));
}
