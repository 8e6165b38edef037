import { createSocket } from 'node:dgram';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  DataPacket,
  DataStream_Chunk,
  JoinRequest,
  ConnectionSettings,
  Ping,
  SessionDescription,
  SignalRequest,
  SubscriptionPermission,
  SyncState,
  TrackPermission,
  TrackSource,
  TrackType,
  TrickleRequest,
  UpdateParticipantMetadata,
  UpdateSubscription,
  UpdateTrackSettings,
  UserPacket,
  VideoQuality,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
  AddTrackRequest,
  MuteTrackRequest,
  LeaveRequest,
} from '@livekit/protocol';
import t from 'tap';
import { WebSocket } from 'ws';
import { OFFERED_PAYLOAD_TYPES } from '../../src/engine/sdp/offer.js';
import { Random, fuzzDatagram, fuzzProtobuf, fuzzRtcp, fuzzRtp } from './fuzz-source.js';
import { RawClient } from './raw-client.js';
import { RtpSource, rtpOf } from './rtp-source.js';
import { type RunningServer, runServer } from './running-server.js';

const SEED = 20_251_122;
const TIMEOUT_MS = 120_000;
/** What the quietest of some rounds may leave behind in JavaScript's memory, in bytes; what comes in a round is more. */
const MAX_GROWTH_BYTES = 200_000;
const ROUNDS = 5;
const { opus, vp8, vp8Rtx } = OFFERED_PAYLOAD_TYPES;
const microphone = { cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE };
const camera = { cid: 'cam', type: TrackType.VIDEO, source: TrackSource.CAMERA };

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function heapBytes(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** Ann speaks and bob listens, whatever others do: a word every 10 ms, each with its number. */
class Conversation {
  readonly server: RunningServer;
  readonly ann: RawClient;
  readonly bob: RawClient;
  readonly #voice: RtpSource;
  readonly #timer: NodeJS.Timeout;
  readonly #heard: number[] = [];
  #spoken = 0;

  private constructor(server: RunningServer, ann: RawClient, bob: RawClient) {
    this.server = server;
    this.ann = ann;
    this.bob = bob;
    this.#voice = new RtpSource((packet) => ann.publisher?.send(packet), { mid: '0', ssrc: 77, payloadType: opus });
    this.#timer = setInterval(() => {
      this.#voice.send(Buffer.from(`word ${this.#spoken++}`));
    }, 10);
  }

  static async start(server: RunningServer): Promise<Conversation> {
    const ann = await RawClient.join(server.url, await server.token('ann'));
    const bob = await RawClient.join(server.url, await server.token('bob'), '&auto_subscribe=0');
    const track = { kind: 'audio', codec: 'opus', payloadType: opus, ssrc: 77 } as const;
    const trackSids = await ann.publish([{ request: microphone, track }]);
    bob.send('subscription', new UpdateSubscription({ trackSids, subscribe: true }));
    await bob.subscribe();
    const conversation = new Conversation(server, ann, bob);
    await bob.packets(5);
    return conversation;
  }

  /** The least that one of several rounds leaves behind in memory: what grows with what comes grows in each of them. */
  async growth(round: () => Promise<void>): Promise<number> {
    const levels: number[] = [];
    for (let i = 0; i <= ROUNDS; i++) {
      await round();
      this.#listen();
      levels.push(await heapBytes());
    }
    return Math.min(...levels.slice(1).map((level, i) => level - (levels[i] ?? 0)));
  }

  /** Checks that what was said came, in its order, and nothing else; a datagram in fifty may be lost on a busy machine. */
  check(t: { ok(value: unknown, message: string): unknown }): void {
    this.#listen();
    const numbers = this.#heard;
    const inOrder = numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? 0));
    t.ok(inOrder, 'every packet is a word, and the words come in their order');
    const expected = (numbers.at(-1) ?? 0) - (numbers[0] ?? 0) + 1;
    const lost = expected - numbers.length;
    t.ok(
      lost <= expected / 50 && this.#spoken - (numbers.at(-1) ?? 0) < 20,
      `${lost} of ${expected} words are missing`,
    );
    this.bob.received.splice(0, this.bob.received.length);
  }

  /** Keeps what was heard as numbers, and nothing of what came. */
  #listen(): void {
    for (const packet of this.bob.received) this.#heard.push(Number(/^word (\d+)$/.exec(rtpOf(packet).text)?.[1]));
    this.bob.received.length = 0;
    for (const client of [this.ann, this.bob]) client.responses.length = 0;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.ann.close(), this.bob.close()]);
  }
}

