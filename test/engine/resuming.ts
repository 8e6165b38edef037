import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  DisconnectReason,
  JoinResponse,
  LeaveRequest,
  LeaveRequest_Action,
  ParticipantInfo,
  ParticipantUpdate,
  ReconnectResponse,
  Room,
  SignalRequest,
  SignalResponse,
} from '@livekit/protocol';
import t, { type Test } from 'tap';
import { type WebSocket, WebSocketServer } from 'ws';
import { LiveKitSignal, type SignalHandlers } from '../../src/engine/signalling/livekit.js';
import { VirtualClock } from '../../src/media/clock.js';

type Message = SignalResponse['message'];
const JOIN: Message = {
  case: 'join',
  value: new JoinResponse({
    room: new Room({ name: 'demo' }),
    participant: new ParticipantInfo({ sid: 'PA_me', identity: 'me' }),
    pingInterval: 5,
    pingTimeout: 15,
  }),
};
const BACK: Message = { case: 'reconnect', value: new ReconnectResponse() };
const update = (...sids: string[]): Message => ({
  case: 'update',
  value: new ParticipantUpdate({ participants: sids.map((sid) => new ParticipantInfo({ sid, identity: sid })) }),
});

/** A server whose every connection does what the test says, and a participant that has joined there. */
class Line {
  readonly clock = new VirtualClock();
  /** What the participant was told, in order. */
  readonly told: string[] = [];
  readonly sockets: WebSocket[] = [];
  /** Query and token of each connection. */
  readonly requests: { readonly query: URLSearchParams; readonly token: string }[] = [];
  /** Kinds of requests that came, in order. */
  readonly heard: string[] = [];
  readonly #server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  refused = 0;
  mayMove = false;
  mediaFlows = false;
  #answer: Message = JOIN;
  #accept = true;

  static async open(t: Test, more: { mayMove?: boolean } = {}): Promise<{ line: Line; signal: LiveKitSignal }> {
    const line = new Line();
    line.mayMove = more.mayMove ?? false;
    t.teardown(() => {
      line.close();
    });
    await once(line.#server, 'listening');
    line.#server.on('connection', (socket, request) => {
      if (!line.#accept) {
        line.refused++;
        socket.terminate();
        return;
      }
      line.sockets.push(socket);
      const query = new URL(request.url ?? '', 'ws://x').searchParams;
      line.requests.push({ query, token: request.headers.authorization ?? '' });
      socket.on('message', (data: Buffer) => {
        const { message } = SignalRequest.fromBinary(data);
        if (message.case !== undefined && message.case !== 'pingReq') line.heard.push(message.case);
      });
      line.say(line.#answer);
    });
    const { port } = line.#server.address() as AddressInfo;
    const options = {
      token: 'first',
      timeoutMs: 20_000,
      clock: line.clock,
      mayMove: line.mayMove,
      mediaFlows: () => line.mediaFlows,
      handlers: line.#handlers(),
    };
    const signal = await LiveKitSignal.connect({ url: `ws://127.0.0.1:${port}`, ...options });
    return { line, signal };
  }

  /** What the next connection is answered with; undefined: it is refused. */
  set answer(answer: Message | undefined) {
    this.#accept = answer !== undefined;
    if (answer) this.#answer = answer;
  }

  say(message: Message): void {
    this.sockets.at(-1)?.send(new SignalResponse({ message }).toBinary());
  }

  /** Ends the server. */
  close(): void {
    for (const socket of this.sockets) socket.terminate();
    this.#server.close();
  }

  cut(): void {
    this.sockets.at(-1)?.terminate();
  }

