import t from 'tap';
import { answerPublisher } from '../../src/engine/sdp/answer.js';
import { parseSessionDescription, writeSessionDescription } from '../../src/engine/sdp/session-description.js';
import { fixture, linesOf, OURS, sectionOf } from './fixture.js';

const options = { transport: OURS, dataChannel: true } as const;

await t.test('Chromium with simulcast and a data channel, line by line', (t) => {
  const sdp = writeSessionDescription(
    answerPublisher(parseSessionDescription(fixture('chromium-publisher-simulcast')), options),
  );
  t.ok(linesOf(sdp, '').includes('a=group:BUNDLE 0 1 2'));
  t.notOk(linesOf(sdp, '').includes('a=extmap-allow-mixed'), 'all ids fit one-byte headers');
  const transport = [
    'a=setup:active',
    `a=ice-ufrag:${OURS.iceUfrag}`,
    `a=ice-pwd:${OURS.icePwd}`,
    `a=fingerprint:sha-256 ${OURS.fingerprint.value}`,
    ...OURS.candidates.map((candidate) => `a=${candidate}`),
    'a=end-of-candidates',
  ];
  same(t, linesOf(sdp, '0'), [
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    'a=mid:0',
    'a=recvonly',
    'a=rtcp-mux',
    'a=rtcp-rsize',
    'a=rtpmap:111 opus/48000/2',
    'a=fmtp:111 minptime=10;useinbandfec=1',
    'a=rtcp-fb:111 transport-cc',
    'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
    'a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
    'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
    'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
    ...transport,
  ]);
  const h264 = [102, 103, 108, 109, 116, 117];
  const video = linesOf(sdp, '1');
  t.equal(video[0], `m=video 9 UDP/TLS/RTP/SAVPF 96 97 ${h264.join(' ')}`, 'no VP9, AV1, RED, FEC, no H.264 in mode 0');
  for (const line of [
    'a=recvonly',
    'a=rtpmap:96 VP8/90000',
    'a=rtcp-fb:96 goog-remb',
    'a=rtcp-fb:96 transport-cc',
    'a=rtcp-fb:96 ccm fir',
    'a=rtcp-fb:96 nack',
    'a=rtcp-fb:96 nack pli',
    'a=rtpmap:97 rtx/90000',
    'a=fmtp:97 apt=96',
    'a=rtpmap:102 H264/90000',
    'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f',
    'a=fmtp:103 apt=102',
    'a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
    'a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f',
    'a=rid:q recv',
    'a=rid:h recv',
    'a=rid:f recv',
    'a=simulcast:recv q;h;f',
    ...transport,
  ]) {
    t.ok(video.includes(line), line);
  }
  same(
    t,
    video.filter((line) => line.startsWith('a=extmap')),
    [
      'a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
      'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
      'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
      'a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
      'a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
    ],
  );
  t.notOk(
    video.some((line) => /^a=(?:msid|ssrc)/.test(line)),
    'nothing is sent',
  );
  same(t, linesOf(sdp, '2'), [
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    'a=mid:2',
    'a=sctp-port:5000',
    'a=max-message-size:262144',
    ...transport,
  ]);
  t.end();
});

await t.test('rtc-node: order and mids kept, what it would receive is inactive', (t) => {
  const offer = parseSessionDescription(fixture('rtc-node-publisher'));
  const answer = answerPublisher(offer, options);
  t.same(
    answer.sections.map(
      (section) => `${section.mid} ${section.kind} ${section.rejected ? 'rejected' : section.direction}`,
    ),
    [
      '7 audio inactive',
      '8 audio inactive',
      '9 audio inactive',
      '10 video inactive',
      '11 video inactive',
      '12 video inactive',
      '13 application sendrecv',
      '14 audio recvonly',
      '15 video recvonly',
    ],
  );
  t.same(sectionOf(answer, '15').simulcast, { recv: ['h', 'q'] });
  t.same(
    sectionOf(answer, '15').codecs.map((codec) => codec.payloadType),
    [96],
  );
  const sdp = writeSessionDescription(answer);
  t.ok(linesOf(sdp, '').includes('a=group:BUNDLE 7 8 9 10 11 12 13 14 15'));
  t.ok(linesOf(sdp, '7').includes('a=inactive'));
  t.end();
});

await t.test('livekit-client: the data channel comes first and its m-line stays first', (t) => {
  const answer = answerPublisher(parseSessionDescription(fixture('livekit-client-publisher')), options);
  t.same(
    answer.sections.map((section) => section.kind),
    ['application', 'audio', 'video'],
  );
  t.notMatch(writeSessionDescription(answer), /x-google/, 'the bitrate hint of its own offer is not echoed');
  t.end();
});

await t.test('Opus is asked for as the section needs it', (t) => {
  const offer = parseSessionDescription(fixture('chromium-publisher-simulcast'));
  const fmtp = (opus: NonNullable<Parameters<typeof answerPublisher>[1]['opus']>): string | undefined =>
    linesOf(writeSessionDescription(answerPublisher(offer, { ...options, opus })), '0').find((line) =>
      line.startsWith('a=fmtp'),
    );
  t.equal(
    fmtp((section) => ({ stereo: section.msid?.trackId === sectionOf(offer, '0').msid?.trackId })),
    'a=fmtp:111 minptime=10;useinbandfec=1;stereo=1',
  );
  t.equal(
    fmtp(() => ({ dtx: true, maxAverageBitrate: 64_000 })),
    'a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1;maxaveragebitrate=64000',
  );
  t.equal(
    fmtp(() => ({ fec: false })),
    'a=fmtp:111 minptime=10',
  );
  t.end();
});

