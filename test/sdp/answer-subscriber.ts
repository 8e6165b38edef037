import t from 'tap';
import { answerSubscriber } from '../../src/engine/sdp/answer.js';
import { negotiateReceived } from '../../src/engine/sdp/negotiated.js';
import { type OfferedTrack, offerSubscriber } from '../../src/engine/sdp/offer.js';
import { parseSessionDescription, writeSessionDescription } from '../../src/engine/sdp/session-description.js';
import { fixture, linesOf, OURS, sectionOf } from './fixture.js';

const audio: OfferedTrack = {
  mid: '1',
  kind: 'audio',
  codec: 'opus',
  payloadType: 111,
  ssrc: 1,
  streamId: 'PA_a|TR_b',
  trackId: 'TR_b',
  cname: 'PA_a',
  active: true,
};
const video: OfferedTrack = {
  mid: '2',
  kind: 'video',
  codec: 'vp8',
  payloadType: 96,
  rtxPayloadType: 97,
  ssrc: 2,
  rtxSsrc: 3,
  streamId: 'PA_a|TR_c',
  trackId: 'TR_c',
  cname: 'PA_a',
  active: true,
};
const remote = { ...OURS, setup: 'actpass' } as const;

await t.test('takes what our server sends', (t) => {
  const offer = offerSubscriber({
    transport: remote,
    dataMid: '0',
    sections: [audio, video, { ...video, mid: '3', active: false }],
  });
  const text = writeSessionDescription(offer);
  const answer = answerSubscriber(parseSessionDescription(text), { transport: OURS, dataChannel: true });
  t.equal(answer.transport.setup, 'passive', 'the server is the active side');
  t.same(
    answer.sections.map((section) => `${section.mid} ${section.kind} ${section.direction}`),
    ['0 application sendrecv', '1 audio recvonly', '2 video recvonly', '3 video inactive'],
  );
  t.same(
    sectionOf(answer, '2').codecs.map(({ payloadType, name, feedback }) => [payloadType, name, feedback]),
    [
      [96, 'vp8', ['nack', 'nack pli', 'goog-remb']],
      [97, 'rtx', []],
    ],
  );
  const lines = linesOf(writeSessionDescription(answer), '2');
  t.ok(lines.includes('a=fmtp:97 apt=96'));
  t.same(
    lines.filter((line) => line.startsWith('a=extmap')),
    [
      'a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
      'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
    ],
  );
  t.end();
});

await t.test('takes what the LiveKit server sends: sendrecv sections, without the mid extension', (t) => {
  const offer = parseSessionDescription(fixture('livekit-server-subscriber-offer'));
  const answer = answerSubscriber(offer, { transport: OURS, dataChannel: true });
  t.same(
    answer.sections.map((section) => `${section.mid} ${section.kind} ${section.direction}`),
    ['0 application sendrecv', '1 audio recvonly', '2 video recvonly'],
  );
  t.same(
    sectionOf(answer, '2').codecs.map((codec) => codec.payloadType),
    [96, 97, 108, 109],
  );
  const received = negotiateReceived(offer, answer);
  const { msid, ssrcs } = received.get('1') ?? {};
  t.match(msid?.streamId, /^PA_\w+\|TR_\w+$/);
  t.equal(msid?.streamId.split('|')[1], msid?.trackId);
  t.equal(ssrcs?.length, 1, 'the only way to tell its audio from other packets');
  t.strictSame(received.get('1')?.extensions, {});
  t.strictSame(received.get('2')?.extensions, { absSendTime: 3 });
  t.same([...(received.get('2')?.rtxSsrcs.values() ?? [])], received.get('2')?.ssrcs);
  t.end();
});

await t.test('transport-cc only when asked for', (t) => {
  const offer = offerSubscriber({ transport: remote, transportCc: true, sections: [audio, video] });
  const without = writeSessionDescription(answerSubscriber(offer, { transport: OURS, dataChannel: false }));
  t.notMatch(without, /transport-(?:wide-)?cc/);
  const withIt = writeSessionDescription(
    answerSubscriber(offer, { transport: OURS, dataChannel: false, transportCc: true }),
  );
  t.match(withIt, /a=rtcp-fb:96 transport-cc/);
  t.match(withIt, /a=extmap:3 .*transport-wide-cc/);
  t.end();
});

await t.test('stereo is asked for where it is announced', (t) => {
  const opus = (stereo: boolean): unknown => {
    const offer = offerSubscriber({ transport: remote, sections: [{ ...audio, opus: { stereo } }] });
    return sectionOf(answerSubscriber(offer, { transport: OURS, dataChannel: false }), '1').codecs[0]?.fmtp;
  };
  t.strictSame(opus(true), { minptime: '10', useinbandfec: '1', stereo: '1' });
  t.strictSame(opus(false), { minptime: '10', useinbandfec: '1' });
  t.end();
});
