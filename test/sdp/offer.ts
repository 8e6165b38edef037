import t from 'tap';
import { type OfferedTrack, offerPublisher, offerSubscriber } from '../../src/engine/sdp/offer.js';
import { parseSessionDescription, writeSessionDescription } from '../../src/engine/sdp/session-description.js';
import { linesOf, OURS, sectionOf } from './fixture.js';

const audio: OfferedTrack = {
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
const video: OfferedTrack = {
  ...audio,
  mid: '1',
  kind: 'video',
  codec: 'vp8',
  payloadType: 96,
  rtxPayloadType: 97,
  ssrc: 2222,
  rtxSsrc: 3333,
  streamId: 'PA_you|TR_v',
  trackId: 'TR_v',
};
const h264: OfferedTrack = {
  ...video,
  mid: '2',
  codec: 'h264',
  payloadType: 108,
  rtxPayloadType: 109,
  profileLevelId: '640c1f',
};

await t.test('to a subscriber: what the facts ask for, line by line', (t) => {
  const sdp = writeSessionDescription(
    offerSubscriber({ transport: OURS, sections: [audio, video, h264], sessionVersion: 4 }),
  );
  t.match(sdp, /^v=0\r\no=- 1 4 /);
  t.ok(linesOf(sdp, '').includes('a=group:BUNDLE 0 1 2'));
  t.notMatch(sdp, /m=application/);
  t.notMatch(sdp, /transport-(?:wide-)?cc/);
  const found = linesOf(sdp, '0');
  t.equal(found[0], 'm=audio 9 UDP/TLS/RTP/SAVPF 111');
  for (const line of [
    'a=sendonly',
    'a=msid:PA_you|TR_a TR_a',
    'a=ssrc:1111 cname:PA_you',
    'a=rtpmap:111 opus/48000/2',
    'a=fmtp:111 minptime=10;useinbandfec=1',
    'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
    'a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
    'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
    'a=setup:active',
    'a=rtcp-mux',
    'a=end-of-candidates',
  ]) {
    t.ok(found.includes(line), line);
  }
  const picture = linesOf(sdp, '1');
  t.equal(picture[0], 'm=video 9 UDP/TLS/RTP/SAVPF 96 97');
  t.same(
    picture.filter((line) => line.startsWith('a=rtcp-fb')),
    ['a=rtcp-fb:96 nack', 'a=rtcp-fb:96 nack pli', 'a=rtcp-fb:96 goog-remb'],
  );
  t.same(picture.filter((line) => line.startsWith('a=ssrc')).sort(), [
    'a=ssrc-group:FID 2222 3333',
    'a=ssrc:2222 cname:PA_you',
    'a=ssrc:3333 cname:PA_you',
  ]);
  t.notOk(picture.some((line) => line.includes('ssrc-audio-level')));
  t.ok(linesOf(sdp, '2').includes('a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f'));
  t.ok(linesOf(sdp, '2').includes('a=fmtp:109 apt=108'));
  t.end();
});

await t.test('an unsubscribed section stays in its place, inactive, and names no track', (t) => {
  const sdp = writeSessionDescription(
    offerSubscriber({ transport: OURS, sections: [audio, { ...video, active: false }, h264] }),
  );
  const lines = linesOf(sdp, '1');
  t.equal(lines[0], 'm=video 9 UDP/TLS/RTP/SAVPF 96 97');
  t.ok(lines.includes('a=inactive'));
  t.notOk(lines.some((line) => /^a=(?:msid|ssrc)/.test(line)));
  t.ok(linesOf(sdp, '').includes('a=group:BUNDLE 0 1 2'));
  t.end();
});

await t.test('data channels come first', (t) => {
  const offer = offerSubscriber({ transport: OURS, dataMid: 'data', sections: [audio] });
  const sdp = writeSessionDescription(offer);
  t.ok(linesOf(sdp, '').includes('a=group:BUNDLE data 0'));
  t.equal(linesOf(sdp, 'data')[0], 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel');
  t.equal(offerSubscriber({ transport: OURS, sections: [audio] }).transport.dataChannel, undefined);
  t.strictSame(parseSessionDescription(sdp), offer);
  t.end();
});

await t.test('from a publisher: stereo and DTX as asked, transport-cc, FIR, its own ids', (t) => {
  const cid = { streamId: 'stream', trackId: 'cid-1' };
  const sdp = writeSessionDescription(
    offerPublisher({
      transport: { ...OURS, setup: 'actpass' },
      dataMid: '9',
      sections: [
        { ...audio, ...cid, opus: { stereo: true, dtx: true } },
        { ...video, ...cid },
      ],
    }),
  );
  t.match(sdp, /m=application.*m=audio.*m=video/s);
  const found = linesOf(sdp, '0');
  t.ok(found.includes('a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;usedtx=1;sprop-stereo=1'));
  t.ok(found.includes('a=msid:stream cid-1'));
  t.ok(found.includes('a=rtcp-fb:111 transport-cc'));
  t.ok(found.includes('a=sendonly') && found.includes('a=setup:actpass'));
  t.same(
    linesOf(sdp, '1')
      .filter((line) => /^a=(?:rtcp-fb|extmap)/.test(line))
      .sort(),
    [
      'a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
      'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
      'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
      'a=rtcp-fb:96 ccm fir',
      'a=rtcp-fb:96 goog-remb',
      'a=rtcp-fb:96 nack',
      'a=rtcp-fb:96 nack pli',
      'a=rtcp-fb:96 transport-cc',
    ],
  );
  const plain = offerPublisher({ transport: OURS, transportCc: false, sections: [{ ...h264, rtxPayloadType: 109 }] });
  t.notMatch(writeSessionDescription(plain), /transport-(?:wide-)?cc/);
  t.end();
});

await t.test('H.264 without a profile is constrained baseline; without RTX nothing of it is there', (t) => {
  const track: OfferedTrack = { ...audio, kind: 'video', codec: 'h264', payloadType: 108 };
  const section = sectionOf(offerPublisher({ transport: OURS, sections: [track] }), '0');
  t.strictSame(
    section.codecs.map(({ payloadType, fmtp }) => [payloadType, fmtp['profile-level-id']]),
    [[108, '42e01f']],
  );
  t.same(section.ssrcGroups, []);
  t.end();
});

await t.test('an offer that cannot be is refused', (t) => {
  const code = { code: 'SLUICE_SDP_INVALID' };
  t.throws(
    () => offerSubscriber({ transport: OURS, sections: [audio, { ...video, mid: '0' }] }),
    code,
    'two equal mids',
  );
  t.throws(
    () => offerSubscriber({ transport: OURS, dataMid: '0', sections: [audio] }),
    code,
    'the data channel has the same mid',
  );
  t.throws(() => offerSubscriber({ transport: OURS, sections: [{ ...audio, kind: 'video' }] }), code, 'Opus as video');
  t.throws(
    () => offerSubscriber({ transport: OURS, sections: [{ ...h264, profileLevelId: 'x;y=1' }] }),
    code,
    'profile',
  );
  t.throws(
    () => writeSessionDescription(offerSubscriber({ transport: OURS, sections: [{ ...audio, streamId: 'a b' }] })),
    code,
    'msid',
  );
  t.end();
});

await t.test('layers of a simulcast track are named, and their SSRCs are not', (t) => {
  const layered = { ...video, rids: ['q', 'h', 'f'] };
  const sdp = writeSessionDescription(offerPublisher({ transport: OURS, sections: [audio, layered] }));
  const found = linesOf(sdp, '1');
  for (const line of [
    'a=rid:q send',
    'a=rid:h send',
    'a=rid:f send',
    'a=simulcast:send q;h;f',
    'a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
    'a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
    'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
    'a=rtcp-fb:96 transport-cc',
  ]) {
    t.ok(found.includes(line), line);
  }
  t.notMatch(found.join('\n'), /a=ssrc/);
  t.notMatch(linesOf(sdp, '0').join('\n'), /a=rid|rtp-stream-id/);
  const ended = writeSessionDescription(offerPublisher({ transport: OURS, sections: [{ ...layered, active: false }] }));
  t.notMatch(ended, /a=(rid|simulcast|ssrc)/);
  t.end();
});

await t.test(
  'a track is named before its SSRC is: LiveKit’s server does not take its name from a line that comes after',
  (t) => {
    const lines = linesOf(writeSessionDescription(offerPublisher({ transport: OURS, sections: [audio] })), '0');
    const named = lines.indexOf('a=msid:PA_you|TR_a TR_a');
    t.ok(named > 0 && named < lines.indexOf('a=ssrc:1111 cname:PA_you'), lines.join('\n'));
    t.end();
  },
);