  /** Moves time on until the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      this.clock.advance(10);
    }
  }

  #handlers(): SignalHandlers {
    const { told } = this;
    const ignore = (): void => undefined;
    return {
      onOffer: ignore,
      onAnswer: ignore,
      onCandidate: ignore,
      onTrackPublished: ignore,
      onTrackUnpublished: ignore,
      onTrackMuted: ignore,
      onSpeakers: ignore,
      onSubscribedQuality: ignore,
      onRequestResponse: ignore,
      onParticipants: (participants, complete) => {
        told.push(`${complete ? 'all' : 'some'}: ${participants.map(({ sid }) => sid).join(' ')}`);
      },
      onResumed: () => told.push('resumed'),
      onEnd: ({ remedy, reason }) => told.push(`${remedy}: ${reason}`),
    };
  }
}

t.test('a connection that breaks is had again, as the same participant and with the newest token', async (t) => {
  const { line, signal } = await Line.open(t);
  line.say({ case: 'refreshToken', value: 'second' });
  line.say(update('PA_you'));
  await line.until(() => line.told.length === 1);
  line.answer = undefined;
  line.cut();
  await line.until(() => line.refused > 0);
  signal.updateTrackSettings('TR_x', { width: 640 });
  line.answer = BACK;
  await line.until(() => line.told.includes('resumed'));
  const [, again] = line.requests;
  t.match(again?.query.get('reconnect'), '1');
  t.equal(again?.query.get('sid'), 'PA_me');
  t.equal(again?.token, 'Bearer second');
  line.say(update('PA_other'));
  line.say(update('PA_me', 'PA_you'));
  line.say(update('PA_me', 'PA_late'));
  signal.updateTrackSettings('TR_y', { width: 320 });
  await line.until(() => line.told.length === 5 && line.heard.length === 2);
  t.same(
    line.told,
    ['some: PA_you', 'resumed', 'some: PA_other', 'all: PA_me PA_you', 'some: PA_me PA_late'],
    'the first news with oneself in it is of everyone',
  );
  t.same(line.heard, ['trackSetting', 'trackSetting'], 'what was said meanwhile is heard too');
  signal.close();
});

t.test('it is tried again while the server cannot be reached, and given up after some seconds', async (t) => {
  const { line } = await Line.open(t);
  line.answer = undefined;
  const brokenUs = line.clock.nowUs();
  line.cut();
  await line.until(() => line.told.length > 0);
  t.match(line.told, [/^elsewhere: the server closed the signalling connection/]);
  const seconds = (line.clock.nowUs() - brokenUs) / 1e6;
  t.ok(seconds <= 8.5, `${seconds} s`);
});

t.test('a server that does not know the participant any more has to be joined anew, at once', async (t) => {
  const { line } = await Line.open(t);
  line.answer = {
    case: 'leave',
    value: new LeaveRequest({ reason: DisconnectReason.STATE_MISMATCH, action: LeaveRequest_Action.RECONNECT }),
  };
  line.cut();
  await line.until(() => line.told.length > 0);
  t.match(line.told, [/^anew: .* did not take the participant back/]);
  t.equal(line.requests.length, 2);
});

t.test('a server may ask to come back', async (t) => {
  const { line, signal } = await Line.open(t);
  line.answer = BACK;
  line.say({ case: 'leave', value: new LeaveRequest({ action: LeaveRequest_Action.RESUME, canReconnect: true }) });
  await line.until(() => line.told.includes('resumed'));
  signal.close();
});

t.test('who leaves while away tries no more', async (t) => {
  const { line, signal } = await Line.open(t);
  line.answer = undefined;
  line.cut();
  await line.until(() => line.refused > 0);
  signal.close();
  line.answer = BACK;
  line.clock.advance(20_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.same(line.told, []);
  t.equal(line.requests.length, 1);
});

t.test('a server that is gone is given up soon', async (t) => {
  const { line } = await Line.open(t);
  const brokenUs = line.clock.nowUs();
  line.close();
  await line.until(() => line.told.length > 0);
  t.match(line.told, [/^elsewhere/]);
  const seconds = (line.clock.nowUs() - brokenUs) / 1e6;
  t.ok(seconds <= 2.5, `${seconds} s`);
});

t.test('where another server may have the session, one that is gone is given up at once', async (t) => {
  const { line } = await Line.open(t, { mayMove: true });
  const brokenUs = line.clock.nowUs();
  line.close();
  await line.until(() => line.told.length > 0);
  t.match(line.told, [/^elsewhere/]);
  const seconds = (line.clock.nowUs() - brokenUs) / 1e6;
  t.ok(seconds <= 0.2, `${seconds} s`);
});

t.test('one that cannot be reached is waited for as long as its media comes, and hardly without', async (t) => {
  const awayFor = async (mediaFlows: boolean): Promise<number> => {
    const { line } = await Line.open(t, { mayMove: true });
    line.mediaFlows = mediaFlows;
    line.answer = undefined;
    const brokenUs = line.clock.nowUs();
    line.cut();
    await line.until(() => line.told.length > 0);
    t.match(line.told, [/^elsewhere/]);
    return (line.clock.nowUs() - brokenUs) / 1e6;
  };
  const [patient, hasty] = [await awayFor(true), await awayFor(false)];
  t.ok(patient > 4 && patient < 8.5, `${patient} s with media`);
  t.ok(hasty < 2, `${hasty} s without`);
});

t.test(
  'one that does not answer a question is not asked to take the participant back, but where its media comes',
  async (t) => {
    for (const mediaFlows of [false, true]) {
      const { line, signal } = await Line.open(t, { mayMove: true });
      line.mediaFlows = mediaFlows;
      line.answer = BACK;
      const answers: boolean[] = [];
      signal.ask(1500, (answered) => {
        answers.push(answered);
        signal.presumeDead();
      });
      await line.until(() => line.told.length > 0);
      t.same(answers, [false]);
      t.match(line.told, [mediaFlows ? 'resumed' : /^elsewhere/]);
      t.equal(line.requests.length, mediaFlows ? 2 : 1);
      signal.close();
    }
  },
);

t.test('a server that says anything at all answers the question', async (t) => {
  const { line, signal } = await Line.open(t, { mayMove: true });
  const answers: boolean[] = [];
  signal.ask(1500, (answered) => answers.push(answered));
  line.say(update('PA_you'));
  await line.until(() => answers.length > 0);
  t.same(answers, [true]);
  signal.close();
});

t.test('what a goodbye means: to join anew, elsewhere, or nothing more', async (t) => {
  const { RECONNECT, DISCONNECT } = LeaveRequest_Action;
  for (const [reason, action, remedy] of [
    [DisconnectReason.SERVER_SHUTDOWN, RECONNECT, 'elsewhere'],
    [DisconnectReason.SERVER_SHUTDOWN, DISCONNECT, 'elsewhere'],
    [DisconnectReason.MIGRATION, RECONNECT, 'elsewhere'],
    [DisconnectReason.STATE_MISMATCH, RECONNECT, 'anew'],
    [DisconnectReason.MEDIA_FAILURE, RECONNECT, 'anew'],
    [DisconnectReason.PARTICIPANT_REMOVED, DISCONNECT, 'none'],
    [DisconnectReason.DUPLICATE_IDENTITY, DISCONNECT, 'none'],
  ] as const) {
    const { line } = await Line.open(t);
    line.say({ case: 'leave', value: new LeaveRequest({ reason, action }) });
    await line.until(() => line.told.length > 0);
    t.match(line.told[0], new RegExp(`^${remedy}: `));
  }
});