await t.test('the codec that a track was announced with comes first, with its RTX', (t) => {
  const offer = parseSessionDescription(fixture('livekit-client-publisher-h264'));
  const payloadTypes = (answer: ReturnType<typeof answerPublisher>): number[] =>
    sectionOf(answer, '2').codecs.map((codec) => codec.payloadType);
  t.same(payloadTypes(answerPublisher(offer, options)).slice(0, 2), [96, 97]);
  const preferred = answerPublisher(offer, {
    ...options,
    preferredCodec: ({ kind }) => (kind === 'video' ? 'h264' : undefined),
  });
  t.same(payloadTypes(preferred), [102, 103, 108, 109, 116, 117, 96, 97]);
  t.end();
});

await t.test('codecs can be narrowed down; a section without any is rejected', (t) => {
  const offer = parseSessionDescription(fixture('chromium-publisher-simulcast'));
  const vp8 = answerPublisher(offer, { ...options, codecs: ['opus', 'vp8'] });
  t.same(
    sectionOf(vp8, '1').codecs.map((codec) => codec.payloadType),
    [96, 97],
  );
  const sdp = writeSessionDescription(answerPublisher(offer, { ...options, codecs: ['opus'] }));
  t.equal(linesOf(sdp, '1')[0], 'm=video 0 UDP/TLS/RTP/SAVPF 96');
  t.ok(linesOf(sdp, '').includes('a=group:BUNDLE 0 2'));
  const audioless = writeSessionDescription(answerPublisher(offer, { ...options, codecs: ['vp8'] }));
  t.ok(linesOf(audioless, '').includes('a=group:BUNDLE 1 2'));
  t.end();
});

await t.test('a stopped section stays rejected, and data channels can be refused', (t) => {
  const sdp = fixture('chromium-publisher-simulcast');
  const stopped = answerPublisher(parseSessionDescription(sdp.replace(/m=video \d+/, 'm=video 0')), options);
  t.equal(sectionOf(stopped, '1').rejected, true);
  const dataless = answerPublisher(parseSessionDescription(sdp), { ...options, dataChannel: false });
  t.equal(sectionOf(dataless, '2').rejected, true);
  t.equal(dataless.transport.dataChannel, undefined);
  t.equal(linesOf(writeSessionDescription(dataless), '2')[0], 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel');
  t.end();
});

await t.test('the DTLS role complements an offer that has one', (t) => {
  const sdp = fixture('chromium-publisher-simulcast');
  const setup = (offered: string, wanted?: 'active' | 'passive'): string =>
    answerPublisher(parseSessionDescription(sdp.replaceAll('a=setup:actpass', `a=setup:${offered}`)), {
      ...options,
      ...(wanted && { setup: wanted }),
    }).transport.setup;
  t.equal(setup('actpass'), 'active');
  t.equal(setup('actpass', 'passive'), 'passive');
  t.equal(setup('active', 'active'), 'passive');
  t.equal(setup('passive', 'passive'), 'active');
  t.end();
});

await t.test('without transport-cc neither its extension nor its feedback is there', (t) => {
  const sdp = writeSessionDescription(
    answerPublisher(parseSessionDescription(fixture('chromium-publisher-simulcast')), {
      ...options,
      transportCc: false,
    }),
  );
  t.notMatch(sdp, /transport-(?:wide-)?cc/);
  t.match(sdp, /goog-remb/);
  t.end();
});

await t.test('an extension above 14 is taken only where header forms may be mixed', (t) => {
  const sdp = fixture('chromium-publisher-simulcast').replaceAll('a=extmap:4 ', 'a=extmap:20 ');
  const mixed = answerPublisher(parseSessionDescription(sdp), options);
  t.ok(sectionOf(mixed, '0').extensions.some((extension) => extension.id === 20));
  t.equal(mixed.extmapAllowMixed, true);
  const plain = answerPublisher(parseSessionDescription(sdp.replace('a=extmap-allow-mixed\r\n', '')), options);
  t.notOk(sectionOf(plain, '0').extensions.some((extension) => extension.id === 20));
  t.equal(plain.extmapAllowMixed, false);
  t.end();
});

await t.test('the audio level is not taken on video', (t) => {
  const level = 'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level';
  const sdp = fixture('chromium-publisher-simulcast').replace('a=extmap:14 ', `${level}\r\na=extmap:14 `);
  t.equal(linesOf(sdp, '1').filter((line) => line === level).length, 1);
  const answer = writeSessionDescription(answerPublisher(parseSessionDescription(sdp), options));
  t.ok(linesOf(answer, '0').includes(level));
  t.notOk(linesOf(answer, '1').includes(level));
  t.end();
});

await t.test('a rid that is not in the simulcast line is not asked for', (t) => {
  const sdp = fixture('chromium-publisher-simulcast').replace('a=simulcast:send q;h;f', 'a=simulcast:send q;f');
  const video = sectionOf(answerPublisher(parseSessionDescription(sdp), options), '1');
  t.same(video.rids, [
    { id: 'q', direction: 'recv' },
    { id: 'f', direction: 'recv' },
  ]);
  t.same(video.simulcast, { recv: ['q', 'f'] });
  t.end();
});

await t.test('an answer keeps session id and counts its versions', (t) => {
  const offer = parseSessionDescription(fixture('chromium-publisher-simulcast'));
  const sdp = writeSessionDescription(answerPublisher(offer, { ...options, sessionId: '77', sessionVersion: 3 }));
  t.match(sdp, /^v=0\r\no=- 77 3 IN IP4 127\.0\.0\.1\r\n/);
  t.end();
});

/** The same lines, in whatever order. */
function same(t: { same(a: unknown, b: unknown): boolean }, found: readonly string[], wanted: readonly string[]): void {
  t.same([...found].sort(), [...wanted].sort());
}
