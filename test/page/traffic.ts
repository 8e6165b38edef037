import t from 'tap';
import { formatBitrate, formatRtt, TrafficMeter, type StatsEntry } from '../../src/server/page/traffic.js';

function report(...entries: StatsEntry[]): Map<string, StatsEntry> {
  return new Map(entries.map((entry) => [entry.id, entry]));
}

/** As Chromium reports: the transport names the pair in use, and a dead pair is there too. */
function chromium(bytesSent: number, bytesReceived: number, currentRoundTripTime?: number): Map<string, StatsEntry> {
  return report(
    { id: 'P0', type: 'candidate-pair', nominated: true, state: 'succeeded', bytesSent: 9e9, bytesReceived: 9e9 },
    {
      id: 'P1',
      type: 'candidate-pair',
      state: 'succeeded',
      bytesSent,
      bytesReceived,
      ...(currentRoundTripTime === undefined ? {} : { currentRoundTripTime }),
    },
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P1' },
  );
}

t.test('bitrates are sums over both connections, round trip is of the first that knows', (t) => {
  const meter = new TrafficMeter();
  t.same(meter.update([chromium(1000, 500), chromium(0, 0, 0.004)], 1000), {
    rttMs: 4,
    upKbps: undefined,
    downKbps: undefined,
  });
  // 100,000 more bytes up in a second are 800 kbps; 12,500 + 25,000 down are 300.
  t.same(meter.update([chromium(101_000, 13_000, 0.012), chromium(0, 25_000, 0.004)], 2000), {
    rttMs: 12,
    upKbps: 800,
    downKbps: 300,
  });
  t.end();
});

t.test('a browser that only marks its pair is read as well', (t) => {
  const meter = new TrafficMeter();
  const firefox = (bytesSent: number): Map<string, StatsEntry> =>
    report(
      { id: 'A', type: 'candidate-pair', nominated: false, state: 'failed', bytesSent: 7 },
      { id: 'B', type: 'candidate-pair', nominated: true, state: 'succeeded', bytesSent, bytesReceived: 0 },
    );
  meter.update([firefox(0)], 0);
  t.equal(meter.update([firefox(1250)], 500).upKbps, 20);
  t.end();
});

t.test('a new connection starts anew, and no connection is not zero round trip', (t) => {
  const meter = new TrafficMeter();
  meter.update([chromium(50_000, 50_000)], 0);
  t.same(meter.update([chromium(10, 10)], 1000), { rttMs: undefined, upKbps: undefined, downKbps: undefined });
  t.equal(meter.update([chromium(135, 10)], 2000).upKbps, 1);
  t.same(new TrafficMeter().update([], 0), { rttMs: undefined, upKbps: undefined, downKbps: undefined });
  t.end();
});

t.test('values are written for people', (t) => {
  t.same([undefined, 0.42, 12.4].map(formatRtt), ['–', '<1 ms', '12 ms']);
  t.same([undefined, 0, 64.4, 999.4, 1449].map(formatBitrate), ['–', '0 kbps', '64 kbps', '999 kbps', '1.4 Mbps']);
  t.end();
});
