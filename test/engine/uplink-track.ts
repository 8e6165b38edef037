import { TrackSource, TrackType, VideoQuality } from '@livekit/protocol';
import t from 'tap';
import type { BitrateDemand } from '../../src/engine/bitrate-share.js';
import { BandwidthEstimator } from '../../src/engine/rtp/bandwidth/bandwidth-estimator.js';
import { readMid, readRid } from '../../src/engine/rtp/header-extensions.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { offerPublisher } from '../../src/engine/sdp/offer.js';
import { answerPublisher } from '../../src/engine/sdp/answer.js';
import { negotiateSent } from '../../src/engine/sdp/negotiated.js';
import { UplinkRate } from '../../src/engine/uplink-rate.js';
import { UplinkEntry, type UplinkTrack } from '../../src/engine/uplink-track.js';
import { planLayers } from '../../src/engine/video/layer-plan.js';
import { VirtualClock } from '../../src/media/clock.js';
import { OURS } from '../sdp/fixture.js';
import { Capture } from './capture.js';

function track(kind: 'audio' | 'video', more: Partial<UplinkTrack> = {}): UplinkTrack {
  return {
    kind,
    streamName: 'my camera',
    muted: false,
    stereo: false,
    dtx: false,
    videoCodec: 'vp8',
    width: 1280,
    height: 720,
    fps: 30,
    layers: kind === 'video' ? planLayers(1280, 720, true) : [],
    onKeyFrameRequest: () => undefined,
    onWanted: () => undefined,
    demand: () => ({ minBps: 0, maxBps: 0, weight: 0 }),
    setBudget: () => undefined,
    ...more,
  };
}

/** Offers the track to a server, which takes `layers` of simulcast or none. */
function taken(entry: UplinkEntry, simulcast: boolean): { clock: VirtualClock; capture: Capture } {
  const offer = offerPublisher({ transport: OURS, sections: [entry.offered('me')] });
  const answer = answerPublisher(offer, { transport: OURS, dataChannel: false });
  const [section] = answer.sections;
  const { simulcast: _none, ...plain } = section!;
  const sections = simulcast ? answer.sections : [{ ...plain, rids: [] }];
  const clock = new VirtualClock();
  const capture = new Capture(clock);
  entry.open(negotiateSent(offer, { ...answer, sections }).get(entry.mid)!, { clock, sink: capture });
  return { clock, capture };
}

t.test('a section of video offers every codec, first the one that is sent, and that is what it is sent in', (t) => {
  for (const [videoCodec, names] of [
    ['vp8', ['vp8', 'rtx', 'h264', 'rtx']],
    ['h264', ['h264', 'rtx', 'vp8', 'rtx']],
  ] as const) {
    const entry = new UplinkEntry(track('video', { videoCodec }), '3');
    const offer = offerPublisher({ transport: OURS, sections: [entry.offered('me')] });
    const codecs = offer.sections[0]!.codecs;
    t.same(
      codecs.map(({ name }) => name),
      names,
    );
    const { capture } = taken(entry, true);
    const stream = entry.streams[0]!;
    stream.sendVideo(stream.allocateVideo(10, true, 0), 0, 0);
    const packet = new RtpPacket();
    packet.parse(capture.sent[0]!.buffer);
    t.equal(packet.payloadType, codecs[0]?.payloadType);
  }
  t.end();
});

t.test('a track is announced with its layers, as LiveKit servers expect', (t) => {
  const entry = new UplinkEntry(track('video'), '3');
  const { layers, simulcastCodecs, ...request } = entry.request();
  t.match(request, { cid: entry.cid, type: TrackType.VIDEO, source: TrackSource.CAMERA, width: 1280, height: 720 });
  t.same(
    layers.map(({ quality, width, height, bitrate, rid }) => [quality, width, height, bitrate, rid]),
    [
      [VideoQuality.LOW, 320, 180, 150_000, 'q'],
      [VideoQuality.MEDIUM, 640, 360, 450_000, 'h'],
      [VideoQuality.HIGH, 1280, 720, 1_700_000, 'f'],
    ],
  );
  t.match(simulcastCodecs, [{ codec: 'vp8', cid: entry.cid, layers: { length: 3 } }]);
  const single = new UplinkEntry(track('video', { layers: planLayers(320, 180, true), width: 320, height: 180 }), '4');
  t.match(single.request().layers, [{ quality: VideoQuality.HIGH, width: 320, rid: '' }]);
  t.match(new UplinkEntry(track('audio'), '5').request(), { type: TrackType.AUDIO, disableDtx: true, layers: [] });
  t.end();
});

