import type { SubscriptionPermission, TrackPermission } from '@livekit/protocol';

/** Those that are said beyond this many are not given. */
const MAX_PERMISSIONS = 1000;

/** Who may take what, as its publisher says. */
interface Subscriber {
  readonly sid: string;
  readonly identity: string;
}

/** Says of one participant's tracks who may subscribe to them. Until the participant says something, everyone may. */
export class TrackPermissions {
  #everyone = true;
  #permissions: readonly TrackPermission[] = [];

  set({ allParticipants, trackPermissions }: SubscriptionPermission): void {
    this.#everyone = allParticipants;
    this.#permissions = trackPermissions.slice(0, MAX_PERMISSIONS);
  }

  allows({ sid, identity }: Subscriber, trackSid: string): boolean {
    if (this.#everyone) return true;
    return this.#permissions.some((one) => {
      const named = one.participantSid === '' ? one.participantIdentity === identity : one.participantSid === sid;
      return named && (one.allTracks || one.trackSids.includes(trackSid));
    });
  }
}
