/** One entry of a WebRTC statistics report, as far as it is read here. */
export interface StatsEntry {
  readonly id: string;
  readonly type: string;
  readonly state?: string;
  readonly nominated?: boolean;
  readonly selectedCandidatePairId?: string;
  readonly currentRoundTripTime?: number;
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
}

/** One `getStats()` report: what iterating over an RTCStatsReport yields. */
export type StatsReport = Iterable<readonly [string, StatsEntry]>;

export interface Traffic {
  /** Round trip to the server in milliseconds, by ICE; undefined until it was measured. */
  readonly rttMs: number | undefined;
  readonly upKbps: number | undefined;
  readonly downKbps: number | undefined;
}

interface Totals {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly atMs: number;
}

/** Round-trip time and bitrates of a participant, over all of its peer connections. */
export class TrafficMeter {
  #last: Totals | undefined;

  /** @param reports one per peer connection, the publishing one first. @param nowMs any clock that does not go back. */
  update(reports: readonly StatsReport[], nowMs: number): Traffic {
    const pairs = reports.map(activePair).filter((pair) => pair !== undefined);
    const totals = { bytesSent: sum(pairs, 'bytesSent'), bytesReceived: sum(pairs, 'bytesReceived'), atMs: nowMs };
    const last = this.#last;
    this.#last = totals;
    const rttSeconds = pairs.find((pair) => pair.currentRoundTripTime !== undefined)?.currentRoundTripTime;
    return {
      rttMs: rttSeconds === undefined ? undefined : rttSeconds * 1000,
      upKbps: rate(last?.bytesSent, totals.bytesSent, last?.atMs, nowMs),
      downKbps: rate(last?.bytesReceived, totals.bytesReceived, last?.atMs, nowMs),
    };
  }
}

/** `<1 ms`, `12 ms`; a dash while unknown. */
export function formatRtt(rttMs: number | undefined): string {
  if (rttMs === undefined) return '–';
  return rttMs < 1 ? '<1 ms' : `${Math.round(rttMs).toString()} ms`;
}

/** `64 kbps`, `1.4 Mbps`; a dash while unknown. */
export function formatBitrate(kbps: number | undefined): string {
  if (kbps === undefined) return '–';
  return kbps < 1000 ? `${Math.round(kbps).toString()} kbps` : `${(kbps / 1000).toFixed(1)} Mbps`;
}

function activePair(report: StatsReport): StatsEntry | undefined {
  const entries = new Map(report);
  const all = [...entries.values()];
  // Chromium and Safari name the pair in use; Firefox only marks it.
  const chosen = all.find((entry) => entry.type === 'transport')?.selectedCandidatePairId;
  if (chosen !== undefined) return entries.get(chosen);
  return all.find(
    (entry) => entry.type === 'candidate-pair' && entry.nominated === true && entry.state === 'succeeded',
  );
}

function sum(pairs: readonly StatsEntry[], field: 'bytesSent' | 'bytesReceived'): number {
  return pairs.reduce((total, pair) => total + (pair[field] ?? 0), 0);
}

/** Kilobits per second; undefined for the first sample and where a counter began anew with a new connection. */
function rate(
  before: number | undefined,
  after: number,
  beforeMs: number | undefined,
  nowMs: number,
): number | undefined {
  if (before === undefined || beforeMs === undefined || after < before || nowMs <= beforeMs) return undefined;
  return ((after - before) * 8) / (nowMs - beforeMs);
}
