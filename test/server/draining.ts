import { DisconnectReason, LeaveRequest, LeaveRequest_Action, ParticipantInfo_State } from '@livekit/protocol';
import t from 'tap';
import { RawClient } from './raw-client.js';
import { runServer } from './running-server.js';
import { twoInCall } from './two-in-call.js';

const LONG_MS = 60_000;
const AWAY = { reason: DisconnectReason.SERVER_SHUTDOWN, action: LeaveRequest_Action.RECONNECT, canReconnect: true };

t.test('a server that drains asks everyone to join elsewhere, and ends when they have gone', async (t) => {
  const server = await runServer(t);
  const { service, url, httpUrl, token } = server;
  const { ann, bob, annSid, voice } = await twoInCall(t, server);
  const cid = await RawClient.join(url, await token('cid', { sessionId: 'other' }));
  t.teardown(() => cid.close());
  let over = false;
  const drained = service.drain(LONG_MS).then(() => (over = true));
  for (const client of [ann, bob, cid]) t.match(await client.next('leave'), AWAY);

  const heard = bob.received.length;
  await voice.sendUntil(Buffer.from('after'), () => bob.received.length > heard + 3);
  t.pass('media goes on while they look for another server');
  await t.rejects(RawClient.open(url, await token('eve')), { message: /503/ });
  await t.rejects(RawClient.open(url, await token('ann'), `&reconnect=1&sid=${annSid}`), { message: /503/ });
  const health = await fetch(`${httpUrl}/healthz`);
  t.equal(health.status, 503);
  t.match(await health.json(), { status: 'draining', participants: 3 });
  const asked = await fetch(`${httpUrl}/rtc/validate?access_token=${await token('eve')}`);
  t.same([asked.status, asked.headers.get('access-control-allow-origin')], [503, '*'], 'clients try again later');

  ann.send('leave', new LeaveRequest());
  const gone = await bob.update((one) => one.identity === 'ann' && one.state === ParticipantInfo_State.DISCONNECTED);
  t.equal(gone.disconnectReason, DisconnectReason.SERVER_SHUTDOWN, 'others know that it is only elsewhere');
  // A network that breaks is as good as a goodbye now.
  cid.socket.terminate();
  t.equal(over, false);
  bob.socket.close();
  await drained;
  await t.rejects(fetch(`${httpUrl}/healthz`), 'the port is free');
});

t.test('it ends at its deadline, whoever is still there', async (t) => {
  const { service, url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  t.teardown(() => ann.close());
  await service.drain(50);
  t.match(await ann.next('leave'), AWAY);
  t.match(await ann.next('leave'), {
    reason: DisconnectReason.SERVER_SHUTDOWN,
    action: LeaveRequest_Action.DISCONNECT,
  });
  await ann.closed;
});

t.test('it ends at once when nobody is there, and when it is closed meanwhile', async (t) => {
  const empty = await runServer(t);
  await empty.service.drain(LONG_MS);
  await t.rejects(fetch(`${empty.httpUrl}/healthz`));
  const { service, url, token } = await runServer(t);
  const ann = await RawClient.join(url, await token('ann'));
  t.teardown(() => ann.close());
  const drained = service.drain(LONG_MS);
  await ann.next('leave');
  await service.close();
  await drained;
  await ann.closed;
});
