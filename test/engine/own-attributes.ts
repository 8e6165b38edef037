import { RequestResponse, RequestResponse_Reason, type UpdateParticipantMetadata } from '@livekit/protocol';
import t from 'tap';
import { OwnAttributes } from '../../src/engine/own-attributes.js';
import { VirtualClock } from '../../src/media/clock.js';

/** A server that answers when the test says so. */
class Server {
  readonly heard: UpdateParticipantMetadata[] = [];

  updateMetadata(request: UpdateParticipantMetadata): void {
    this.heard.push(request);
  }

  /** What was asked last. */
  get last(): UpdateParticipantMetadata {
    return this.heard.at(-1)!;
  }

  texts(): string[] {
    return this.heard.map(({ attributes }) => JSON.stringify(attributes));
  }
}

function answer({ requestId }: UpdateParticipantMetadata, reason = RequestResponse_Reason.OK): RequestResponse {
  return new RequestResponse({ requestId, reason, message: 'too much' });
}

await t.test('attributes are set when the server has said so', async (t) => {
  const [own, server] = [new OwnAttributes(new VirtualClock()), new Server()];
  own.attach(server);
  t.strictSame(server.texts(), [], 'nothing is said where nothing was set');
  let isSet = false;
  const set = own.set({ state: 'idle' }).then(() => (isSet = true));
  own.onResponse(new RequestResponse({ requestId: server.last.requestId + 1 }));
  await Promise.resolve();
  t.notOk(isSet, 'that was the answer to something else');
  own.onResponse(answer(server.last));
  await set;
  t.strictSame(server.texts(), ['{"state":"idle"}']);
});

await t.test('the next server is told all that was set, and what was not answered', async (t) => {
  const [own, first, second] = [new OwnAttributes(new VirtualClock()), new Server(), new Server()];
  own.attach(first);
  for (const attributes of [
    { state: 'idle', mood: 'good' },
    { state: 'listening', mood: '' },
  ]) {
    const set = own.set(attributes);
    own.onResponse(answer(first.last));
    await set;
  }
  const thinking = own.set({ state: 'thinking' });
  own.detach();
  const speaking = own.set({ state: 'speaking' });
  t.equal(first.heard.length, 3);
  own.attach(second);
  t.strictSame(second.texts(), ['{"state":"listening"}', '{"state":"thinking"}', '{"state":"speaking"}']);
  for (const request of second.heard) own.onResponse(answer(request));
  await Promise.all([thinking, speaking]);
});

await t.test('what was said before the connection broke is said again', async (t) => {
  const [own, server] = [new OwnAttributes(new VirtualClock()), new Server()];
  own.attach(server);
  const set = own.set({ state: 'idle' });
  own.repeat();
  t.strictSame(server.texts(), ['{"state":"idle"}', '{"state":"idle"}']);
  for (const request of server.heard) own.onResponse(answer(request));
  await set;
  own.repeat();
  t.equal(server.heard.length, 2, 'and not once more');
});

await t.test('what is refused, not answered, or too late is an error, and not said again', async (t) => {
  const clock = new VirtualClock();
  const [own, server, next] = [new OwnAttributes(clock), new Server(), new Server()];
  own.attach(server);
  const denied = own.set({ a: '1' });
  own.onResponse(answer(server.last, RequestResponse_Reason.NOT_ALLOWED));
  await t.rejects(denied, { code: 'SLUICE_PERMISSION_DENIED', mend: /canUpdateOwnMetadata/ });
  const long = own.set({ b: '2' });
  own.onResponse(answer(server.last, RequestResponse_Reason.LIMIT_EXCEEDED));
  await t.rejects(long, { code: 'SLUICE_PUBLISH_FAILED', message: /too much/ });
  const lost = own.set({ c: '3' });
  clock.advance(10_000);
  await t.rejects(lost, { code: 'SLUICE_PUBLISH_FAILED', message: /in time/ });
  own.attach(next);
  t.strictSame(next.texts(), []);
  const left = own.set({ d: '4' });
  own.close();
  await t.rejects(left, { code: 'SLUICE_SESSION_CLOSED' });
  await t.rejects(own.set({ e: '5' }), { code: 'SLUICE_SESSION_CLOSED' });
});
