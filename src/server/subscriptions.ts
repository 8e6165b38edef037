import {
  SubscriptionError,
  SubscriptionPermissionUpdate,
  SubscriptionResponse,
  type UpdateSubscription,
} from '@livekit/protocol';
import type { RoomMember } from './member.js';
import type { Room } from './room.js';
import type { SubscriberConnection } from './subscriber-connection.js';
import type { ServerTrack } from './track.js';

/** Tracks whose wishes are kept; a client that names more forgets the oldest. */
const MAX_WISHES = 1000;

export interface SubscriptionsOptions {
  readonly member: RoomMember;
  readonly room: Room;
  readonly subscriber: SubscriberConnection;
  /** Every track is wanted as it comes. */
  readonly autoSubscribe: boolean;
  /** The participant may receive at all. */
  mayReceive(): boolean;
}

/** Decides what one participant receives: what it wants, as far as it may, and as far as the publisher lets it. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  /** What the participant said of single tracks, by their ids. */
  readonly #wishes = new Map<string, boolean>();
  /** Tracks that are wanted and that their publisher does not give: the participant was told. */
  readonly #withheld = new Set<string>();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Does what the participant asks; tracks that are not there are answered with an error. */
  request(request: UpdateSubscription): void {
    const { member, room } = this.#options;
    const named = [...request.trackSids, ...request.participantTracks.flatMap((tracks) => tracks.trackSids)];
    const sids = new Set(named.slice(0, MAX_WISHES));
    const tracks = new Map([...room.tracksFor(member)].map((track) => [track.sid, track]));
    for (const sid of sids) {
      this.#wish(sid, request.subscribe);
      const track = tracks.get(sid);
      if (track) this.review(track);
      else if (request.subscribe) this.#refuse(sid, SubscriptionError.SE_TRACK_NOTFOUND);
    }
  }

  /** Begins or ends to receive a track, whatever changed: the track, a wish, or a permission. */
  review(track: ServerTrack): void {
    const { member, room, subscriber } = this.#options;
    const wanted = (this.#wishes.get(track.sid) ?? this.#options.autoSubscribe) && this.#options.mayReceive();
    const owner = wanted ? room.bySid(track.ownerSid) : undefined;
    const allowed = owner?.allows(member, track.sid) === true;
    if (owner) this.#tellPermission(track, allowed);
    if (allowed && track.media) subscriber.add(track);
    else subscriber.remove(track.sid);
  }

  reviewAll(): void {
    for (const track of this.#options.room.tracksFor(this.#options.member)) this.review(track);
  }

  /** A track is gone. */
  forget(trackSid: string): void {
    this.#wishes.delete(trackSid);
    this.#withheld.delete(trackSid);
    this.#options.subscriber.remove(trackSid);
  }

  /** The participant's client has said whether it takes a track. */
  onAgreed(track: ServerTrack, accepted: boolean): void {
    if (accepted) this.#options.room.bySid(track.ownerSid)?.onTrackSubscribed(track);
    else this.#refuse(track.sid, SubscriptionError.SE_CODEC_UNSUPPORTED);
  }

  #wish(trackSid: string, wanted: boolean): void {
    this.#wishes.delete(trackSid);
    this.#wishes.set(trackSid, wanted);
    const [oldest] = this.#wishes.keys();
    if (this.#wishes.size > MAX_WISHES && oldest !== undefined) this.#wishes.delete(oldest);
  }

  #tellPermission({ sid: trackSid, ownerSid: participantSid }: ServerTrack, allowed: boolean): void {
    if (allowed === !this.#withheld.has(trackSid)) return;
    if (allowed) this.#withheld.delete(trackSid);
    else this.#withheld.add(trackSid);
    const value = new SubscriptionPermissionUpdate({ participantSid, trackSid, allowed });
    this.#options.member.send({ case: 'subscriptionPermissionUpdate', value });
  }

  #refuse(trackSid: string, err: SubscriptionError): void {
    this.#options.member.send({ case: 'subscriptionResponse', value: new SubscriptionResponse({ trackSid, err }) });
  }
}
