import fc from 'fast-check';
import t from 'tap';
import { SluiceError } from '../../src/media/errors.js';
import { answerPublisher, answerSubscriber } from '../../src/engine/sdp/answer.js';
import { negotiateReceived, negotiateSent } from '../../src/engine/sdp/negotiated.js';
import { parseSessionDescription, writeSessionDescription } from '../../src/engine/sdp/session-description.js';
import { fixture, FIXTURES, OURS } from './fixture.js';

const refused = { code: 'SLUICE_SDP_INVALID' } as const;

await t.test('what is too large is refused', (t) => {
  const sdp = fixture('chromium-publisher-h264');
  t.throws(() => parseSessionDescription(sdp + 'a=x\r\n'.repeat(60_000)), { ...refused, message: /characters/ });
  t.throws(() => parseSessionDescription(sdp + 'a=\n'.repeat(6000)), { ...refused, message: /lines/ });
  t.throws(() => parseSessionDescription(`${sdp}a=x:${'y'.repeat(9000)}\r\n`), { ...refused, message: /line has/ });
  const section = sdp.slice(sdp.indexOf('m=audio'), sdp.indexOf('m=video'));
  const sections = (count: number): string =>
    sdp
      .slice(0, sdp.indexOf('m='))
      .replace(/BUNDLE.*/, `BUNDLE ${Array.from({ length: count }, (_, i) => i).join(' ')}`) +
    Array.from({ length: count }, (_, i) => section.replace(/a=mid:.*/, `a=mid:${i}`)).join('');
  t.equal(parseSessionDescription(sections(64)).sections.length, 64);
  t.throws(() => parseSessionDescription(sections(65)), { ...refused, message: /m-lines/ });
  const flood = (line: (i: number) => string): string =>
    sdp + Array.from({ length: 100 }, (_, i) => `${line(i)}\r\n`).join('');
  t.throws(() => parseSessionDescription(flood((i) => `a=ssrc:${i} cname:x`)), refused);
  t.throws(() => parseSessionDescription(flood((i) => `a=rid:r${i} send`)), refused);
  t.throws(() => parseSessionDescription(flood((i) => `a=extmap:${i + 100} urn:x`)), refused);
  t.throws(() => parseSessionDescription(flood((i) => `a=ssrc-group:FID ${i} 1`)), refused);
  t.end();
});

await t.test('what contradicts itself is refused', (t) => {
  const sdp = fixture('chromium-publisher-simulcast');
  for (const [what, broken] of [
    ['no v=', sdp.slice(5)],
    ['empty', ''],
    ['two equal mids', sdp.replace('a=mid:1', 'a=mid:0')],
    ['no mid', sdp.replace('a=mid:1\r\n', '')],
    ['a section outside of the BUNDLE group', sdp.replace('a=group:BUNDLE 0 1 2', 'a=group:BUNDLE 0 2')],
    ['no BUNDLE group', sdp.replace(/a=group.*\r\n/, '')],
    ['an unknown kind', sdp.replace('m=audio', 'm=text')],
    ['a kind that looks like a number', sdp.replace('m=audio', 'm=5')],
    ['an m-line that cannot be read', sdp.replace(/m=audio.*/, 'm=')],
    ['plain RTP', sdp.replace('UDP/TLS/RTP/SAVPF 111', 'RTP/AVP 111')],
    ['another application', sdp.replace('UDP/DTLS/SCTP webrtc-datachannel', 'TCP/BFCP *')],
    ['a payload type above 127', sdp.replaceAll(/\b111\b/g, '211')],
    ['no clock rate', sdp.replace('opus/48000/2', 'opus')],
    ['extension 0', sdp.replace('a=extmap:1 ', 'a=extmap:0 ')],
    ['an SSRC of 33 bits', sdp.replace(/a=ssrc:\d+ cname/, 'a=ssrc:8589934592 cname')],
    ['a rid without direction', sdp.replace('a=rid:q send', 'a=rid:q')],
  ] as const) {
    t.not(broken, sdp, `${what}: the fixture has it`);
    t.throws(() => parseSessionDescription(broken), refused, what);
  }
  t.end();
});

