/** A server for one publisher that writes down what arrives, and tells it when the publisher has left. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  JoinResponse,
  ParticipantInfo,
  Room,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  TrackInfo,
  TrackPublishedResponse,
} from '@livekit/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { isRtcp } from '../../../src/engine/rtp/packet.js';
import { answerPublisher } from '../../../src/engine/sdp/answer.js';
import { parseSessionDescription, writeSessionDescription } from '../../../src/engine/sdp/session-description.js';
import { Transport } from '../../../src/engine/transport.js';
import { End, report } from './pair.js';

const end = new End();
const packets: { readonly atMs: number; readonly packet: string }[] = [];
end.onPacket = (packet) => {
  if (!isRtcp(packet)) packets.push({ atMs: Date.now(), packet: packet.toString('base64') });
};
let transport: Transport | undefined;

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(server, 'listening');
report({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` });
const [socket] = (await once(server, 'connection')) as [WebSocket];
const send = (message: SignalResponse['message']): void => {
  socket.send(new SignalResponse({ message }).toBinary());
};
send({
  case: 'join',
  value: new JoinResponse({
    room: new Room({ name: 'demo' }),
    participant: new ParticipantInfo({ sid: 'PA_1', identity: 'ann' }),
  }),
});
socket.on('message', (data: Buffer) => {
  void take(SignalRequest.fromBinary(new Uint8Array(data)).message);
});
await once(socket, 'close');
await transport?.close();
server.close();
report({ packets });

async function take(message: SignalRequest['message']): Promise<void> {
  if (message.case === 'addTrack') {
    send({
      case: 'trackPublished',
      value: new TrackPublishedResponse({ cid: message.value.cid, track: new TrackInfo({ sid: 'TR_1' }) }),
    });
  } else if (message.case === 'offer') {
    const offer = parseSessionDescription(message.value.sdp);
    transport ??= await Transport.answer(
      offer.transport,
      end.options('listener', { dtlsRole: 'active', dataChannels: true }),
    );
    const answer = answerPublisher(offer, {
      // Both learn late how to reach each other: a publisher that does not wait loses the beginning.
      transport: { ...transport.local, candidates: [] },
      dataChannel: true,
      opus: () => ({ stereo: true }),
    });
    send({
      case: 'answer',
      value: new SessionDescription({ type: 'answer', sdp: writeSessionDescription(answer), id: message.value.id }),
    });
  } else if (message.case === 'trickle') {
    const { candidate } = JSON.parse(message.value.candidateInit) as { candidate: string };
    setTimeout(() => transport?.addRemoteCandidate(candidate), 300);
  }
}
