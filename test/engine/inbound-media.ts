import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { InboundMedia } from '../../src/engine/inbound-media.js';
import { InboundRoutes } from '../../src/engine/inbound-routes.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { parseRtcp, type RtcpReport } from '../../src/engine/rtp/rtcp.js';
import { writeCompound, writeDlrr, writeSenderReport } from '../../src/engine/rtp/rtcp-writer.js';
import { parseTwccFeedback } from '../../src/engine/rtp/twcc.js';
import { Vp8Packetizer } from '../../src/engine/rtp/vp8.js';
import type { NegotiatedCodec, ReceivedSection } from '../../src/engine/sdp/negotiated.js';
import { type Clock, systemClock, VirtualClock } from '../../src/media/clock.js';

const MID = 4;
const TWCC = 3;
const OPUS: NegotiatedCodec = { name: 'opus', payloadType: 111, clockRate: 48_000, fmtp: {}, feedback: [] };
const VP8: NegotiatedCodec = {
  name: 'vp8',
  payloadType: 96,
  rtxPayloadType: 97,
  clockRate: 90_000,
  fmtp: {},
  feedback: ['nack', 'nack pli'],
};

function section(mid: string, codec: NegotiatedCodec, trackId: string, ssrcs: readonly number[]): ReceivedSection {
  return {
    mid,
    kind: codec === OPUS ? 'audio' : 'video',
    active: true,
    codecs: new Map([[codec.payloadType, codec]]),
    rtx: codec.rtxPayloadType === undefined ? new Map() : new Map([[codec.rtxPayloadType, codec.payloadType]]),
    extensions: { mid: MID, transportSequence: TWCC },
    msid: { streamId: 'PA_1', trackId },
    rids: [],
    ssrcs,
    rtxSsrcs: new Map(),
  };
}

