import { setImmediate as turn } from 'node:timers/promises';
import {
  DataPacket,
  DataPacket_Kind,
  DataStream_Header,
  DataStream_TextHeader,
  Transcription,
  TranscriptionSegment,
  UserPacket,
} from '@livekit/protocol';
import t from 'tap';
import type { TransportDataChannel } from '../../src/engine/transport.js';
import { createCounters } from '../../src/server/counters.js';
import { DataChannels } from '../../src/server/data-channels.js';
import { VirtualClock } from '../../src/media/clock.js';
import { RawClient } from './raw-client.js';
import { type RunningServer, runServer } from './running-server.js';

async function joinWithData(server: RunningServer, identity: string, grants = {}): Promise<RawClient> {
  const client = await RawClient.join(server.url, await server.token(identity, { grants }));
  await client.publish([], { data: true });
  return client;
}

const userPacket = (text: string, fields: Partial<DataPacket> = {}, user: Partial<UserPacket> = {}): DataPacket =>
  new DataPacket({
    ...fields,
    value: { case: 'user', value: new UserPacket({ payload: Buffer.from(text), ...user }) },
  });

function send(client: RawClient, label: '_reliable' | '_lossy', packet: DataPacket | Buffer): void {
  client.channels.get(label)?.send(packet instanceof DataPacket ? Buffer.from(packet.toBinary()) : packet);
}

const received = (client: RawClient): DataPacket[] => client.data.map(({ bytes }) => DataPacket.fromBinary(bytes));
const userOf = ({ value }: DataPacket): UserPacket | undefined => (value.case === 'user' ? value.value : undefined);
const text = (packet: DataPacket): string => Buffer.from(userOf(packet)?.payload ?? []).toString();
const texts = (client: RawClient): string[] => received(client).map(text);

t.test('a packet has the name of its true sender, its topic, its number and its kind', async (t) => {
  const server = await runServer(t);
  const [ann, bob, ghost] = [
    await joinWithData(server, 'ann'),
    await joinWithData(server, 'bob'),
    await joinWithData(server, 'ghost', { hidden: true }),
  ];
  t.teardown(() => Promise.all([ann.close(), bob.close(), ghost.close()]));
  const forged = { participantIdentity: 'bob', participantSid: 'PA_x' };
  const packet = { ...forged, kind: DataPacket_Kind.LOSSY, sequence: 7 };
  send(ann, '_reliable', userPacket('hello', packet, { ...forged, topic: 'chat' }));
  await bob.until(() => bob.data.length === 1);
  const annSid = bob.responses[0]?.case === 'join' ? bob.responses[0].value.otherParticipants[0]?.sid : undefined;
  const sender = { participantIdentity: 'ann', participantSid: annSid };
  t.equal(bob.data[0]?.label, '_reliable');
  const [first] = received(bob);
  t.match(first, { ...sender, kind: DataPacket_Kind.RELIABLE, sequence: 7, destinationIdentities: [] });
  t.match(first && userOf(first), { ...sender, topic: 'chat', payload: Buffer.from('hello') });

  send(ann, '_lossy', userPacket('quick', { kind: DataPacket_Kind.RELIABLE }));
  await bob.until(() => bob.data.length === 2);
  t.equal(bob.data[1]?.label, '_lossy');
  t.match(received(bob)[1], { ...sender, kind: DataPacket_Kind.LOSSY });

  send(ghost, '_reliable', userPacket('boo', forged, forged));
  await bob.until(() => bob.data.length === 3);
  const nobody = { participantIdentity: '', participantSid: '' };
  t.match(received(bob)[2], { ...nobody, value: { value: nobody } }, 'someone hidden has no name');
  await ghost.until(() => ghost.data.length === 2);
  await ann.until(() => texts(ann).includes('boo'));
  t.same(texts(ann), ['boo'], 'nothing comes back to who sent it');
});

t.test('a packet comes to those it is for, who do not learn of each other', async (t) => {
  const server = await runServer(t);
  const [ann, bob, eve] = [
    await joinWithData(server, 'ann'),
    await joinWithData(server, 'bob'),
    await joinWithData(server, 'eve'),
  ];
  t.teardown(() => Promise.all([ann.close(), bob.close(), eve.close()]));
  const eveSid = eve.responses[0]?.case === 'join' ? (eve.responses[0].value.participant?.sid ?? '') : '';
  send(ann, '_reliable', userPacket('bob', { destinationIdentities: ['bob', 'nobody'] }));
  send(ann, '_reliable', userPacket('bob too', {}, { destinationIdentities: ['bob'] }));
  send(ann, '_reliable', userPacket('eve', {}, { destinationSids: [eveSid] }));
  send(ann, '_reliable', userPacket('ann', { destinationIdentities: ['ann'] }));
  send(ann, '_reliable', userPacket('all'));
  await bob.until(() => texts(bob).includes('all'));
  await eve.until(() => texts(eve).includes('all'));
  t.same(texts(bob), ['bob', 'bob too', 'all']);
  t.same(texts(eve), ['eve', 'all']);
  t.same(texts(ann), []);
  for (const packet of received(bob)) t.notMatch(packet, { destinationIdentities: [/./] });
});

