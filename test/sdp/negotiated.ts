import t from 'tap';
import { answerPublisher, answerSubscriber } from '../../src/engine/sdp/answer.js';
import type { SessionDescription } from '../../src/engine/sdp/media-section.js';
import { negotiateReceived, negotiateSent } from '../../src/engine/sdp/negotiated.js';
import { type OfferedTrack, offerPublisher, offerSubscriber } from '../../src/engine/sdp/offer.js';
import { parseSessionDescription, writeSessionDescription } from '../../src/engine/sdp/session-description.js';
import { fixture, OURS, sectionOf } from './fixture.js';

const ANSWER = { transport: OURS, dataChannel: true } as const;
const EXTENSIONS = { mid: 4, absSendTime: 2, transportSequence: 3 } as const;

const AUDIO: OfferedTrack = {
  mid: '0',
  kind: 'audio',
  codec: 'opus',
  payloadType: 111,
  ssrc: 1111,
  streamId: 'PA_you|TR_a',
  trackId: 'TR_a',
  cname: 'PA_you',
  active: true,
};
const VIDEO: OfferedTrack = {
  ...AUDIO,
  mid: '1',
  kind: 'video',
  codec: 'vp8',
  payloadType: 96,
  rtxPayloadType: 97,
  ssrc: 2222,
  rtxSsrc: 3333,
};
const H264: OfferedTrack = { ...VIDEO, mid: '2', codec: 'h264', payloadType: 108, rtxPayloadType: 109, active: false };

await t.test('a simulcast publisher, as the server receives it', (t) => {
  const offer = parseSessionDescription(fixture('chromium-publisher-simulcast'));
  const sections = negotiateReceived(offer, answerPublisher(offer, ANSWER));
  t.same([...sections.keys()], ['0', '1'], 'the data channel is no media');
  const audio = sections.get('0');
  t.match(audio, { kind: 'audio', active: true, rids: [], msid: sectionOf(offer, '0').msid });
  t.strictSame(audio?.extensions, { ...EXTENSIONS, audioLevel: 1 });
  t.same(audio?.ssrcs, [sectionOf(offer, '0').ssrcs[0]?.ssrc]);
  const video = sections.get('1');
  t.same(video?.rids, ['q', 'h', 'f']);
  t.same([...(video?.codecs.keys() ?? [])], [96, 102, 108, 116]);
  t.equal(video?.codecs.get(96)?.name, 'vp8');
  t.equal(video?.codecs.get(108)?.fmtp['profile-level-id'], '42e01f');
  t.same(
    [...(video?.rtx ?? [])],
    [
      [97, 96],
      [103, 102],
      [109, 108],
      [117, 116],
    ],
  );
  t.strictSame(video?.extensions, { ...EXTENSIONS, rid: 10, repairedRid: 11 });
  t.end();
});

await t.test('a publisher without simulcast: SSRCs of media and of retransmissions are told apart', (t) => {
  const offer = parseSessionDescription(fixture('chromium-publisher-h264'));
  const video = negotiateReceived(offer, answerPublisher(offer, ANSWER)).get('1');
  const [media, rtx] = sectionOf(offer, '1').ssrcs.map((entry) => entry.ssrc);
  t.same(video?.ssrcs, [media]);
  t.same([...(video?.rtxSsrcs ?? [])], [[rtx, media]]);
  t.end();
});

await t.test('rtc-node: only what it sends is active', (t) => {
  const offer = parseSessionDescription(fixture('rtc-node-publisher'));
  const sections = negotiateReceived(offer, answerPublisher(offer, ANSWER));
  t.same(
    [...sections.values()].filter((section) => section.active).map((section) => section.mid),
    ['14', '15'],
  );
  t.equal(sections.size, 8);
  t.end();
});

await t.test('what both subscribers answered to our offer', (t) => {
  const offer = offerSubscriber({ transport: OURS, sections: [AUDIO, VIDEO, H264] });
  for (const [name, stereo] of [
    ['livekit-client-subscriber-answer', true],
    ['rtc-node-subscriber-answer', false],
  ] as const) {
    const sent = negotiateSent(offer, parseSessionDescription(fixture(name)));
    t.same([...sent.keys()], ['0', '1'], `${name}: an inactive section is not sent`);
    t.match(sent.get('0'), { accepted: true, opus: { stereo, fec: true, dtx: false } });
    t.strictSame(sent.get('0')?.extensions, { mid: 4, audioLevel: 1, absSendTime: 2 });
    const video = sent.get('1');
    t.match(video?.codecs, [{ name: 'vp8', payloadType: 96, rtxPayloadType: 97, clockRate: 90_000 }]);
    t.same(video?.codecs[0]?.feedback.toSorted(), ['goog-remb', 'nack', 'nack pli']);
    t.strictSame(video?.extensions, { mid: 4, absSendTime: 2 });
  }
  t.end();
});

