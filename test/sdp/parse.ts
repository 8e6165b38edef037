import t from 'tap';
import { retransmittedBy, rtxPayloadTypeOf } from '../../src/engine/sdp/media-section.js';
import { parseSessionDescription } from '../../src/engine/sdp/session-description.js';
import { fixture, sectionOf } from './fixture.js';

await t.test('a simulcast offer of Chromium', (t) => {
  const offer = parseSessionDescription(fixture('chromium-publisher-simulcast'));
  t.same(
    offer.sections.map(({ mid, kind, direction, rejected }) => [mid, kind, direction, rejected]),
    [
      ['0', 'audio', 'sendonly', false],
      ['1', 'video', 'sendonly', false],
      ['2', 'application', 'sendrecv', false],
    ],
  );
  t.equal(offer.sessionVersion, 2);
  t.match(offer.sessionId, /^\d{10,}$/, 'larger than a double, so kept as text');
  t.equal(offer.extmapAllowMixed, true);
  t.equal(offer.transport.setup, 'actpass');
  t.same(offer.transport.dataChannel, { sctpPort: 5000, maxMessageSize: 262_144 });

  const audio = sectionOf(offer, '0');
  t.strictSame(audio.codecs[0], {
    payloadType: 111,
    name: 'opus',
    clockRate: 48_000,
    channels: 2,
    fmtp: { minptime: '10', useinbandfec: '1' },
    feedback: ['transport-cc'],
  });
  t.strictSame(audio.codecs[1]?.fmtp, { '111/111': '' }, 'RED lists its payload types');
  t.equal(audio.ssrcs.length, 1);
  t.match(audio.ssrcs[0]?.cname, /^.{16}$/);
  t.match(audio.msid, { streamId: /^[\da-f-]{36}$/, trackId: /^[\da-f-]{36}$/ });

  const video = sectionOf(offer, '1');
  t.same(video.rids, [
    { id: 'q', direction: 'send' },
    { id: 'h', direction: 'send' },
    { id: 'f', direction: 'send' },
  ]);
  t.same(video.simulcast, { send: ['q', 'h', 'f'] });
  t.same(video.codecs[0]?.feedback, ['goog-remb', 'transport-cc', 'ccm fir', 'nack', 'nack pli']);
  t.equal(rtxPayloadTypeOf(video.codecs, 96), 97);
  t.equal(rtxPayloadTypeOf(video.codecs, 97), undefined);
  t.equal(retransmittedBy(video.codecs.find((codec) => codec.payloadType === 103)!), 102);
  t.same(
    video.extensions.find((extension) => extension.id === 10),
    {
      id: 10,
      uri: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
    },
  );
  t.end();
});

await t.test('codecs come in the order of the m-line, not of their rtpmap lines', (t) => {
  const video = sectionOf(parseSessionDescription(fixture('chromium-publisher-h264')), '1');
  t.equal(video.codecs[0]?.name, 'h264');
  const swapped = fixture('livekit-client-publisher').replace(/(m=video \d+ \S+) 96 97 (.*)/, '$1 $2 96 97');
  t.equal(sectionOf(parseSessionDescription(swapped), '2').codecs[0]?.payloadType, 102);
  t.end();
});

await t.test('SSRC groups of an offer without simulcast', (t) => {
  const video = sectionOf(parseSessionDescription(fixture('chromium-publisher-h264')), '1');
  t.equal(video.ssrcs.length, 2);
  t.same(video.ssrcGroups, [{ semantics: 'FID', ssrcs: video.ssrcs.map((entry) => entry.ssrc) }]);
  t.end();
});

await t.test("rtc-node's offer: receive-only sections first, its own from mid 14, no stream id", (t) => {
  const offer = parseSessionDescription(fixture('rtc-node-publisher'));
  t.same(
    offer.sections.map((section) => `${section.mid} ${section.kind} ${section.direction}`),
    [
      '7 audio recvonly',
      '8 audio recvonly',
      '9 audio recvonly',
      '10 video recvonly',
      '11 video recvonly',
      '12 video recvonly',
      '13 application sendrecv',
      '14 audio sendonly',
      '15 video sendonly',
    ],
  );
  t.equal(sectionOf(offer, '14').msid?.streamId, '-');
  t.equal(sectionOf(offer, '7').msid, undefined);
  t.same(sectionOf(offer, '15').simulcast, { send: ['h', 'q'] });
  t.end();
});

await t.test('a msid with a bar between participant and track is read whole', (t) => {
  const sdp = fixture('chromium-publisher-h264').replace(/a=msid:.*/g, 'a=msid:PA_abc|TR_def TR_def');
  t.same(sectionOf(parseSessionDescription(sdp), '0').msid, { streamId: 'PA_abc|TR_def', trackId: 'TR_def' });
  t.end();
});

await t.test('a msid is also found on the SSRC lines', (t) => {
  const sdp = fixture('chromium-publisher-h264');
  const msid = sectionOf(parseSessionDescription(sdp), '0').msid;
  t.ok(msid?.trackId);
  t.same(sectionOf(parseSessionDescription(sdp.replace(/a=msid:.*\r\n/g, '')), '0').msid, msid);
  t.end();
});

await t.test('port 0 means refused, but not while a section waits to be bundled', (t) => {
  const sdp = fixture('chromium-publisher-simulcast');
  const refused = parseSessionDescription(sdp.replace(/m=video \d+/, 'm=video 0'));
  t.equal(sectionOf(refused, '1').rejected, true);
  const waiting = parseSessionDescription(
    sdp.replace(/m=video \d+/, 'm=video 0').replace('a=mid:1', 'a=mid:1\r\na=bundle-only'),
  );
  t.equal(sectionOf(waiting, '1').rejected, false);
  const noData = parseSessionDescription(sdp.replace(/m=application \d+/, 'm=application 0'));
  t.equal(noData.transport.dataChannel, undefined);
  t.end();
});

await t.test('feedback for all payload types, and directions of the session', (t) => {
  const sdp = fixture('chromium-publisher-simulcast');
  const all = parseSessionDescription(sdp.replace('a=rtcp-fb:111 transport-cc', 'a=rtcp-fb:* nack'));
  t.same(sectionOf(all, '0').codecs[0]?.feedback, ['nack']);
  const none = sdp.replaceAll('a=sendonly\r\n', '');
  t.equal(sectionOf(parseSessionDescription(none), '0').direction, 'sendrecv', 'RFC 8866: the default');
  const session = none.replace('a=extmap-allow-mixed', 'a=extmap-allow-mixed\r\na=inactive');
  t.equal(sectionOf(parseSessionDescription(session), '0').direction, 'inactive');
  t.end();
});

await t.test('lines may end without CR', (t) => {
  const sdp = fixture('rtc-node-publisher');
  t.same(parseSessionDescription(sdp.replaceAll('\r\n', '\n')), parseSessionDescription(sdp));
  t.end();
});

await t.test('paused and alternative simulcast streams give the rid', (t) => {
  const sdp = fixture('chromium-publisher-simulcast').replace(
    'a=simulcast:send q;h;f',
    'a=simulcast:send ~q;h,f recv x',
  );
  t.same(sectionOf(parseSessionDescription(sdp), '1').simulcast, { send: ['q', 'h'], recv: ['x'] });
  t.end();
});