t.test('what may not be sent is counted, by its reason, and goes no further', async (t) => {
  const server = await runServer(t);
  const [ann, bob, mute] = [
    await joinWithData(server, 'ann'),
    await joinWithData(server, 'bob'),
    await joinWithData(server, 'mute', { canPublishData: false }),
  ];
  t.teardown(() => Promise.all([ann.close(), bob.close(), mute.close()]));
  send(mute, '_reliable', userPacket('not granted'));
  send(ann, '_reliable', Buffer.from([0xff, 0xff, 0xff]));
  send(ann, '_reliable', new DataPacket());
  // Field 3: who speaks, which servers alone say.
  send(ann, '_reliable', Buffer.from([0x1a, 0x00]));
  const ofBob = new Transcription({ transcribedParticipantIdentity: 'bob' });
  send(ann, '_reliable', new DataPacket({ value: { case: 'transcription', value: ofBob } }));
  const segments = Array.from({ length: 65 }, () => new TranscriptionSegment({ text: 'x' }));
  send(ann, '_reliable', new DataPacket({ value: { case: 'transcription', value: new Transcription({ segments }) } }));
  send(ann, '_reliable', userPacket('x'.repeat(15 * 1024 + 1)));
  send(ann, '_reliable', Buffer.alloc(17 * 1024));
  send(ann, '_reliable', userPacket('five', { sequence: 5 }));
  send(ann, '_reliable', userPacket('five again', { sequence: 5 }));
  send(ann, '_reliable', userPacket('four', { sequence: 4 }));
  send(ann, '_reliable', userPacket('x'.repeat(15 * 1024), { sequence: 6 }));
  await bob.until(() => bob.data.length === 2);
  t.same(
    texts(bob).map((one) => one.slice(0, 5)),
    ['five', 'xxxxx'],
    'up to 15 KiB',
  );
  await mute.until(() => mute.data.length === 2);
  // What mute has sent comes by a connection of its own.
  while (server.service.stats().data.dropped.notGranted < 2) await turn();
  t.match(server.service.stats().data.dropped, {
    notGranted: 2,
    malformed: 1,
    unsupported: 2,
    tooLarge: 2,
    duplicate: 2,
  });
});

t.test('participants tell what they say themselves, agents what others say as well, in their name', async (t) => {
  const server = await runServer(t);
  const [ann, bob, ghost] = [
    await joinWithData(server, 'ann'),
    await joinWithData(server, 'bob'),
    await joinWithData(server, 'ghost', { hidden: true }),
  ];
  const art = await RawClient.join(server.url, await server.token('art', { kind: 'agent' }));
  await art.publish([], { data: true });
  t.teardown(() => Promise.all([ann.close(), bob.close(), ghost.close(), art.close()]));
  const say = (client: RawClient, transcribedParticipantIdentity: string, id: string): void => {
    const value = new Transcription({ transcribedParticipantIdentity, segments: [new TranscriptionSegment({ id })] });
    send(client, '_reliable', new DataPacket({ participantIdentity: 'bob', value: { case: 'transcription', value } }));
  };
  const stream = (client: RawClient, participantIdentity: string, id: string): void => {
    const value = new DataStream_Header({
      streamId: id,
      contentHeader: { case: 'textHeader', value: new DataStream_TextHeader() },
    });
    send(client, '_reliable', new DataPacket({ participantIdentity, value: { case: 'streamHeader', value } }));
  };
  say(ann, '', '1');
  say(ann, 'bob', 'forged');
  say(ann, 'ann', '2');
  stream(ann, 'bob', '3');
  await bob.until(() => bob.data.length === 3);
  say(ghost, '', 'no name');
  say(ghost, 'ghost', 'hidden');
  send(ghost, '_reliable', userPacket('done'));
  await bob.until(() => bob.data.length === 4);
  say(art, 'ann', '4');
  stream(art, 'ann', '5');
  stream(art, '', '6');
  await bob.until(() => bob.data.length === 7);
  const told = received(bob).map(({ participantIdentity: from, value }) => {
    if (value.case === 'transcription') {
      return `${from}: ${value.value.transcribedParticipantIdentity} said ${value.value.segments[0]?.id}`;
    }
    if (value.case !== 'streamHeader' || value.value.contentHeader.case !== 'textHeader')
      return `${from}: ${value.case}`;
    return `${from}: stream ${value.value.streamId}${value.value.contentHeader.value.generated ? ', made' : ''}`;
  });
  t.strictSame(told, [
    'ann: ann said 1',
    'ann: ann said 2',
    'ann: stream 3',
    ': user',
    'art: ann said 4',
    'ann: stream 5, made',
    'art: stream 6',
  ]);
  t.equal(server.service.stats().data.dropped.notGranted, 3);
});