t.test('strangers who send anything to the media port are not heard', { timeout: TIMEOUT_MS }, async (t) => {
  const server = await runServer(t, { logLevel: 'silent' });
  const conversation = await Conversation.start(server);
  t.teardown(() => conversation.close());
  const random = new Random(SEED);
  const sockets = Array.from({ length: 8 }, () => createSocket('udp4'));
  t.teardown(() => {
    for (const socket of sockets) socket.close();
  });
  const round = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      random.pick(sockets).send(fuzzDatagram(random), server.service.info.udpPort, '127.0.0.1');
      if (i % 20 === 19) await pause();
    }
  };
  const grown = await conversation.growth(() => round(1_700));
  t.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes more in memory`);
  conversation.check(t);
  t.ok(server.service.stats().media.strangerRequests > 0, 'requests to connect are counted');
  const eve = await RawClient.join(server.url, await server.token('eve'));
  t.teardown(() => eve.close());
  const track = { kind: 'audio', codec: 'opus', payloadType: opus, ssrc: 5 } as const;
  await eve.publish([{ request: microphone, track }]);
  t.equal(eve.publisher?.state, 'connected', 'and others can connect');
});

t.test('a participant who sends anything as media harms nobody', { timeout: TIMEOUT_MS }, async (t) => {
  const server = await runServer(t, { logLevel: 'silent' });
  const conversation = await Conversation.start(server);
  const eve = await RawClient.join(server.url, await server.token('eve'));
  t.teardown(() => Promise.all([conversation.close(), eve.close()]));
  // Receives all there is, so that what others send is forwarded, and answers with feedback that means nothing.
  const victim = await eve.subscribe();
  const rtx = { rtxPayloadType: vp8Rtx, rtxSsrc: 89 };
  await eve.publish([
    { request: microphone, track: { kind: 'audio', codec: 'opus', payloadType: opus, ssrc: 87 } },
    { request: camera, track: { kind: 'video', codec: 'vp8', payloadType: vp8, ssrc: 88, ...rtx } },
  ]);
  const carl = await RawClient.join(server.url, await server.token('carl'));
  t.teardown(() => carl.close());
  await carl.subscribe();
  const random = new Random(SEED + 1);
  const fixed = { ssrcs: [87, 88, 89, 90, 91], payloadTypes: [opus, vp8, vp8Rtx, 99] };
  await eve.until(() => eve.received.length > 0);
  const round = async (count: number): Promise<void> => {
    const sent = eve.received.map((packet) => rtpOf(packet).ssrc);
    for (let i = 0; i < count; i++) {
      if (random.chance(60)) eve.publisher?.send(fuzzRtp(random, random.chance(90) ? fixed : undefined));
      else if (random.chance(50)) eve.publisher?.send(fuzzRtcp(random, fixed.ssrcs));
      else victim.send(fuzzRtcp(random, sent.slice(-3)));
      if (i % 20 === 19) await pause();
    }
    for (const client of [eve, carl]) client.received.length = client.responses.length = 0;
  };
  const grown = await conversation.growth(() => round(1_700));
  t.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes more in memory`);
  conversation.check(t);
  const { media } = server.service.stats();
  t.ok(media.packetsReceived > 4_000 && media.packetsDiscarded > 500, JSON.stringify(media));
  t.equal(eve.publisher?.state, 'connected', 'what cannot be understood is dropped, and nothing else');
});

