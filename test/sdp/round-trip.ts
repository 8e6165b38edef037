import fc from 'fast-check';
import t from 'tap';
import type { CodecParameters, MediaSection, SessionDescription } from '../../src/engine/sdp/media-section.js';
import { parseSessionDescription, writeSessionDescription } from '../../src/engine/sdp/session-description.js';
import { fixture, FIXTURES, linesOf, OURS, sectionOf } from './fixture.js';

for (const name of FIXTURES) {
  await t.test(`${name}: what is written of it is read back the same`, (t) => {
    const description = parseSessionDescription(fixture(name));
    t.strictSame(parseSessionDescription(writeSessionDescription(description)), description);
    t.end();
  });
}

await t.test('every m-line has credentials, candidates and what browsers ask for', (t) => {
  const offer = parseSessionDescription(fixture('livekit-client-publisher'));
  const sdp = writeSessionDescription({ ...offer, transport: OURS });
  t.ok(sdp.startsWith('v=0\r\no=- ') && sdp.endsWith('\r\n'));
  const session = linesOf(sdp, '');
  t.ok(session.includes('a=group:BUNDLE 0 1 2'));
  t.ok(session.includes('a=msid-semantic: WMS *'));
  t.ok(session.includes('a=ice-options:trickle'));
  t.ok(session.includes('a=extmap-allow-mixed'));
  for (const mid of ['0', '1', '2']) {
    const lines = linesOf(sdp, mid);
    t.ok(lines.includes(`a=ice-ufrag:${OURS.iceUfrag}`) && lines.includes(`a=ice-pwd:${OURS.icePwd}`), `${mid}: ICE`);
    t.ok(
      lines.includes(`a=fingerprint:sha-256 ${OURS.fingerprint.value}`) && lines.includes('a=setup:active'),
      `${mid}: DTLS`,
    );
    t.same(
      lines.filter((line) => /^a=(?:candidate|end-of)/.test(line)),
      [...OURS.candidates.map((candidate) => `a=${candidate}`), 'a=end-of-candidates'],
      `${mid}: candidates, then their end`,
    );
    t.equal(lines.includes('a=rtcp-mux'), mid !== '0', `${mid}: rtcp-mux on media only`);
    t.equal(lines.includes('a=rtcp-rsize'), mid !== '0');
  }
  t.end();
});

