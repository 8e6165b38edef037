import { ConnectionQuality, type ConnectionQualityInfo, TrackSource, TrackType } from '@livekit/protocol';
import t from 'tap';
import { type Delivery, QualityMeter, qualityOf } from '../../src/server/connection-quality.js';
import type { RoomMember } from '../../src/server/member.js';
import { QualityReports } from '../../src/server/quality-reports.js';
import type { Response } from '../../src/server/signal-socket.js';
import { writeReceiverReport } from '../../src/engine/rtp/rtcp-writer.js';
import { RawClient } from './raw-client.js';
import { RtpSource, rtpOf } from './rtp-source.js';
import { runServer } from './running-server.js';

const { EXCELLENT, GOOD, POOR, LOST } = ConnectionQuality;

/** Qualities after each of some looks at a connection with 500 packets between them. */
function qualities(looks: readonly (Partial<Delivery> & { silent?: boolean; lossPercent?: number })[]) {
  const meter = new QualityMeter();
  let [packets, lost] = [0, 0];
  return looks.map(({ silent = false, lossPercent = 0, ...delivery }) => {
    packets += 500;
    lost += 5 * lossPercent;
    meter.update({ packets, lost, missingLayers: 0, ...delivery }, silent);
    return qualityOf(meter.score);
  });
}

const times = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value);

t.test('loss and delay lower the quality at once; it rises again slowly', (t) => {
  t.same(qualities(times(3, {})), times(3, EXCELLENT));
  t.same(qualities(times(3, { lossPercent: 1, roundTripUs: 100_000 })), times(3, EXCELLENT));
  t.same(qualities(times(3, { lossPercent: 7 })), times(3, GOOD));
  t.same(qualities(times(3, { lossPercent: 30 })), times(3, POOR));
  t.same(qualities(times(3, { roundTripUs: 800_000 })), [GOOD, GOOD, GOOD]);
  t.same(qualities([{ lossPercent: 30 }, ...times(5, {})]), [POOR, GOOD, GOOD, EXCELLENT, EXCELLENT, EXCELLENT]);
  t.end();
});

t.test('layers that there is no room for count when they stay away', (t) => {
  t.same(qualities(times(4, { missingLayers: 1 })), [EXCELLENT, GOOD, GOOD, GOOD]);
  t.same(qualities(times(4, { missingLayers: 2 })), [EXCELLENT, GOOD, POOR, POOR]);
  t.same(qualities(times(3, { missingLayers: Infinity })), [EXCELLENT, POOR, POOR]);
  t.same(qualities([{ missingLayers: 2 }, {}, { missingLayers: 2 }]), times(3, EXCELLENT), 'not for a moment');
  t.end();
});

t.test('who is not heard is lost, until it is heard', (t) => {
  t.same(qualities([{}, { silent: true }, { silent: true }, {}, {}]), [EXCELLENT, LOST, LOST, GOOD, GOOD]);
  t.end();
});

t.test('tracks that come and go are no loss', (t) => {
  const meter = new QualityMeter();
  for (const packets of [1000, 200, 0, 50]) meter.update({ packets, lost: packets / 100, missingLayers: 0 }, false);
  t.ok(meter.score > 90, String(meter.score));
  t.end();
});

/** A member of which nothing but its quality is asked. */
function member(sid: string, hidden = false) {
  const told: Record<string, ConnectionQuality>[] = [];
  const state = { sid, hidden, score: 100, measureQuality: () => state.score, send, told };
  function send(message: Response): void {
    if (message.case !== 'connectionQuality') return;
    const updates: ConnectionQualityInfo[] = message.value.updates;
    told.push(Object.fromEntries(updates.map(({ participantSid, quality }) => [participantSid, quality])));
  }
  return state;
}

t.test('everyone is told of what has changed, newcomers of everyone, and nobody of who is hidden', (t) => {
  const reports = new QualityReports();
  const [ann, bob, ghost, eve] = [member('ann'), member('bob'), member('ghost', true), member('eve')];
  const report = (...members: unknown[]): void => {
    reports.report(members as RoomMember[], 0);
  };
  report(ann, bob, ghost);
  t.same(ann.told, [{ ann: EXCELLENT, bob: EXCELLENT }]);
  t.same(ghost.told, [{ ann: EXCELLENT, bob: EXCELLENT, ghost: EXCELLENT }], 'itself included');
  report(ann, bob, ghost);
  t.equal(ann.told.length, 1, 'nothing has changed');
  bob.score = 30;
  ghost.score = 30;
  report(ann, bob, ghost, eve);
  t.same(ann.told.slice(1), [{ bob: POOR, eve: EXCELLENT }]);
  t.same(eve.told, [{ ann: EXCELLENT, bob: POOR, eve: EXCELLENT }]);
  report(ann, eve);
  t.equal(ann.told.length, 2, 'who left is not told of');
  t.end();
});

t.test(
  'a publisher whose packets are lost on their way is seen to have a poor connection, and nobody else',
  async (t) => {
    const { url, token } = await runServer(t);
    const ann = await RawClient.join(url, await token('ann'));
    const bob = await RawClient.join(url, await token('bob'));
    t.teardown(() => Promise.all([ann.close(), bob.close()]));
    const request = { cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE };
    await ann.publish([{ request, track: { kind: 'audio', codec: 'opus', payloadType: 111, ssrc: 7 } }]);
    const subscriber = await bob.subscribe();
    let sent = 0;
    const send = (packet: Buffer): unknown => (sent++ % 3 === 0 ? undefined : ann.publisher?.send(packet));
    const voice = new RtpSource(send, { mid: '0', ssrc: 7, payloadType: 111 });
    const qualitiesOf = (client: RawClient): ConnectionQualityInfo[] =>
      client.responses.flatMap((one) => (one.case === 'connectionQuality' ? one.value.updates : []));
    // The receiver's own reports say what it has not got, which is not the fault of its connection.
    const report = setInterval(() => {
      const [first] = bob.received;
      if (!first) return;
      const cumulativeLost = Math.floor(bob.received.length / 2);
      const block = { fractionLost: 85, cumulativeLost, highestSequence: 0, jitter: 0, lastSr: 0, delaySinceLastSr: 0 };
      subscriber.send(writeReceiverReport(1, [{ ssrc: rtpOf(first).ssrc, ...block }]));
    }, 500);
    t.teardown(() => {
      clearInterval(report);
    });
    await voice.sendUntil(Buffer.from('voice'), () => qualitiesOf(bob).length >= 2);
    const sid = (client: RawClient): string =>
      client.responses[0]?.case === 'join' ? (client.responses[0].value.participant?.sid ?? '') : '';
    const byLoss = qualitiesOf(bob).sort((a, b) => a.quality - b.quality);
    t.match(byLoss, [
      { participantSid: sid(ann), quality: POOR },
      { participantSid: sid(bob), quality: EXCELLENT },
    ]);
  },
);