await t.test('what the LiveKit server answered to our offer', (t) => {
  const offer = offerPublisher({
    transport: OURS,
    dataMid: '0',
    sections: [
      { ...AUDIO, mid: '1' },
      { ...VIDEO, mid: '2' },
    ],
  });
  const sent = negotiateSent(offer, parseSessionDescription(fixture('livekit-server-publisher-answer')));
  t.strictSame(sent.get('1')?.extensions, { mid: 4, audioLevel: 1 });
  t.match(sent.get('1'), { accepted: true, opus: { dtx: true, fec: true } });
  t.strictSame(sent.get('2')?.extensions, { mid: 4, transportSequence: 3 });
  t.match(sent.get('2')?.codecs, [{ name: 'vp8', payloadType: 96, rtxPayloadType: 97 }]);
  t.notOk(sent.get('2')?.codecs[0]?.feedback.includes('goog-remb'));
  t.end();
});

await t.test('both ends come to the same view over the wire', (t) => {
  const offer = offerPublisher({
    transport: OURS,
    dataMid: 'd',
    sections: [{ ...AUDIO, opus: { stereo: true } }, VIDEO],
  });
  const received = wire(offer);
  const answer = answerPublisher(received, { ...ANSWER, opus: () => ({ stereo: true, dtx: true }) });
  const sent = negotiateSent(offer, wire(answer));
  const got = negotiateReceived(received, answer);
  for (const mid of ['0', '1']) {
    t.equal(sent.get(mid)?.accepted, got.get(mid)?.active);
    t.strictSame(sent.get(mid)?.codecs, [...(got.get(mid)?.codecs.values() ?? [])]);
    t.strictSame(sent.get(mid)?.extensions, got.get(mid)?.extensions);
  }
  t.strictSame(sent.get('0')?.opus, { stereo: true, dtx: true, fec: true });
  t.end();
});

await t.test('what the other side refuses is not sent', (t) => {
  const offer = offerPublisher({ transport: OURS, sections: [AUDIO, VIDEO] });
  const refused = negotiateSent(offer, wire(answerPublisher(offer, { ...ANSWER, codecs: ['opus'] }))).get('1');
  t.match(refused, { accepted: false, codecs: [] });
  t.strictSame(refused?.extensions, {});
  const answer = answerPublisher(offer, ANSWER);
  const inactive = answer.sections.map((section) => ({ ...section, direction: 'inactive' as const }));
  t.equal(negotiateSent(offer, { ...answer, sections: inactive }).get('0')?.accepted, false);
  t.equal(negotiateReceived(offer, { ...answer, sections: inactive }).get('0')?.active, false);
  const bare = answer.sections.map((section) => ({
    ...section,
    codecs: section.codecs.filter((codec) => codec.name !== 'rtx'),
  }));
  t.equal(negotiateSent(offer, { ...answer, sections: bare }).get('1')?.codecs[0]?.rtxPayloadType, undefined, 'no RTX');
  t.end();
});

await t.test("the receiver's first codec is the one to send", (t) => {
  const offer = parseSessionDescription(fixture('livekit-client-publisher-h264'));
  const answer = answerPublisher(offer, { ...ANSWER, preferredCodec: () => 'h264' });
  t.match(negotiateSent(offer, answer).get('2')?.codecs[0], { name: 'h264', payloadType: 102, rtxPayloadType: 103 });
  t.end();
});

await t.test('an answer to another offer is refused', (t) => {
  const offer = offerSubscriber({ transport: OURS, sections: [AUDIO, VIDEO] });
  const answer = answerSubscriber(offer, ANSWER);
  const broken: SessionDescription[] = [
    { ...answer, sections: answer.sections.slice(1) },
    { ...answer, sections: answer.sections.toReversed() },
    { ...answer, sections: answer.sections.map((section) => ({ ...section, mid: `x${section.mid}` })) },
    { ...answer, sections: [...answer.sections, sectionOf(answer, '0')] },
  ];
  for (const one of broken) {
    t.throws(() => negotiateSent(offer, one), { code: 'SLUICE_SDP_INVALID' });
    t.throws(() => negotiateReceived(offer, one), { code: 'SLUICE_SDP_INVALID' });
  }
  t.end();
});

function wire(description: SessionDescription): SessionDescription {
  return parseSessionDescription(writeSessionDescription(description));
}