await t.test('names of prototypes are only names', (t) => {
  const sdp = fixture('chromium-publisher-h264')
    .replaceAll('minptime=10;', '__proto__=1;constructor=2;')
    .replace('a=mid:0', 'a=mid:__proto__')
    .replace('BUNDLE 0', 'BUNDLE __proto__');
  const offer = parseSessionDescription(sdp);
  t.equal(offer.sections[0]?.mid, '__proto__');
  t.equal(Object.getPrototypeOf(offer.sections[0]?.codecs[0]?.fmtp), Object.prototype);
  t.equal(({} as Record<string, unknown>)['minptime'], undefined);
  t.end();
});

/** Whatever happens, the caller sees a SluiceError or a result; and what could be parsed can be answered and written. */
function survives(sdp: string): boolean {
  try {
    const description = parseSessionDescription(sdp);
    for (const answer of [answerPublisher, answerSubscriber]) {
      const answered = answer(description, { transport: OURS, dataChannel: true });
      writeSessionDescription(answered);
      negotiateReceived(description, answered);
      negotiateSent(description, answered);
    }
    return true;
  } catch (error) {
    return error instanceof SluiceError && error.code === 'SLUICE_SDP_INVALID';
  }
}

await t.test('every text is read or refused with a SluiceError', (t) => {
  const line = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }).map((text) => `a=${text}`),
    fc
      .tuple(
        fc.constantFrom(
          'mid',
          'rtpmap',
          'fmtp',
          'rtcp-fb',
          'extmap',
          'ssrc',
          'ssrc-group',
          'msid',
          'rid',
          'simulcast',
          'setup',
          'group',
          'fingerprint',
          'candidate',
          'sctp-port',
          'max-message-size',
          'ice-ufrag',
          'ice-pwd',
        ),
        fc.string(),
      )
      .map(([name, value]) => `a=${name}:${value}`),
    fc
      .tuple(fc.constantFrom('audio', 'video', 'application', 'x'), fc.nat(70_000), fc.string())
      .map(([kind, port, rest]) => `m=${kind} ${port} UDP/TLS/RTP/SAVPF ${rest}`),
  );
  fc.assert(fc.property(fc.string({ unit: 'binary' }), survives));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), (lines) => survives(['v=0', ...lines].join('\r\n'))),
    { numRuns: 120 },
  );
  t.end();
});

await t.test('every change to a real description is read or refused with a SluiceError', (t) => {
  const texts = FIXTURES.map(fixture);
  const edit = fc.record({
    kind: fc.constantFrom('drop', 'double', 'swap', 'insert', 'cut'),
    at: fc.nat(),
    with: fc.string({ unit: 'binary', maxLength: 12 }),
  });
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 6 }), (text, edits) => {
      let lines = text.split('\r\n');
      for (const { kind, at, with: inserted } of edits) {
        const index = at % Math.max(1, lines.length);
        const line = lines[index] ?? '';
        const column = at % (line.length + 1);
        if (kind === 'drop') lines.splice(index, 1);
        else if (kind === 'double') lines.splice(index, 0, line);
        else if (kind === 'swap') lines.push(...lines.splice(index, 1));
        else if (kind === 'insert') lines[index] = line.slice(0, column) + inserted + line.slice(column);
        else lines = [...lines.slice(0, index), line.slice(0, column)];
      }
      return survives(lines.join('\r\n'));
    }),
    { numRuns: 120 },
  );
  t.end();
});

await t.test('a description cut off anywhere is read or refused', (t) => {
  const sdp = fixture('livekit-client-publisher');
  for (let length = 0; length < sdp.length; length += 61) {
    if (!survives(sdp.slice(0, length))) t.fail(`cut at ${length}`);
  }
  t.end();
});
