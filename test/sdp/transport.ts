import t from 'tap';
import { readTransportSdp, writeTransportSdp } from '../../src/engine/sdp/transport-description.js';
import { fixture, linesOf, OURS } from './fixture.js';

await t.test('reads what libdatachannel says of itself', (t) => {
  const sdp = fixture('libdatachannel-local');
  const transport = readTransportSdp(sdp);
  t.equal(
    `a=ice-ufrag:${transport.iceUfrag}`,
    linesOf(sdp, '0').find((line) => line.startsWith('a=ice-ufrag')),
  );
  t.equal(
    `a=ice-pwd:${transport.icePwd}`,
    linesOf(sdp, '0').find((line) => line.startsWith('a=ice-pwd')),
  );
  t.equal(transport.fingerprint.algorithm, 'sha-256');
  t.ok(
    sdp.includes(`a=fingerprint:sha-256 ${transport.fingerprint.value}\r\n`),
    'the fingerprint stands at session level',
  );
  t.equal(transport.setup, 'actpass');
  t.match(transport.candidates, [/^candidate:1 1 UDP \d+ 127\.0\.0\.1 \d+ typ host$/]);
  t.same(transport.dataChannel, { sctpPort: 5000, maxMessageSize: 262_144 });
  t.end();
});

await t.test('writes one video m-line, and one for data channels when asked to', (t) => {
  const sdp = writeTransportSdp({ ...OURS, setup: 'passive' }, { dataChannel: true });
  t.same(
    linesOf(sdp, '').filter((line) => line.startsWith('a=group')),
    ['a=group:BUNDLE 0 1'],
  );
  const video = linesOf(sdp, '0');
  t.equal(video[0], 'm=video 9 UDP/TLS/RTP/SAVPF 96');
  for (const line of [
    'a=rtpmap:96 VP8/90000',
    'a=sendrecv',
    'a=rtcp-mux',
    'a=setup:passive',
    `a=ice-ufrag:${OURS.iceUfrag}`,
    `a=ice-pwd:${OURS.icePwd}`,
    `a=fingerprint:sha-256 ${OURS.fingerprint.value}`,
    ...OURS.candidates.map((candidate) => `a=${candidate}`),
  ]) {
    t.ok(video.includes(line), line);
  }
  t.notMatch(sdp, /end-of-candidates/, 'the native library would give up before it has seen the candidates');
  const data = linesOf(sdp, '1');
  t.equal(data[0], 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel');
  t.ok(data.includes('a=sctp-port:5000') && data.includes('a=max-message-size:262144'));

  const alone = writeTransportSdp(OURS, { dataChannel: false });
  t.notMatch(alone, /m=application/);
  t.match(alone, /a=group:BUNDLE 0\r\n/);
  t.match(writeTransportSdp(OURS, { dataChannel: true, dataMid: 'data' }), /a=group:BUNDLE 0 data\r\n/);
  t.end();
});

await t.test('what is written is read back the same', (t) => {
  for (const setup of ['actpass', 'active', 'passive'] as const) {
    const transport = { ...OURS, setup };
    t.strictSame(readTransportSdp(writeTransportSdp(transport, { dataChannel: true })), transport);
  }
  const { dataChannel, ...media } = OURS;
  t.ok(dataChannel);
  t.strictSame(readTransportSdp(writeTransportSdp(OURS, { dataChannel: false })), media);
  t.strictSame(readTransportSdp(writeTransportSdp({ ...media, iceLite: true }, { dataChannel: false })), {
    ...media,
    iceLite: true,
  });
  t.strictSame(
    readTransportSdp(writeTransportSdp({ ...media, candidates: [] }, { dataChannel: false })).candidates,
    [],
  );
  t.end();
});

await t.test('candidates are kept as they came', (t) => {
  const sdp = fixture('chromium-publisher-simulcast');
  const lines = linesOf(sdp, '0').filter((line) => line.startsWith('a=candidate:'));
  t.ok(lines.length > 2);
  t.same(
    readTransportSdp(sdp).candidates.map((candidate) => `a=${candidate}`),
    lines,
  );
  t.end();
});

await t.test('the transport is that of the first bundled m-line that is not refused', (t) => {
  const sdp = fixture('chromium-publisher-simulcast');
  const other = sdp.replace('a=group:BUNDLE 0 1 2', 'a=group:BUNDLE 1 0 2');
  t.match(readTransportSdp(other).candidates[0], / 49428 | \d+ typ host/);
  t.not(readTransportSdp(other).candidates[0], readTransportSdp(sdp).candidates[0]);
  const refused = sdp.replace(/m=audio \d+/, 'm=audio 0');
  t.equal(readTransportSdp(refused).candidates[0], readTransportSdp(other).candidates[0]);
  t.end();
});

await t.test('of several fingerprints the SHA-256 one is taken', (t) => {
  const sdp = writeTransportSdp(OURS, { dataChannel: false });
  const sha1 = `a=fingerprint:sha-1 ${Array.from({ length: 20 }, () => 'AB').join(':')}`;
  const both = sdp.replace('a=setup', `${sha1}\r\na=setup`);
  t.same(readTransportSdp(both).fingerprint, OURS.fingerprint);
  const lower = sdp.replace(/a=fingerprint:(.*)/, (line) => line.toLowerCase());
  t.same(readTransportSdp(lower).fingerprint, OURS.fingerprint, 'in lower case too');
  const only = sdp.replace(/a=fingerprint:.*/, sha1);
  t.equal(readTransportSdp(only).fingerprint.algorithm, 'sha-1');
  t.end();
});

await t.test('a description without what a transport needs is refused', (t) => {
  const sdp = writeTransportSdp(OURS, { dataChannel: true });
  for (const [what, broken] of [
    ['ufrag', sdp.replace(/a=ice-ufrag:.*\r\n/g, '')],
    ['short ufrag', sdp.replace(/a=ice-ufrag:.*/g, 'a=ice-ufrag:abc')],
    ['pwd', sdp.replace(/a=ice-pwd:.*\r\n/g, '')],
    ['short pwd', sdp.replace(/a=ice-pwd:.*/g, 'a=ice-pwd:abcdef')],
    ['fingerprint', sdp.replace(/a=fingerprint:.*\r\n/g, '')],
    ['whole fingerprint', sdp.replace(/a=fingerprint:.*/g, 'a=fingerprint:sha-256 AB:CD')],
    ['setup', sdp.replace(/a=setup:.*\r\n/g, '')],
    ['known setup', sdp.replace(/a=setup:.*/g, 'a=setup:holdconn')],
    ['m-line that is not refused', sdp.replace(/^m=(\w+) 9/gm, 'm=$1 0')],
    ['m-line', sdp.slice(0, sdp.indexOf('m='))],
    ['SCTP port in range', sdp.replace('sctp-port:5000', 'sctp-port:70000')],
  ] as const) {
    t.throws(() => readTransportSdp(broken), { code: 'SLUICE_SDP_INVALID' }, `no ${what}`);
  }
  t.end();
});

await t.test('a value that would break out of its line is not written', (t) => {
  for (const broken of [
    { ...OURS, iceUfrag: 'abcd\r\na=evil' },
    { ...OURS, icePwd: '' },
    { ...OURS, fingerprint: { algorithm: 'sha-256', value: 'AB CD' } },
    { ...OURS, candidates: ['candidate:1 1 UDP 1 127.0.0.1 1 typ host\r\na=evil'] },
    { ...OURS, candidates: ['setup:passive'] },
  ]) {
    t.throws(() => writeTransportSdp(broken, { dataChannel: false }), { code: 'SLUICE_SDP_INVALID' });
  }
  t.throws(() => writeTransportSdp(OURS, { dataChannel: true, dataMid: 'a b' }), { code: 'SLUICE_SDP_INVALID' });
  t.end();
});