t.test('reliable packets wait for who has joined and is not connected yet', async (t) => {
  const server = await runServer(t);
  const ann = await joinWithData(server, 'ann');
  const bob = await RawClient.join(server.url, await server.token('bob'));
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  for (const n of ['one', 'two', 'three']) send(ann, '_reliable', userPacket(n));
  const eve = await joinWithData(server, 'eve');
  t.teardown(() => eve.close());
  send(ann, '_reliable', userPacket('four'));
  await eve.until(() => texts(eve).includes('four'));
  await bob.publish([], { data: true });
  await bob.until(() => bob.data.length === 4);
  t.same(texts(bob), ['one', 'two', 'three', 'four']);
});

/** A channel of a client that takes nothing. */
class StuckChannel implements TransportDataChannel {
  readonly label: string;
  open = true;
  bufferedAmount = 0;
  sent = 0;
  onMessage: ((data: Buffer) => void) | undefined;
  onOpen: (() => void) | undefined;
  onRoom: (() => void) | undefined;
  onClosed: (() => void) | undefined;

  constructor(label: string) {
    this.label = label;
  }

  send(data: Buffer): boolean {
    this.bufferedAmount += data.length;
    this.sent++;
    return true;
  }

  close(): void {
    this.open = false;
  }
}

function channelsOf(clock = new VirtualClock()) {
  const counters = createCounters();
  const overflows: string[] = [];
  const packets: string[] = [];
  const data = new DataChannels(
    { clock, counters },
    { onPacket: (kind) => packets.push(kind), onOverflow: (reason) => overflows.push(reason) },
  );
  return { clock, counters: counters.data, overflows, packets, data };
}

t.test('a receiver that takes nothing loses lossy packets, and is let go before reliable ones fill the memory', (t) => {
  const { data, counters, overflows } = channelsOf();
  const [reliable, lossy] = [new StuckChannel('_reliable'), new StuckChannel('_lossy')];
  data.adopt(reliable);
  data.adopt(lossy);
  const packet = Buffer.alloc(16 * 1024);
  for (let i = 0; i < 1000; i++) data.send('lossy', packet);
  t.same([lossy.sent, counters.dropped.backlog], [4, 996]);
  t.same(overflows, []);
  for (let i = 0; i < 1000; i++) data.send('reliable', packet);
  t.equal(reliable.sent, 512, 'eight MiB');
  t.same(overflows, ['it does not take the data it is sent'], 'once');
  t.end();
});

t.test('who sends too many packets loses the lossy ones, and is let go for the reliable ones', (t) => {
  const { data, clock, counters, overflows, packets } = channelsOf();
  const [reliable, lossy] = [new StuckChannel('_reliable'), new StuckChannel('_lossy')];
  data.adopt(reliable);
  data.adopt(lossy);
  for (let i = 0; i < 30_000; i++) lossy.onMessage?.(Buffer.alloc(1));
  t.same([packets.length, counters.dropped.rate, overflows], [20_000, 10_000, []]);
  clock.advance(1000);
  for (let i = 0; i < 5_000; i++) reliable.onMessage?.(Buffer.alloc(1));
  t.same([packets.length, overflows], [25_000, []], 'five thousand a second');
  reliable.onMessage?.(Buffer.alloc(1));
  reliable.onMessage?.(Buffer.alloc(1));
  t.same([packets.length, overflows.length], [25_000, 1]);
  t.end();
});

t.test('what waits for a channel is bounded, by number, size and time', (t) => {
  const { data, clock, counters } = channelsOf();
  for (let i = 0; i < 200; i++) data.send('reliable', Buffer.alloc(100));
  t.equal(counters.dropped.noChannel, 200 - 128);
  for (let i = 0; i < 20; i++) data.send('reliable', Buffer.alloc(16 * 1024));
  data.send('lossy', Buffer.alloc(1));
  t.equal(counters.dropped.noChannel, 220 - 4 + 1);
  clock.advance(6000);
  data.send('reliable', Buffer.from('new'));
  clock.advance(6000);
  const late = new StuckChannel('_reliable');
  data.adopt(new StuckChannel('_other'));
  data.adopt(late);
  t.same([late.sent, late.bufferedAmount], [1, 3], 'the others are older than ten seconds');
  late.onClosed?.();
  data.send('reliable', Buffer.alloc(1));
  t.equal(late.sent, 1);
  t.end();
});