/** The media of one participant, a voice and a camera, and what is told to its sender. */
function setUp<C extends Clock = VirtualClock>(named = true, clock: C = new VirtualClock() as Clock as C) {
  const sent: RtcpReport[] = [];
  const media = new InboundMedia({
    clock,
    send: (packet) => sent.push(...parseRtcp(packet)),
    roundTripUs: () => 0,
    onError: (error) => t.fail(String(error)),
  });
  const sections = (audio: number, video: number): ReceivedSection[] => [
    section('0', OPUS, 'TR_A', named ? [audio] : []),
    section('1', VP8, 'TR_V', named ? [video] : []),
  ];
  const audio = media.track('TR_A', 'audio', 'PA_1');
  const video = media.track('TR_V', 'video', 'PA_1');
  media.setSections(sections(11, 22));
  const heard: number[] = [];
  const seen: number[] = [];
  audio.audio?.addEncoded({ encodedAudio: ({ data }) => heard.push(data[1]! * 256 + data[2]!) });
  video.video?.add({ encodedVideo: ({ data }) => seen.push(data.at(-2)! * 256 + data.at(-1)!) });
  let transport = 0;
  const packetizer = new Vp8Packetizer();
  const extensions = (mid: string, sequence = transport++) => [
    { id: MID, data: Buffer.from(mid) },
    { id: TWCC, data: Buffer.of((sequence >> 8) & 0xff, sequence & 0xff) },
  ];
  /** The voice's packet of this number, 20 ms of it. */
  const voice = (number: number, ssrc = 11, mid = '0'): Buffer =>
    writeRtp({
      payloadType: 111,
      ssrc,
      sequenceNumber: number & 0xffff,
      timestamp: number * 960,
      payload: Uint8Array.of(0xf8, number >> 8, number & 0xff),
      extensions: extensions(mid),
    });
  /** The camera's picture of this number, in one packet. */
  const picture = (number: number, key = number === 0, ssrc = 22, mid = '1'): Buffer => {
    const head = key ? [0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0] : [0x11];
    packetizer.begin(Uint8Array.from([...head, number >> 8, number & 0xff]), 1000);
    const payload = new Uint8Array(packetizer.length(0));
    packetizer.write(0, payload, 0);
    return writeRtp({
      payloadType: 96,
      ssrc,
      marker: true,
      sequenceNumber: number & 0xffff,
      timestamp: number * 3000,
      payload,
      extensions: extensions(mid),
    });
  };
  const of = <T extends RtcpReport['type']>(type: T) =>
    sent.filter((report): report is Extract<RtcpReport, { type: T }> => report.type === type);
  return { clock, media, sections, audio, video, heard, seen, sent, of, voice, picture };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

t.test('feedback about all packets goes out while they come, and nothing after', (t) => {
  const { clock, media, of, sent, voice, picture } = setUp();
  for (let i = 0; i < 50; i++) {
    media.receive(voice(i));
    if (i % 2 === 0) media.receive(picture(i / 2));
    clock.advance(20);
  }
  clock.advance(1000);
  const reported = of('twcc').flatMap(({ packet }) => [...(parseTwccFeedback(packet)?.arrivalUs ?? [])]);
  t.equal(reported.length, 75);
  t.ok(reported.every((time) => !Number.isNaN(time)));
  t.ok(of('twcc').length <= 21, 'one in 50 ms');
  t.same(
    of('rr')
      .flatMap(({ blocks }) => blocks)
      .map(({ ssrc, fractionLost }) => [ssrc, fractionLost])
      .slice(0, 2),
    [
      [11, 0],
      [22, 0],
    ],
  );
  t.same([of('nack').length, of('pli').length], [0, 0]);
  const before = sent.length;
  clock.advance(60_000);
  t.equal(sent.length, before);
  t.end();
});

t.test('a packet is played when it is due, also where a timer waits for what is due later', (t) => {
  const { clock, media, heard, voice } = setUp();
  // Sent each 20 ms from 0 on, and 8 ms on its way now and then: so much has to be waited for.
  const latest: number[] = [];
  for (let i = 0; i < 250; i++) {
    const wayMs = i % 5 === 0 ? 8 : 0;
    clock.advance(i * 20 + wayMs - clock.nowUs() / 1000);
    media.receive(voice(i));
    for (let ms = 0; !heard.includes(i) && ms < 19 - wayMs; ms++) clock.advance(1);
    latest.push(clock.nowUs() / 1000 - i * 20);
  }
  t.ok(heard.includes(249));
  const lateMs = Math.max(...latest.slice(100));
  t.ok(lateMs <= 14, `at the latest ${lateMs} ms after it was sent`);
  t.end();
});

t.test('packets that came while the thread stood still get in before the timer that finds them missing', async (t) => {
  const { media, audio, heard, voice } = setUp(true, systemClock);
  const { port1, port2 } = new MessageChannel();
  port2.on('message', (number: number) => {
    media.receive(voice(number));
  });
  const concealed = new Promise<unknown>((resolve) => {
    audio.audio?.addEncoded({
      encodedAudio: () => {
        // After the last one the sound is over.
        if (heard.length === 7) resolve(audio.audio?.stats.concealedSamples);
      },
    });
  });
  media.receive(voice(0));
  await turn();
  for (let number = 1; number <= 6; number++) port1.postMessage(number);
  for (const until = performance.now() + 130; performance.now() < until;);
  t.equal(await concealed, 0);
  t.same(heard, range(0, 7));
  port1.close();
  media.close();
});

t.test('the round trip is known from what the sender repeats', (t) => {
  const { clock, media, of, voice } = setUp();
  clock.advance(5000);
  t.equal(media.roundTripUs, 0);
  media.receive(voice(0));
  clock.advance(500);
  const [request] = of('xr');
  t.ok(request?.referenceTime);
  clock.advance(70);
  media.receive(writeDlrr(11, request!.ssrc + 1, request!.referenceTime!, 0));
  t.equal(media.roundTripUs, 0, 'an answer to somebody else');
  media.receive(writeDlrr(11, request!.ssrc, request!.referenceTime!, (20 * 65536) / 1000));
  t.ok(Math.abs(media.roundTripUs - 50_000) < 100, String(media.roundTripUs));
  t.end();
});

t.test('both tracks of a participant are put on one time line by its reports', (t) => {
  const { clock, media, audio, video, voice, picture } = setUp();
  const late: { audio: Buffer; video: Buffer }[] = [];
  const times: number[][] = [[], []];
  audio.audio?.addEncoded({ encodedAudio: (chunk) => times[0]!.push(chunk.timestamp) });
  video.video?.add({ encodedVideo: (chunk) => times[1]!.push(chunk.timestamp) });
  const ntpUs = 3_900_000_000_000_000;
  // The camera's packets take 80 ms longer than the voice's.
  for (let i = 0; i < 100 * 20; i++) {
    late.push({ audio: voice(i), video: picture(i, i === 0) });
    media.receive(late[i]!.audio);
    // 33.3 ms of camera to 20 ms of voice would not stay together: both go by 20 ms here.
    const behind = late[i - 4];
    if (behind) {
      const view = new RtpPacket();
      view.parse(behind.video);
      view.setTimestamp((i - 4) * 1800);
      media.receive(behind.video);
    }
    if (i % 25 === 12) {
      const common = { ntpUs: ntpUs + i * 20_000, packetCount: 1, octetCount: 1 };
      media.receive(writeSenderReport({ ...common, ssrc: 11, rtpTimestamp: i * 960 }));
      media.receive(writeSenderReport({ ...common, ssrc: 22, rtpTimestamp: i * 1800 }));
    }
    clock.advance(20);
  }
  const apart = times[1]!.map((timestamp, i) => timestamp - times[0]![i]!);
  t.ok(Math.abs(apart[5]! - 80_000) < 5000, `${apart[5]} µs before the first reports`);
  t.ok(Math.abs(apart.at(-1)!) < 5000, `${apart.at(-1)} µs after 40 s`);
  media.close();
  t.end();
});

t.test('another stream takes the place of a track when the description says so, or when the old one is silent', (t) => {
  const { clock, media, sections, seen, video, picture } = setUp();
  for (const number of range(0, 5)) media.receive(picture(number));
  media.receive(picture(900, true, 66));
  media.receive(picture(901, false, 66));
  t.same(seen, range(0, 5), 'nobody takes the place of a stream that the description names');
  t.equal(media.packetsDiscarded, 2);
  media.setSections(sections(11, 33));
  media.receive(picture(100, true, 33));
  media.receive(picture(5, false, 22));
  media.receive(picture(101, false, 33));
  t.same(seen.slice(5), [100, 101], 'what comes late of the old one is not taken');
  t.equal(video.ssrc, 33);

  const other = setUp(false);
  for (const number of range(0, 5)) other.media.receive(other.picture(number));
  other.media.receive(other.picture(900, true, 66));
  other.media.receive(other.picture(901, true, 66));
  t.equal(other.seen.length, 5, 'not while the old one goes on');
  other.clock.advance(200);
  other.media.receive(other.picture(902, true, 66));
  other.media.receive(other.picture(904, false, 66));
  t.equal(other.seen.length, 6, 'the second in a row is believed');
  clock.advance(0);
  t.end();
});

t.test('SSRCs that are made up are not remembered beyond a few for their own track', (t) => {
  const { media, sections, audio, video, picture, voice } = setUp();
  const routes = new InboundRoutes(
    new Map([
      ['TR_A', audio],
      ['TR_V', video],
    ]),
  );
  routes.setSections(sections(11, 22));
  const view = new RtpPacket();
  view.parse(voice(0));
  t.equal(routes.of(view)?.track, audio);
  for (let i = 0; i < 5000; i++) {
    view.parse(picture(i, false, 1000 + i));
    assert.equal(routes.of(view)?.track, video);
    assert.ok(routes.size <= 5);
  }
  view.parse(picture(1, false, 22));
  t.equal(routes.of(view)?.named, true);
  view.parse(picture(1, false, 5, 'x'.repeat(15)));
  t.equal(routes.of(view), undefined);
  t.equal(routes.get(11)?.track, audio);
  routes.forget(video);
  t.equal(routes.size, 1);
  media.close();
  t.end();
});

/** Numbers that look random and depend on the seed only. */
function noise(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

/** What a stranger, or a broken sender, might send: nonsense, and things that look much like the real ones. */
function garbage(random: (below: number) => number, real: readonly Buffer[]): Buffer {
  const length = 1 + random(random(50) === 0 ? 1500 : 100);
  const kind = random(8);
  const bytes = Buffer.from(Uint8Array.from({ length }, () => random(256)));
  if (kind === 0) return bytes;
  if (kind === 1) {
    bytes[0] = 0x80 | random(64);
    bytes[1] = 192 + random(32);
    return bytes;
  }
  const copy = Buffer.from(real[random(real.length)]!);
  if (kind === 2) return copy.subarray(0, random(copy.length));
  // Another SSRC, under a mid that is in use.
  if (copy.length > 12) copy.writeUInt32BE(1000 + random(100_000), 8);
  if (kind === 3) return copy;
  const changes = 1 + random(6);
  for (let i = 0; i < changes; i++) {
    const at = random(copy.length);
    if (at < 8 || at > 11) copy[at] = random(256);
  }
  return copy;
}

t.test('20,000 datagrams of nonsense: counted, and every packet of the tracks arrives', (t: Test) => {
  const { clock, media, heard, seen, sent, voice, picture } = setUp();
  const random = noise(7);
  const real = [
    voice(0),
    picture(1),
    writeCompound([writeSenderReport({ ssrc: 9, ntpUs: 5, rtpTimestamp: 1, packetCount: 1, octetCount: 1 })]),
  ];
  let strange = 0;
  for (let number = 0; number < 1000; number++) {
    media.receive(voice(number));
    media.receive(picture(number));
    for (let i = 0; i < 20; i++) {
      media.receive(garbage(random, real));
      strange++;
    }
    clock.advance(20);
  }
  clock.advance(500);
  t.comment(`${strange} datagrams of nonsense, ${media.packetsDiscarded} discarded, ${sent.length} reports sent`);
  t.same(heard, range(0, 1000));
  t.same(seen, range(0, 1000));
  t.ok(media.packetsDiscarded > 8000);
  t.ok(sent.length < 2000, 'and nobody is made to talk');
  media.close();
  t.end();
});

t.test('a stream that is broken itself does no harm to the others, and mends when it is whole again', (t: Test) => {
  const { clock, media, heard, seen, of, voice, picture } = setUp();
  const random = noise(3);
  for (let number = 0; number < 1500; number++) {
    media.receive(voice(number));
    const packet = picture(number, number % 300 === 0);
    const broken = number > 300 && number < 900;
    for (let i = 0; broken && i < 3; i++) {
      const copy = Buffer.from(packet);
      // All but version and SSRC.
      for (let change = 0; change < 4; change++) {
        const at = 1 + random(copy.length - 1);
        if (at < 8 || at > 11) copy[at] = random(256);
      }
      media.receive(copy);
    }
    media.receive(packet);
    clock.advance(20);
  }
  clock.advance(1000);
  t.same(heard, range(0, 1500));
  t.same(seen.slice(-300), range(1200, 1500));
  t.comment(`${of('nack').length} requests for packets, ${of('pli').length} for key frames`);
  t.ok(of('pli').length < 60 && of('nack').length < 3000);
  media.close();
  t.end();
});
