import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import {
  JoinRequest,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  SignalTarget,
  TrackType,
  TrickleRequest,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from '@livekit/protocol';
import t from 'tap';
import { impairedNetwork } from '../support/network/impaired-network.js';
import { rewriteJoinPath, rewriteRequest, rewriteResponse } from '../support/network/signal-rewriting.js';
import { RawClient } from '../server/raw-client.js';
import { runServer } from '../server/running-server.js';

const SDP = [
  'v=0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=candidate:1 1 udp 2130706431 127.0.0.1 7882 typ host generation 0',
  'a=candidate:2 1 tcp 1671430143 127.0.0.1 7881 typ host tcptype passive',
  'a=candidate:3 1 udp 2130706431 ::1 7882 typ host',
  'a=end-of-candidates',
  '',
].join('\r\n');

const relay = { address: '127.0.0.1', port: 40_000 };
const response = (message: SignalResponse['message']): Buffer =>
  Buffer.from(new SignalResponse({ message }).toBinary());

t.test('candidates of the server become those of the relay, and others go', async (t) => {
  const asked: number[] = [];
  const open = ({ port }: { port: number }): Promise<typeof relay> => {
    asked.push(port);
    return Promise.resolve(relay);
  };
  const offer = await rewriteResponse(
    response({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp: SDP, id: 3 }) }),
    open,
  );
  t.match(SignalResponse.fromBinary(offer!).message.value, {
    id: 3,
    sdp: [
      'v=0',
      'm=audio 9 UDP/TLS/RTP/SAVPF 111',
      'a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host generation 0',
      'a=end-of-candidates',
      '',
    ].join('\r\n'),
  });
  t.same(asked, [7882]);
  const trickle = (candidate: string): Buffer =>
    response({
      case: 'trickle',
      value: new TrickleRequest({
        target: SignalTarget.SUBSCRIBER,
        candidateInit: JSON.stringify({ candidate, sdpMid: '0' }),
      }),
    });
  const one = await rewriteResponse(trickle('candidate:1 1 udp 5 10.0.0.1 50 typ host'), open);
  t.match(SignalResponse.fromBinary(one!).message.value, {
    target: SignalTarget.SUBSCRIBER,
    candidateInit: '{"candidate":"candidate:1 1 udp 5 127.0.0.1 40000 typ host","sdpMid":"0"}',
  });
  t.equal(await rewriteResponse(trickle('candidate:1 1 tcp 5 10.0.0.1 50 typ host'), open), undefined);
});

t.test('candidates of a client do not reach the server', async (t) => {
  const request = (message: object): Buffer =>
    Buffer.from(new SignalRequest({ message: message as SignalRequest['message'] }).toBinary());
  const stripped = SDP.replace(/a=candidate.*\r\n/g, '');
  const answer = rewriteRequest(request({ case: 'answer', value: new SessionDescription({ sdp: SDP }) }));
  t.match(SignalRequest.fromBinary(answer!).message, { case: 'answer', value: { sdp: stripped } });
  t.equal(rewriteRequest(request({ case: 'trickle', value: new TrickleRequest({ candidateInit: '{}' }) })), undefined);
  const join = new JoinRequest({ metadata: 'kept', publisherOffer: new SessionDescription({ sdp: SDP, id: 1 }) });
  const wrapped = new WrappedJoinRequest({
    compression: WrappedJoinRequest_Compression.GZIP,
    joinRequest: gzipSync(join.toBinary()),
  });
  const text = Buffer.from(wrapped.toBinary()).toString('base64url');
  const path = new URL(rewriteJoinPath(`/rtc/v1?access_token=a.b&join_request=${text}`), 'http://localhost');
  t.equal(path.searchParams.get('access_token'), 'a.b');
  const sent = WrappedJoinRequest.fromBinary(Buffer.from(path.searchParams.get('join_request')!, 'base64url'));
  t.match(JoinRequest.fromBinary(sent.joinRequest), { metadata: 'kept', publisherOffer: { sdp: stripped, id: 1 } });
});

t.test('a client joins, publishes and hears through the network, and around it goes nothing', async (t) => {
  const server = await runServer(t);
  const network = await impairedNetwork({ serverUrl: server.url, seed: 4 });
  t.teardown(() => network.close());
  t.match(await (await fetch(`${network.httpUrl}/healthz`)).json(), { status: 'ok' }, 'HTTP passes');
  const join = (await (await fetch(`${network.httpUrl}/join.json?session=a`)).json()) as { url: string };
  t.equal(join.url, network.url, 'the page of the server joins through the network');
  await t.rejects(RawClient.open(network.url, 'nonsense'), /401/, 'a refusal passes');

  const ann = await RawClient.join(network.url, await server.token('ann'));
  t.teardown(() => ann.close());
  await ann.publish([
    {
      request: { cid: 'mic', type: TrackType.AUDIO },
      track: { kind: 'audio', codec: 'opus', payloadType: 111, ssrc: 7 },
    },
  ]);
  const before = await network.stats();
  t.equal(before.flows, 1);
  t.ok(before.up.forwarded > 3 && before.down.forwarded > 3, 'ICE and DTLS went through');
  await network.set({ up: { loss: 1 } });
  const lost = async (): Promise<number> => (await network.stats()).up.dropped.loss;
  const count = await lost();
  ann.publisher?.send(rtp(1));
  while ((await lost()) === count);
  t.pass('so does media');
  network.cutSignalling();
  t.match(await ann.closed, { code: 1006 });
});

function rtp(sequence: number): Buffer {
  const packet = Buffer.alloc(40);
  packet.set([0x80, 111]);
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(7, 8);
  return packet;
}

t.test('a network in front of a server that is not there', async (t) => {
  const nobody = createSocket('udp4').bind(0, '127.0.0.1');
  await once(nobody, 'listening');
  const network = await impairedNetwork({ serverUrl: `ws://127.0.0.1:${nobody.address().port}`, seed: 5 });
  nobody.close();
  t.equal((await fetch(`${network.httpUrl}/healthz`)).status, 502);
  await t.rejects(RawClient.open(network.url, 'token'));
  await network.close();
  await network.close();
});
