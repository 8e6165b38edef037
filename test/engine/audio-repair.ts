import t from 'tap';
import type { EncodedAudioConsumer } from '../../src/engine/audio/audio-consumer.js';
import { InboundTrack } from '../../src/engine/inbound-track.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import type { NegotiatedCodec } from '../../src/engine/sdp/negotiated.js';
import { SenderClock } from '../../src/engine/sender-clock.js';
import { VirtualClock } from '../../src/media/clock.js';
import { captured } from './capture.js';

const OPUS: NegotiatedCodec = { name: 'opus', payloadType: 111, clockRate: 48_000, fmtp: {}, feedback: ['nack'] };
const SSRC = 11;
const NO_READ_FRAMES = { decoded: 0, dropped: 0, decodeUs: 0, width: 0, height: 0 };

/** A voice that is received, and what is asked of its sender. */
function setUp(codec = OPUS, roundTripUs = 0) {
  const clock = new VirtualClock();
  const asked: number[][] = [];
  const heard: number[] = [];
  const track = new InboundTrack({
    trackSid: 'TR_1',
    kind: 'audio',
    participantSid: 'PA_1',
    clock,
    sender: new SenderClock(),
    roundTripUs: () => roundTripUs,
    requestPackets: (_, numbers) => asked.push([...numbers]),
    requestKeyFrame: () => undefined,
    onError: (error) => t.fail(String(error)),
  });
  const listener: EncodedAudioConsumer = { encodedAudio: ({ data }) => heard.push(data[2]!) };
  track.audio!.addEncoded(listener);
  const view = new RtpPacket();
  const arrive = (number: number): void => {
    const payload = Uint8Array.of(0xf8, 0, number);
    view.parse(
      writeRtp({
        payloadType: 111,
        ssrc: SSRC,
        sequenceNumber: number,
        timestamp: number * 960,
        marker: false,
        payload,
      }),
    );
    track.receive(view, codec, [SSRC], clock.nowUs());
  };
  /** Lets time pass as the owner of a track does: it is called when it says that something is due. */
  const wait = (ms: number): void => {
    for (let passed = 0; passed < ms; passed++) {
      clock.advance(1);
      if (track.audio!.dueUs <= clock.nowUs()) track.audio!.tick(clock.nowUs());
    }
  };
  const talk = (from: number, to: number, isLost: (number: number) => boolean = () => false): void => {
    for (let number = from; number < to; number++) {
      if (!isLost(number)) arrive(number);
      wait(20);
    }
  };
  return {
    asked,
    heard,
    listener,
    track,
    arrive,
    wait,
    talk,
    stats: () => track.stats('s', NO_READ_FRAMES, clock.nowUs())!,
  };
}

t.test('a packet that is missing is asked for and heard in its place, and still counts as lost on the way', (t) => {
  const { asked, heard, arrive, wait, talk, stats } = setUp();
  talk(0, 50);
  // What comes late says how long waiting is worth while: then there is time for an answer.
  for (let number = 50; number < 250; number++) {
    if (number % 5 !== 0) arrive(number);
    wait(8);
    for (const lost of asked.splice(0).flat()) arrive(lost);
    wait(12);
  }
  const from = heard.indexOf(200);
  t.same(
    heard.slice(from, from + 40),
    Array.from({ length: 40 }, (_, i) => 200 + i),
    'all of them, in order',
  );
  t.match(stats(), { packetsLost: 40, retransmittedPacketsReceived: 40, nackCount: 40, packetsReceived: 250 });
  t.equal(stats().rtxSsrc, undefined, 'there is no stream of retransmissions');
  t.end();
});

t.test('packets that overtake each other do not count as sent again', (t) => {
  const { asked, arrive, talk, wait, stats } = setUp();
  talk(0, 20);
  arrive(21);
  wait(2);
  arrive(20);
  t.same(asked, []);
  t.match(stats(), { packetsLost: 0, retransmittedPacketsReceived: 0 });
  t.end();
});

t.test('nothing is asked for that nobody would send, or that would come too late', (t) => {
  const unable = setUp({ ...OPUS, feedback: [] });
  unable.talk(0, 100, (number) => number % 10 === 0);
  t.same(unable.asked, []);
  const far = setUp(OPUS, 180_000);
  far.talk(0, 100, (number) => number % 10 === 0);
  t.same(far.asked, []);
  const gone = setUp();
  gone.talk(0, 20);
  gone.talk(120, 140);
  t.same(gone.asked, [], 'nor all that a broken way has lost');
  t.end();
});

t.test('what does not come is not asked for without end', (t) => {
  const { asked, talk } = setUp();
  talk(0, 100, (number) => number === 50);
  t.ok(asked.length >= 2 && asked.length <= 5, `${asked.length} times`);
  t.ok(asked.every((numbers) => numbers.length === 1 && numbers[0] === 50));
  t.end();
});

t.test('who begins to listen again asks for nothing that came meanwhile', (t) => {
  const { asked, heard, listener, track, talk } = setUp();
  talk(0, 20);
  track.audio!.removeEncoded(listener);
  talk(20, 40);
  track.audio!.addEncoded(listener);
  talk(40, 60);
  t.same(asked, []);
  t.equal(heard.at(-1), 59);
  t.end();
});

t.test('a sender sends again what it has sent, to the last bit, and for a second only', (t) => {
  const clock = new VirtualClock();
  const { capture, stream } = captured(clock, 'audio');
  for (let i = 0; i < 60; i++) {
    stream.sendAudio(Uint8Array.of(0xf8, i), i * 960, false, 30, clock.nowUs());
    clock.advance(20);
  }
  const sent = capture.take();
  const nack = (index: number) => {
    const sequenceNumbers = [sent[index]!.buffer.readUInt16BE(2)];
    return { type: 'nack', senderSsrc: 1, mediaSsrc: 77, sequenceNumbers } as const;
  };
  stream.retransmit(nack(50));
  stream.retransmit(nack(50));
  stream.retransmit(nack(2));
  t.same(capture.resent, [sent[50]!.buffer], 'once in a round trip, and not what nobody waits for any more');
  t.same(capture.take(), [], 'it takes no number of its own');
  t.equal(stream.retransmitted, 1);
  t.end();
});
