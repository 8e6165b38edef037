import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import t from 'tap';
import { systemClock } from '../../src/media/clock.js';
import type { MediaValue } from '../../src/media/media-value.js';
import { parseOptions, portsOf, type NodeContext, type NodeDef, type NodePorts } from '../../src/media/node.js';
import type { StreamInfo } from '../../src/media/session-access.js';
import { publisher } from '../../src/nodes/publisher.js';
import { sessionAudio } from '../../src/nodes/session-audio.js';
import { subscriber } from '../../src/nodes/subscriber.js';
import type { Session } from '../../src/session/session.js';
import { join, streamState, turns, type FakeEngine } from './fake-engine.js';
import { opusPacket, picture, ramp, vp8Frame } from './media.js';

interface Room {
  readonly session: Session;
  readonly engine: FakeEngine;
  readonly dropped: string[];
  readonly abort: AbortController;
  make(def: NodeDef, options?: object, branch?: StreamInfo): Promise<NodePorts>;
  readonly context: NodeContext;
}

async function room(): Promise<Room> {
  const { session, engine } = await join();
  const dropped: string[] = [];
  const abort = new AbortController();
  const quiet = (): void => undefined;
  const context: NodeContext = {
    id: 'n',
    clock: systemClock,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    signal: abort.signal,
    baseDir: '.',
    session: () => session,
    given: { input: () => new Readable(), output: () => new Writable() },
    dropped: (reason, count = 1) => dropped.push(...Array<string>(count).fill(reason)),
    measured: quiet,
    progress: quiet,
  };
  const make = async (def: NodeDef, options: object = {}, branch?: StreamInfo): Promise<NodePorts> => {
    const parsed = parseOptions(def, { session: 'room', ...options });
    return (await def.create(parsed, branch ? { ...context, branch } : context)) as NodePorts;
  };
  return { session, engine, dropped, abort, make, context };
}

function collect(readable: Readable): MediaValue[] {
  const values: MediaValue[] = [];
  readable.on('data', (value: MediaValue) => values.push(value));
  return values;
}

