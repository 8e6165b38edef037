import type { Downlink } from './downlink.js';
import type { CandidatePairStats } from './port.js';
import type { TransportState } from './transport.js';
import type { Uplink } from './uplink.js';

/** The transports of a participant, under the names of W3C webrtc-stats; those that there are. */
export function candidatePairs(uplink: Uplink, downlink: Downlink, downlinkRoundTripUs: number): CandidatePairStats[] {
  const pairs: CandidatePairStats[] = [];
  const { availableBps } = uplink;
  if (uplink.transportState !== undefined) {
    pairs.push({
      direction: 'publish',
      state: stateOf(uplink.transportState),
      ...roundTrip(uplink.roundTripUs),
      ...(availableBps !== undefined && { availableOutgoingBitrate: Math.round(availableBps) }),
    });
  }
  if (downlink.transportState !== undefined) {
    const known = downlinkRoundTripUs > 0 ? downlinkRoundTripUs : undefined;
    pairs.push({ direction: 'subscribe', state: stateOf(downlink.transportState), ...roundTrip(known) });
  }
  return pairs;
}

function roundTrip(roundTripUs: number | undefined): Pick<CandidatePairStats, 'currentRoundTripTime'> {
  return roundTripUs === undefined ? {} : { currentRoundTripTime: roundTripUs / 1e6 };
}

function stateOf(state: TransportState): CandidatePairStats['state'] {
  if (state === 'connected') return 'succeeded';
  return state === 'failed' || state === 'closed' ? 'failed' : 'in-progress';
}
