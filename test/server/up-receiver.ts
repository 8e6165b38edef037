import t from 'tap';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { type RtpExtension, writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { parseRtcp } from '../../src/engine/rtp/rtcp.js';
import { writeSenderReport } from '../../src/engine/rtp/rtcp-writer.js';
import { wrapRtx } from '../../src/engine/rtp/rtx.js';
import { parseTwccFeedback } from '../../src/engine/rtp/twcc.js';
import type { NegotiatedCodec, ReceivedSection } from '../../src/engine/sdp/negotiated.js';
import { UpReceiver } from '../../src/server/forwarding/up-receiver.js';
import { UpTrack } from '../../src/server/forwarding/up-track.js';
import type { UpStream } from '../../src/server/forwarding/up-stream.js';

const OPUS: NegotiatedCodec = { name: 'opus', payloadType: 111, clockRate: 48_000, fmtp: {}, feedback: ['nack'] };
const VP8: NegotiatedCodec = {
  name: 'vp8',
  payloadType: 96,
  rtxPayloadType: 97,
  clockRate: 90_000,
  fmtp: {},
  feedback: ['nack', 'nack pli'],
};
const EXTENSIONS = { mid: 4, rid: 10, repairedRid: 11, audioLevel: 1, transportSequence: 3 };
const none = { ssrcs: [], rtxSsrcs: new Map<number, number>(), rids: [], active: true, extensions: EXTENSIONS };
const AUDIO: ReceivedSection = { ...none, mid: '0', kind: 'audio', codecs: new Map([[111, OPUS]]), rtx: new Map() };
const VIDEO: ReceivedSection = {
  ...none,
  mid: '1',
  kind: 'video',
  codecs: new Map([[96, VP8]]),
  rtx: new Map([[97, 96]]),
  rids: ['q', 'h'],
};

const text = (id: number, value: string): RtpExtension => ({ id, data: Buffer.from(value) });
const number = (id: number, value: number): RtpExtension => ({ id, data: Buffer.from([value >> 8, value & 0xff]) });
const payload = Buffer.from([0x90, 1, 2, 3]);

function setUp() {
  const tracks = { audio: new UpTrack(AUDIO), video: new UpTrack(VIDEO) };
  const got: { track: string; rid: string; sequence: number; payload: number[]; stream: UpStream }[] = [];
  /** Of what leaves for those who take the tracks. */
  const loss = { audio: 0, video: 0 };
  for (const [track, up] of Object.entries(tracks)) {
    up.addSink({
      onPacket: (stream, packet, sequence) => {
        got.push({ track, rid: stream.rid, sequence, payload: [...packet.payload()], stream });
      },
      onStream: () => undefined,
      onStreamStopped: () => undefined,
      wantedRank: 0,
      get fractionLost() {
        return loss[track as keyof typeof loss];
      },
      awaits: () => false,
      takeOver: () => undefined,
    });
  }
  const rtcp: Buffer[] = [];
  const levels: number[] = [];
  const receiver = new UpReceiver({
    sendRtcp: (packet) => rtcp.push(packet),
    onAudioLevel: (level) => levels.push(level),
    ntpUs: (nowUs) => 5_000_000_000_000_000 + nowUs,
  });
  receiver.setTracks(
    new Map([
      ['0', tracks.audio],
      ['1', tracks.video],
    ]),
  );
  return { receiver, tracks, got, rtcp, levels, loss };
}

t.test('packets find their track and layer by mid and rid, and keep it without them', (t) => {
  const { receiver, got, levels } = setUp();
  const q = { payloadType: 96, ssrc: 11, timestamp: 0, payload };
  receiver.receive(writeRtp({ ...q, sequenceNumber: 1, extensions: [text(4, '1'), text(10, 'q')] }), 0);
  receiver.receive(writeRtp({ ...q, ssrc: 12, sequenceNumber: 1, extensions: [text(4, '1'), text(10, 'h')] }), 0);
  receiver.receive(writeRtp({ ...q, sequenceNumber: 2 }), 0);
  receiver.receive(
    writeRtp({
      payloadType: 111,
      ssrc: 20,
      sequenceNumber: 9,
      timestamp: 0,
      payload,
      extensions: [{ id: 1, data: Buffer.from([0x80 | 30]) }],
    }),
    0,
  );
  t.same(
    got.map(({ track, rid, sequence }) => [track, rid, sequence]),
    [
      ['video', 'q', 1],
      ['video', 'h', 1],
      ['video', 'q', 2],
      ['audio', '', 9],
    ],
  );
  t.same(levels, [30]);
  receiver.receive(writeRtp({ ...q, sequenceNumber: 2 }), 0);
  t.equal(got.length, 4, 'duplicates are not delivered');
  receiver.receive(writeRtp({ ...q, ssrc: 99, sequenceNumber: 2 }), 0);
  receiver.receive(writeRtp({ ...q, ssrc: 98, sequenceNumber: 2, extensions: [text(4, '1'), text(10, 'x')] }), 0);
  receiver.receive(
    writeRtp({ ...q, ssrc: 97, payloadType: 50, sequenceNumber: 2, extensions: [text(4, '1'), text(10, 'q')] }),
    0,
  );
  receiver.receive(Buffer.from('no packet at all'), 0);
  t.equal(got.length, 4);
  t.equal(receiver.discarded, 4);
  t.end();
});

t.test('retransmissions are unwrapped and answer the request for what was lost', (t) => {
  const { receiver, got, rtcp } = setUp();
  const names = [text(4, '1'), text(10, 'q')];
  const packet = (sequenceNumber: number): Buffer =>
    writeRtp({ payloadType: 96, ssrc: 11, timestamp: 0, sequenceNumber, payload, extensions: names });
  receiver.receive(packet(1), 0);
  receiver.receive(packet(4), 1000);
  receiver.tick(20_000);
  const nack = rtcp.flatMap((buffer) => parseRtcp(buffer)).find((report) => report.type === 'nack');
  t.match(nack, { mediaSsrc: 11, sequenceNumbers: [2, 3] });
  const lost = new RtpPacket();
  lost.parse(packet(2));
  const rtx = wrapRtx(lost, { ssrc: 15, payloadType: 97, sequenceNumber: 0, rid: { id: 10, repairedId: 11 } });
  receiver.receive(rtx, 30_000);
  t.match(got.at(-1), { track: 'video', rid: 'q', sequence: 2, payload: [...payload] });
  t.equal(got.at(-1)?.stream.statistics.packets, 2, 'a retransmission does not hide the loss from the sender');
  receiver.receive(
    writeRtp({ payloadType: 97, ssrc: 15, sequenceNumber: 1, timestamp: 0, paddingLength: 200 }),
    40_000,
  );
  t.equal(got.length, 3, 'padding on the retransmission stream is nothing');
  t.end();
});

t.test('sound that was lost is asked for too: it comes again as it was, and hides no loss', (t) => {
  const { receiver, got, rtcp } = setUp();
  const voice = (sequenceNumber: number, atUs: number): void => {
    const packet = { payloadType: 111, ssrc: 20, timestamp: sequenceNumber * 960, sequenceNumber, payload };
    receiver.receive(writeRtp({ ...packet, extensions: [text(4, '0')] }), atUs);
  };
  voice(1, 0);
  voice(3, 40_000);
  receiver.tick(50_000);
  const reports = rtcp.splice(0).flatMap((buffer) => parseRtcp(buffer));
  t.match(
    reports.find((report) => report.type === 'nack'),
    { mediaSsrc: 20, sequenceNumbers: [2] },
  );
  voice(2, 60_000);
  t.same(
    got.map(({ sequence }) => sequence),
    [1, 3, 2],
  );
  receiver.tick(1_100_000);
  const block = rtcp
    .flatMap((buffer) => parseRtcp(buffer))
    .flatMap((report) => (report.type === 'rr' ? report.blocks : []));
  t.match(block, [{ ssrc: 20, cumulativeLost: 1 }]);
  t.end();
});

t.test('who speaks is told of the loss on the worst way to a listener, who shows is not', (t) => {
  const { receiver, rtcp, loss } = setUp();
  for (let i = 0; i < 50; i++) {
    const common = { timestamp: i * 960, sequenceNumber: i, payload };
    receiver.receive(writeRtp({ ...common, payloadType: 111, ssrc: 20, extensions: [text(4, '0')] }), i * 20_000);
    const picture = { ...common, payloadType: 96, ssrc: 11, extensions: [text(4, '1'), text(10, 'q')] };
    receiver.receive(writeRtp(picture), i * 20_000);
  }
  loss.audio = loss.video = 0.1;
  receiver.tick(1_100_000);
  const blocks = rtcp
    .flatMap((buffer) => parseRtcp(buffer))
    .flatMap((report) => (report.type === 'rr' ? report.blocks : []));
  t.same(
    blocks.map(({ ssrc, fractionLost, cumulativeLost }) => [ssrc, fractionLost, cumulativeLost]),
    [
      [20, 26, 0],
      [11, 0, 0],
    ],
  );
  t.end();
});

t.test('every packet is reported to the sender, padding too', (t) => {
  const { receiver, rtcp } = setUp();
  const names = [text(4, '1'), text(10, 'q')];
  for (const [i, sequence] of [100, 101, 103].entries()) {
    const extensions = [...names, number(3, sequence)];
    receiver.receive(
      writeRtp({
        payloadType: 96,
        ssrc: 11,
        timestamp: 0,
        sequenceNumber: i,
        extensions,
        ...(i === 1 ? { paddingLength: 9 } : { payload }),
      }),
      i * 1000,
    );
  }
  receiver.tick(60_000);
  const twcc = rtcp.flatMap((buffer) => parseRtcp(buffer)).find((report) => report.type === 'twcc');
  const feedback = twcc?.type === 'twcc' ? parseTwccFeedback(twcc.packet) : undefined;
  t.equal(feedback?.baseSequence, 100);
  t.same(
    [...(feedback?.arrivalUs ?? [])].map((time) => !Number.isNaN(time)),
    [true, true, false, true],
  );
  const report = rtcp.flatMap((buffer) => parseRtcp(buffer)).find((one) => one.type === 'rr');
  t.match(report, { blocks: [{ ssrc: 11, cumulativeLost: 0, highestSequence: 2 }] });
  t.end();
});

t.test('all streams of a publisher come on one time line', (t) => {
  const { receiver, tracks } = setUp();
  receiver.receive(
    writeRtp({
      payloadType: 96,
      ssrc: 11,
      timestamp: 0,
      sequenceNumber: 0,
      payload,
      extensions: [text(4, '1'), text(10, 'q')],
    }),
    0,
  );
  receiver.receive(
    writeRtp({ payloadType: 111, ssrc: 20, timestamp: 0, sequenceNumber: 0, payload, extensions: [text(4, '0')] }),
    0,
  );
  const ntpUs = 4_100_000_000_000_000;
  const counts = { packetCount: 1, octetCount: 4 };
  receiver.receive(writeSenderReport({ ssrc: 11, ntpUs, rtpTimestamp: 900, ...counts }), 10_000);
  receiver.receive(writeSenderReport({ ssrc: 20, ntpUs: ntpUs + 20_000, rtpTimestamp: 48, ...counts }), 90_000);
  const video = tracks.video.streams.get('q')?.clockPoint;
  const audio = tracks.audio.streams.get('')?.clockPoint;
  t.equal(video?.ntpUs, 5_000_000_000_010_000);
  t.ok(
    Math.abs((audio?.ntpUs ?? 0) - (video?.ntpUs ?? 0) - 20_000) <= 2,
    'apart by what the publisher said, not by the delay of the reports',
  );
  t.end();
});

t.test('key frames are asked for at most twice a second', (t) => {
  const { receiver, tracks, rtcp } = setUp();
  receiver.receive(
    writeRtp({
      payloadType: 96,
      ssrc: 11,
      timestamp: 0,
      sequenceNumber: 0,
      payload,
      extensions: [text(4, '1'), text(10, 'q')],
    }),
    0,
  );
  const stream = tracks.video.streams.get('q');
  const plis = (): number =>
    rtcp.flatMap((buffer) => parseRtcp(buffer)).filter((report) => report.type === 'pli').length;
  for (let at = 0; at < 1000; at += 20) {
    stream?.requestKeyFrame();
    receiver.tick(at * 1000);
  }
  t.equal(plis(), 2);
  t.end();
});

t.test('a track that is not published any more leaves no stream behind', (t) => {
  const { receiver, tracks, got } = setUp();
  const packet = (sequenceNumber: number): Buffer =>
    writeRtp({ payloadType: 111, ssrc: 20, timestamp: 0, sequenceNumber, payload, extensions: [text(4, '0')] });
  receiver.receive(packet(1), 0);
  receiver.setTracks(new Map([['1', tracks.video]]));
  receiver.receive(packet(2), 0);
  t.equal(got.length, 1);
  t.end();
});