const SAMPLES = [
  { case: 'addTrack', value: new AddTrackRequest({ ...microphone, cid: 'x', name: 'voice', layers: [{ width: 1 }] }) },
  {
    case: 'offer',
    value: new SessionDescription({ type: 'offer', id: 3, sdp: 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\n' }),
  },
  { case: 'answer', value: new SessionDescription({ type: 'answer', sdp: 'v=0' }) },
  {
    case: 'trickle',
    value: new TrickleRequest({ candidateInit: '{"candidate":"candidate:1 1 udp 1 1.2.3.4 5 typ host"}' }),
  },
  { case: 'mute', value: new MuteTrackRequest({ sid: 'TR_x', muted: true }) },
  {
    case: 'subscription',
    value: new UpdateSubscription({ trackSids: ['TR_x'], subscribe: true, participantTracks: [{}] }),
  },
  {
    case: 'trackSetting',
    value: new UpdateTrackSettings({ trackSids: ['TR_x'], width: 7, quality: VideoQuality.HIGH, fps: 9 }),
  },
  { case: 'subscriptionPermission', value: new SubscriptionPermission({ trackPermissions: [new TrackPermission()] }) },
  {
    case: 'updateMetadata',
    value: new UpdateParticipantMetadata({ name: 'n', metadata: 'm', attributes: { a: 'b' } }),
  },
  { case: 'syncState', value: new SyncState({ subscription: { trackSids: ['x'] }, publishTracks: [{ cid: 'x' }] }) },
  { case: 'pingReq', value: new Ping({ timestamp: 1n, rtt: 2n }) },
  { case: 'ping', value: 3n },
  { case: 'leave', value: new LeaveRequest() },
].map((message) => new SignalRequest({ message } as never).toBinary());

/** What was sent before has been looked at: the server answers a ping, or has closed. */
async function answered({ socket, closed }: RawClient): Promise<void> {
  socket.ping();
  await Promise.race([closed, new Promise((resolve) => socket.once('pong', resolve))]);
}

t.test('a participant whose messages are anything harms nobody', { timeout: TIMEOUT_MS }, async (t) => {
  const server = await runServer(t, { logLevel: 'silent' });
  const conversation = await Conversation.start(server);
  t.teardown(() => conversation.close());
  const send = async (count: number, identity: string, random: Random): Promise<void> => {
    const token = await server.token(identity, { grants: { canUpdateOwnMetadata: true } });
    let eve: RawClient | undefined;
    for (let i = 0; i < count; i++) {
      if (eve?.socket.readyState !== WebSocket.OPEN) {
        await eve?.close();
        eve = await RawClient.join(server.url, token);
      }
      eve.socket.send(fuzzProtobuf(random, SAMPLES));
      await answered(eve);
    }
    await eve?.close();
  };
  const randoms = [2, 3, 4, 5].map((n) => new Random(SEED + n));
  const round = async (count: number): Promise<void> => {
    await Promise.all(randoms.map((random, i) => send(count / randoms.length, `eve ${i}`, random)));
  };
  const grown = await conversation.growth(() => round(336));
  t.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes more in memory`);
  conversation.check(t);
  const { signalling } = server.service.stats();
  t.ok(signalling.messages > 1_000 && signalling.undecodable > 100, JSON.stringify(signalling));
});

t.test(
  'data packets and requests to join that are anything are counted, and harm nobody',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const server = await runServer(t, { logLevel: 'silent' });
    const conversation = await Conversation.start(server);
    const eve = await RawClient.join(server.url, await server.token('eve'));
    t.teardown(() => Promise.all([conversation.close(), eve.close()]));
    await eve.publish([], { data: true });
    const random = new Random(SEED + 3);
    const user = new UserPacket({ payload: Buffer.from('hello'), topic: 't', destinationIdentities: ['bob'] });
    const chunk = new DataStream_Chunk({ streamId: 's', content: Buffer.alloc(50) });
    const packets = [
      new DataPacket({ value: { case: 'user', value: user }, sequence: 3 }).toBinary(),
      new DataPacket({ value: { case: 'streamChunk', value: chunk }, destinationIdentities: ['ann'] }).toBinary(),
    ];
    const settings = new ConnectionSettings({ autoSubscribe: true });
    const joins = [new JoinRequest({ connectionSettings: settings, metadata: 'm', addTrackRequests: [{}] }).toBinary()];
    const wrapped = joins.map((joinRequest) =>
      new WrappedJoinRequest({ joinRequest, compression: WrappedJoinRequest_Compression.GZIP }).toBinary(),
    );
    const token = await server.token('joiner');
    const round = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        eve.channels.get(random.pick(['_reliable', '_lossy']))?.send(fuzzProtobuf(random, packets));
        if (i % 10 !== 9) continue;
        const joinRequest = fuzzProtobuf(random, joins);
        const whole = random.chance(50) ? new WrappedJoinRequest({ joinRequest }).toBinary() : undefined;
        const packed = Buffer.from(whole ?? fuzzProtobuf(random, wrapped)).toString('base64url');
        const response = await fetch(`${server.httpUrl}/rtc/v1/validate?access_token=${token}&join_request=${packed}`);
        if (response.status >= 500) throw new Error(`a request to join was answered with ${response.status}`);
        await response.text();
      }
    };
    const grown = await conversation.growth(() => round(510));
    t.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes more in memory`);
    conversation.check(t);
    const { dropped, packetsReceived } = server.service.stats().data;
    t.ok(packetsReceived > 2_500 && dropped.malformed > 300 && dropped.unsupported > 0, JSON.stringify(dropped));
  },
);