t.test('a stream for each layer that the server takes, or one for the best of them', (t) => {
  const layered = new UplinkEntry(track('video'), '3');
  taken(layered, true);
  t.equal(layered.streams.length, 3);
  t.equal(new Set(layered.streams.map((stream) => stream?.ssrc)).size, 3);
  const plain = new UplinkEntry(track('video'), '3');
  const { capture } = taken(plain, false);
  t.same(
    plain.streams.map((stream) => stream !== undefined),
    [false, false, true],
  );
  const [, , best] = plain.streams;
  best!.sendVideo(best!.allocateVideo(10, true, 0), 0, 0);
  const packet = new RtpPacket();
  packet.parse(capture.sent[0]!.buffer);
  t.same([readMid(packet, 4), readRid(packet, 10)], ['3', undefined], 'without a name');
  layered.end();
  t.same(layered.streams, []);
  t.end();
});

t.test('qualities that are taken name layers, the highest one standing for those above it', (t) => {
  const { LOW, MEDIUM, HIGH, OFF } = VideoQuality;
  const wanted = (size: readonly [number, number], ...qualities: VideoQuality[]): boolean[] =>
    new UplinkEntry(track('video', { layers: planLayers(...size, true) }), '1').wantedLayers(new Set(qualities));
  t.same(wanted([1280, 720], LOW, MEDIUM), [true, true, false]);
  t.same(wanted([1280, 720], HIGH), [false, false, true]);
  t.same(wanted([640, 480], HIGH), [false, true]);
  t.same(wanted([640, 480], LOW), [true, false]);
  t.same(wanted([320, 180], MEDIUM), [true]);
  t.same(wanted([320, 180], OFF), [false]);
  t.same(wanted([1280, 720]), [false, false, false]);
  t.end();
});

t.test('audio goes first, and video gets what is left of what may be sent', (t) => {
  const estimator = new BandwidthEstimator({ startBps: 500_000 });
  let wantedBps = 0;
  const rate = new UplinkRate({
    estimator,
    setWanted: (bps) => {
      wantedBps = bps;
    },
  });
  const budgets = [0, 0];
  const demands: BitrateDemand[] = [
    { minBps: 50_000, maxBps: 1_000_000, weight: 3 },
    { minBps: 50_000, maxBps: 1_000_000, weight: 1 },
  ];
  const video = (index: 0 | 1): UplinkEntry =>
    new UplinkEntry(
      track('video', {
        demand: () => demands[index]!,
        setBudget: (bps) => {
          budgets[index] = bps;
        },
      }),
      String(index),
    );
  const entries = [new UplinkEntry(track('audio'), '9'), video(0), video(1)];
  rate.update(entries, 0);
  const sum = budgets[0]! + budgets[1]!;
  t.ok(sum < 450_000 && sum > 420_000, `${sum} beside audio that has only just begun, and headers`);
  t.ok(Math.abs(budgets[0]! - 50_000 - 3 * (budgets[1]! - 50_000)) < 1, `by weight: ${budgets.join(', ')}`);
  t.ok(wantedBps > 2_000_000, 'what both have use for is probed for');
  rate.update([entries[0]!], 1_000_000);
  t.ok(wantedBps < 60_000, 'nothing is probed for audio alone');
  t.end();
});

t.test('what receivers report reaches its stream, and the estimate', (t) => {
  const estimator = new BandwidthEstimator({ startBps: 500_000 });
  const rate = new UplinkRate({ estimator, setWanted: () => undefined });
  const entry = new UplinkEntry(track('audio'), '1');
  const { clock } = taken(entry, false);
  const stream = entry.streams[0]!;
  stream.sendAudio(new Uint8Array(80), 0, true, 30, clock.nowUs());
  const block = { ssrc: stream.ssrc, fractionLost: 64, cumulativeLost: 1, highestSequence: 1, jitter: 48 };
  const lastSr = stream.senderReport()!.readUInt32BE(10);
  clock.advance(80);
  rate.onReport(
    [
      { ...block, lastSr, delaySinceLastSr: 0 },
      { ...block, ssrc: 1, lastSr: 0, delaySinceLastSr: 0 },
    ],
    (ssrc) => (ssrc === stream.ssrc ? stream : undefined),
    clock.nowUs(),
  );
  t.equal(stream.statistics.fractionLost, 0.25);
  t.ok(Math.abs(stream.statistics.roundTripUs! - 80_000) < 100);
  t.ok(Math.abs(estimator.roundTripUs! - 80_000) < 100);
  t.end();
});