t.test('nodes of a session', async (t) => {
  await t.test('session-audio gives the mix in the format of its options', async (t) => {
    const { engine, context, session } = await room();
    const options = parseOptions(sessionAudio, { session: 'room', sampleRate: 16_000, channels: 1 });
    t.strictSame(portsOf(sessionAudio, options).outputs[0]!.formats, [
      { kind: 'audio', sampleRate: 16_000, numberOfChannels: 1 },
    ]);
    const values = collect(sessionAudio.create(options, context) as Readable);
    await turns();
    t.match(engine.readers[0]!.args, { audioFormat: { sampleRate: 16_000, numberOfChannels: 1 } });
    engine.give(engine.readers[0]!, ramp(20, { sampleRate: 16_000, numberOfChannels: 1 }));
    t.equal(values.length, 1);
    await session.disconnect();
  });

  await t.test('publisher publishes what its ports say, and unpublishes when both have ended', async (t) => {
    const { engine, make } = await room();
    const options = {
      name: 'Bot',
      video: true,
      width: 320,
      height: 240,
      fps: 10,
      codec: 'h264',
      sampleRate: 16_000,
      channels: 1,
      bufferMs: 200,
    };
    const ports = portsOf(publisher, parseOptions(publisher, { session: 'room', ...options }));
    t.strictSame(
      ports.inputs.map(({ name, formats }) => [name, formats[0]]),
      [
        ['audio', { kind: 'audio', sampleRate: 16_000, numberOfChannels: 1 }],
        ['video', { kind: 'video', format: 'YUV420P', width: 320, height: 240, frameRate: 10 }],
      ],
    );
    const node = await make(publisher, options);
    const { args } = engine.publishers[0]!;
    t.match(args, {
      name: 'Bot',
      width: 320,
      height: 240,
      fps: 10,
      videoCodec: 'h264',
      audio: { sampleRate: 16_000, numberOfChannels: 1 },
    });
    const played = engine.publishers[0]!;
    const [audio, video] = [node.input!('audio'), node.input!('video')];
    const done = Promise.all([
      pipeline(Readable.from([ramp(20, { sampleRate: 16_000, numberOfChannels: 1 })]), audio),
      pipeline(Readable.from([picture(1, { width: 320, height: 240 })]), video),
    ]);
    await turns();
    t.equal(played.closed, false);
    played.play('audio', 20);
    played.play('video', 100);
    await done;
    await node.close!();
    t.equal(played.closed, true);
  });

  await t.test('captions have a port of their own, where they are asked for', async (t) => {
    const { engine, make, session } = await room();
    const formats = [{ kind: 'captions' }];
    const options = { session: 'room', captions: true };
    const { inputs } = portsOf(publisher, parseOptions(publisher, options));
    const { outputs } = portsOf(subscriber, parseOptions(subscriber, options));
    for (const ports of [inputs, outputs]) t.match(ports.at(-1), { name: 'captions', formats });
    const node = await make(publisher, { captions: true });
    const input = node.input!('captions');
    input.write({ kind: 'captions', text: 'said', isFinal: true });
    t.match(engine.publishers[0]!.captions, [{ text: 'said' }]);
    for (const stream of [input, node.input!('audio')]) stream.end();
    await node.close!();

    engine.tell('streamReceived', { stream: streamState('ann') });
    const ann = session.streams.get('s-ann')!;
    const said = { kind: 'captions', text: 'heard', isFinal: true } as const;
    for (const options of [{ streams: 'each' }, { streams: 'ann' }]) {
      const made = await make(subscriber, { captions: true, media: 'audio', ...options }, ann);
      const values = collect(made.output!('captions'));
      await turns();
      const reader = engine.readers.at(-1)!;
      t.strictSame([reader.credit.audio, reader.credit.captions], [0, 8], 'only they are read');
      engine.caption(reader, said);
      t.strictSame(values, [said]);
      await made.close?.();
    }
  });

  await t.test('publisher is muted while the stream of its branch is, where it is asked to be', async (t) => {
    const { engine, context, session } = await room();
    engine.tell('streamReceived', { stream: streamState('ann', { hasAudio: true, hasVideo: false }) });
    const ann = session.streams.get('s-ann')!;
    const listeners: ((stream: StreamInfo) => void)[] = [];
    const branched: NodeContext = {
      ...context,
      branch: ann,
      onBranchUpdated: (listener) => listeners.push(listener),
    };
    for (const muteWithSource of [true, false]) {
      const options = parseOptions(publisher, { session: 'room', video: true, muteWithSource });
      await publisher.create(options, branched);
    }
    for (const has of [{ hasVideo: true }, { hasAudio: false }, {}]) {
      engine.tell('streamUpdated', { stream: streamState('ann', { hasAudio: true, hasVideo: true, ...has }) });
      for (const listener of listeners) listener(ann);
    }
    t.strictSame(
      engine.publishers.map(({ mutes }) => mutes),
      [['video off', 'video on', 'audio off', 'audio on'], []],
    );
  });

  await t.test('publisher fails its inputs when the engine fails, and closes without them', async (t) => {
    const { engine, make } = await room();
    const node = await make(publisher, { video: true });
    const failed = t.rejects(finished(node.input!('audio')), { code: 'SLUICE_CODEC_FAILED' });
    const { args } = engine.publishers[0]!;
    engine.emit('publisherError', {
      publisher: args.publisher,
      error: { code: 'SLUICE_CODEC_FAILED', message: 'broke' },
    });
    await failed;
    await node.close!();
    const unused = await make(publisher);
    await unused.close!();
    t.equal(engine.publishers[1]!.closed, true);
  });

  await t.test(
    'subscriber of each stream announces those that have what is asked for, until the graph stops',
    async (t) => {
      const { engine, abort, context } = await room();
      const options = parseOptions(subscriber, { session: 'room', media: 'audio' });
      t.equal(subscriber.branches!(options), true);
      engine.tell('streamReceived', { stream: streamState('ann') });
      const told: string[] = [];
      const watching = subscriber.watch!(options, context, {
        began: ({ name }) => told.push(`+${name}`),
        updated: ({ name, hasAudio }) => told.push(`${name} ${hasAudio ? 'speaks' : 'is muted'}`),
        ended: (streamId) => told.push(`-${streamId}`),
      });
      engine.tell('streamReceived', { stream: streamState('bob', { hasAudio: false }) });
      engine.tell('streamReceived', { stream: streamState('cid') });
      engine.tell('streamUpdated', { stream: streamState('bob') });
      for (const hasAudio of [false, true]) engine.tell('streamUpdated', { stream: streamState('cid', { hasAudio }) });
      engine.tell('streamReceived', { stream: streamState('eve', { hasAudio: false }) });
      engine.tell('streamDropped', { streamId: 's-eve' });
      engine.tell('streamDropped', { streamId: 's-ann' });
      abort.abort();
      await watching;
      engine.tell('streamReceived', { stream: streamState('dan') });
      engine.tell('streamUpdated', { stream: streamState('eve') });
      t.strictSame(
        told,
        ['+ann', '+cid', '+bob', 'cid is muted', 'cid speaks', '-s-ann'],
        'who was muted when they came is announced when they speak',
      );
    },
  );

  await t.test('subscriber of each stream leaves out those that are not asked for, until they are', async (t) => {
    const { engine, abort, context } = await room();
    const only = { name: ['a*', 'bob'], metadata: '*guest*' };
    const options = parseOptions(subscriber, { session: 'room', only });
    const told: string[] = [];
    const watching = subscriber.watch!(options, context, {
      began: ({ name }) => told.push(`+${name}`),
      updated: () => undefined,
      ended: (streamId) => told.push(`-${streamId}`),
    });
    const come = (event: 'streamReceived' | 'streamUpdated', name: string, data: string): void => {
      const state = streamState(name);
      engine.tell(event, { stream: { ...state, connection: { ...state.connection, data } } });
    };
    come('streamReceived', 'ann', 'role: guest');
    come('streamReceived', 'abe', 'role: host');
    come('streamReceived', 'cid', 'role: guest');
    come('streamReceived', 'bob', 'guest');
    engine.tell('streamDropped', { streamId: 's-cid' });
    engine.tell('streamDropped', { streamId: 's-ann' });
    come('streamUpdated', 'abe', 'now a guest');
    abort.abort();
    await watching;
    t.strictSame(told, ['+ann', '+bob', '-s-ann', '+abe']);
    t.throws(() => parseOptions(subscriber, { session: 'room', streams: 'speaker', only }), {
      code: 'SLUICE_CONFIG_INVALID',
      message: /filtered/,
    });
  });

  await t.test('subscriber of a branch gives its stream, only what is linked', async (t) => {
    const { engine, make, session, dropped } = await room();
    engine.tell('streamReceived', { stream: streamState('ann') });
    const node = await make(subscriber, { encoded: true, maxLagMs: 100 }, session.streams.get('s-ann'));
    const values = collect(node.output!('audio'));
    await turns();
    const reader = engine.readers[0]!;
    t.match(reader.args, { streamId: 's-ann', encoded: true, maxLagMs: 100 });
    t.ok(engine.give(reader, opusPacket(1)));
    t.equal(engine.give(reader, vp8Frame('key', 1)), false, 'video is not linked');
    engine.emit('overflow', { reader: reader.args.reader, kind: 'audio', values: 2, durationUs: 40_000 });
    t.strictSame([values.length, dropped], [1, ['reader too slow', 'reader too slow']]);
    await node.close!();
    await turns();
    t.equal(reader.closed, true);
  });

  await t.test('a branch whose stream has gone meanwhile ends at once', async (t) => {
    const { engine, make, session } = await room();
    engine.tell('streamReceived', { stream: streamState('ann') });
    const stream = session.streams.get('s-ann')!;
    engine.tell('streamDropped', { streamId: 's-ann' });
    const node = await make(subscriber, {}, stream);
    t.strictSame(await node.output!('audio').toArray(), []);
  });

  await t.test('subscriber of the speaker takes the first stream while nobody spoke, then who speaks', async (t) => {
    const { engine, make, session } = await room();
    const node = await make(subscriber, { streams: 'speaker', media: 'audio' });
    const output = node.output!('audio');
    const values = collect(output);
    await turns();
    t.equal(engine.readers.length, 0, 'nobody is there');
    engine.tell('streamReceived', { stream: streamState('mute', { hasAudio: false }) });
    engine.tell('streamReceived', { stream: streamState('ann') });
    engine.tell('streamReceived', { stream: streamState('bob') });
    await turns();
    const [ann] = engine.readers;
    t.match(ann!.args, { streamId: 's-ann', audio: true, video: false });
    engine.give(ann!, ramp(20, { first: 1, timestamp: 1000 }));
    engine.tell('speakerChanged', { streamId: 's-bob' });
    await turns();
    const bob = engine.readers[1]!;
    t.equal(bob.args.streamId, 's-bob');
    engine.give(ann!, ramp(20, { first: 2, timestamp: 21_000 }));
    engine.give(bob, ramp(20, { first: 3, timestamp: 20_000 }));
    engine.give(bob, ramp(20, { first: 4, timestamp: 40_000 }));
    engine.tell('speakerChanged', {});
    await turns();
    t.strictSame([ann!.closed, bob.closed], [true, false], 'stays with who spoke last');
    t.strictSame(
      values.map((value) => value.data[0]),
      [1, 2, 3, 4],
    );
    t.strictSame(
      values.map(({ timestamp }) => timestamp),
      [1000, 21_000, 21_000, 41_000],
      'time does not go back',
    );
    engine.tell('streamDropped', { streamId: 's-bob' });
    engine.emit('readerEnd', { reader: bob.args.reader });
    await turns();
    t.match(engine.readers[2]!.args, { streamId: 's-ann' }, 'when the speaker leaves, the next');
    const ended = once(output, 'end');
    await session.disconnect();
    await ended;
  });

  await t.test('encoded video of the speaker switches at a key frame, which is asked for', async (t) => {
    const { engine, make, dropped } = await room();
    const node = await make(subscriber, { streams: 'speaker', media: 'video', encoded: true });
    const values = collect(node.output!('video'));
    for (const name of ['ann', 'bob']) engine.tell('streamReceived', { stream: streamState(name) });
    await turns();
    const ann = engine.readers[0]!;
    engine.give(ann, vp8Frame('key', 1));
    engine.tell('speakerChanged', { streamId: 's-bob' });
    await turns();
    const bob = engine.readers[1]!;
    t.equal(bob.keyFrameRequests, 1);
    engine.give(ann, vp8Frame('delta', 2));
    engine.give(bob, vp8Frame('delta', 90));
    engine.give(ann, vp8Frame('delta', 3));
    t.equal(ann.closed, false, 'the old picture goes on until then');
    engine.give(bob, vp8Frame('key', 4));
    await turns();
    engine.give(bob, vp8Frame('delta', 5));
    t.strictSame(
      values.map((value) => value.data[2]),
      [1, 2, 3, 4, 5],
    );
    t.strictSame([ann.closed, dropped], [true, ['waiting for a key frame']]);
    t.equal(
      engine.readers.every(({ args }) => !args.audio),
      true,
    );
  });

  await t.test('subscriber by name waits for the stream of that name', async (t) => {
    const { engine, make } = await room();
    const node = await make(subscriber, { streams: 'bob', media: 'audio' });
    const output = node.output!('audio');
    collect(output);
    engine.tell('streamReceived', { stream: streamState('ann') });
    await turns();
    t.equal(engine.readers.length, 0);
    engine.tell('streamReceived', { stream: streamState('bob') });
    engine.tell('speakerChanged', { streamId: 's-ann' });
    await turns();
    t.strictSame(
      engine.readers.map(({ args }) => args.streamId),
      ['s-bob'],
    );
    output.destroy();
    await turns();
    t.equal(engine.readers[0]!.closed, true);
  });

  await t.test('a follower whose reader stands still holds little', async (t) => {
    const { engine, make } = await room();
    const node = await make(subscriber, { streams: 'speaker', media: 'audio' });
    const output = node.output!('audio');
    engine.tell('streamReceived', { stream: streamState('ann') });
    output.read();
    await turns();
    let given = 0;
    while (given < 100 && engine.give(engine.readers[0]!, ramp(20, { first: given }))) {
      given++;
      await turns(2);
    }
    t.ok(given > 2 && given < 15, `${given} values`);
    const values = collect(output);
    await turns();
    t.strictSame(
      values.map((value) => value.data[0]),
      Array.from({ length: given }, (_, i) => i),
    );
  });
});