await t.test('a rejected section keeps its place with port 0, outside of the BUNDLE group', (t) => {
  const offer = parseSessionDescription(fixture('livekit-client-publisher'));
  const sections = offer.sections.map((section) => ({ ...section, rejected: section.mid !== '1' }));
  const sdp = writeSessionDescription({ ...offer, sections });
  t.ok(linesOf(sdp, '').includes('a=group:BUNDLE 1'));
  t.equal(linesOf(sdp, '0')[0], 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel');
  t.match(linesOf(sdp, '2')[0], /^m=video 0 UDP\/TLS\/RTP\/SAVPF 96 /);
  t.notOk(linesOf(sdp, '2').some((line) => line.startsWith('a=ice-')));
  const again = parseSessionDescription(sdp);
  t.same(
    again.sections.map((section) => section.rejected),
    [true, false, true],
  );
  t.equal(again.transport.dataChannel, undefined);
  t.end();
});

await t.test('text that would break out of its field is not written', (t) => {
  const offer = parseSessionDescription(fixture('chromium-publisher-h264'));
  const broken: Partial<MediaSection>[] = [
    { mid: '0\r\na=evil' },
    { msid: { streamId: 'a b', trackId: 'c' } },
    { msid: { streamId: 'a', trackId: 'c\nd' } },
    { extensions: [{ id: 1, uri: 'a b' }] },
    { ssrcs: [{ ssrc: 1, cname: 'x\r\na=evil' }] },
    { rids: [{ id: 'q\r\n', direction: 'send' }] },
  ];
  for (const part of broken) {
    const sections = offer.sections.map((section) => (section.mid === '0' ? { ...section, ...part } : section));
    t.throws(
      () => writeSessionDescription({ ...offer, sections }),
      { code: 'SLUICE_SDP_INVALID' },
      JSON.stringify(part),
    );
  }
  t.end();
});

await t.test('a msid without a track part has no blank at its end', (t) => {
  const offer = parseSessionDescription(fixture('chromium-publisher-h264'));
  const sections = [{ ...sectionOf(offer, '0'), msid: { streamId: 'PA_a|TR_b', trackId: '' } }];
  const sdp = writeSessionDescription({ ...offer, sections });
  t.ok(linesOf(sdp, '0').includes('a=msid:PA_a|TR_b'));
  t.same(sectionOf(parseSessionDescription(sdp), '0').msid, { streamId: 'PA_a|TR_b', trackId: '' });
  t.end();
});

const token = fc.stringMatching(/^[\w|{}.:-]{1,24}$/);
const ssrc = fc.integer({ min: 0, max: 0xffff_ffff });

const codec: fc.Arbitrary<CodecParameters> = fc.record({
  payloadType: fc.integer({ min: 0, max: 127 }),
  name: fc.constantFrom('opus', 'vp8', 'h264', 'rtx', 'vp9'),
  clockRate: fc.constantFrom(8000, 48_000, 90_000),
  channels: fc.constantFrom(1, 2),
  fmtp: fc.dictionary(fc.stringMatching(/^[a-z-]{1,12}$/), fc.stringMatching(/^[\w,+/-]{0,12}$/), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  feedback: fc.subarray(['nack', 'nack pli', 'ccm fir', 'goog-remb', 'transport-cc']),
});

const section: fc.Arbitrary<MediaSection> = fc.record(
  {
    mid: token,
    kind: fc.constantFrom('audio', 'video'),
    direction: fc.constantFrom('sendrecv', 'sendonly', 'recvonly', 'inactive'),
    codecs: fc.uniqueArray(codec, { minLength: 1, maxLength: 6, selector: (one) => one.payloadType }),
    extensions: fc.uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 255 }), uri: token }), {
      maxLength: 6,
      selector: (one) => one.id,
    }),
    msid: fc.record({ streamId: token, trackId: fc.oneof(token, fc.constant('')) }),
    rids: fc.uniqueArray(
      fc.record({ id: fc.stringMatching(/^\w{1,8}$/), direction: fc.constantFrom('send', 'recv') }),
      {
        maxLength: 3,
        selector: (one) => one.id,
      },
    ),
    simulcast: fc.constantFrom({ send: ['q', 'h'] }, { recv: ['f'] }, { send: ['1'], recv: ['2', '3'] }),
    ssrcs: fc.uniqueArray(fc.record({ ssrc, cname: token }), { maxLength: 4, selector: (one) => one.ssrc }),
    ssrcGroups: fc.array(
      fc.record({ semantics: fc.constantFrom('FID', 'SIM'), ssrcs: fc.array(ssrc, { minLength: 1, maxLength: 3 }) }),
      {
        maxLength: 2,
      },
    ),
    rejected: fc.constant(false),
  },
  {
    requiredKeys: ['mid', 'kind', 'direction', 'codecs', 'extensions', 'rids', 'ssrcs', 'ssrcGroups', 'rejected'],
    noNullPrototype: true,
  },
);

await t.test('any description survives being written and read', (t) => {
  const { dataChannel, ...transport } = OURS;
  t.ok(dataChannel);
  fc.assert(
    fc.property(
      fc.uniqueArray(section, { minLength: 1, maxLength: 5, selector: (one) => one.mid }),
      fc.integer({ min: 0, max: 1e9 }),
      fc.boolean(),
      (sections, sessionVersion, extmapAllowMixed) => {
        const description: SessionDescription = {
          sessionId: '9007199254740993',
          sessionVersion,
          transport,
          sections,
          extmapAllowMixed,
        };
        const again = parseSessionDescription(writeSessionDescription(description));
        return JSON.stringify(sortedKeys(again)) === JSON.stringify(sortedKeys(description));
      },
    ),
    { numRuns: 60 },
  );
  t.end();
});

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sortedKeys(item)]),
  );
}
