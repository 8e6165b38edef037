import t from 'tap';
import { RoomServiceClient } from 'livekit-server-sdk';
import { type ConnectOptions, ERROR_NUMBERS, VonageVideoClient } from '../../src/vonage.js';
import { liveServer } from '../session/live-room.js';
import { tokenOf, toneSource, vonageRoom } from './room.js';

/** Callbacks that write down what they are called with, and someone who waits for a line. */
function diary() {
  const lines: string[] = [];
  const waiting = new Map<string, () => void>();
  const note = (line: string): void => {
    lines.push(line);
    waiting.get(line)?.();
  };
  const told = async (line: string): Promise<void> => {
    if (!lines.includes(line)) await new Promise<void>((resolve) => waiting.set(line, resolve));
  };
  const options: ConnectOptions = {
    onError: ({ sessionId }, description, code) =>
      note(`error ${sessionId.split('-')[0]} ${code} ${typeof description}`),
    onDisconnected: () => note('disconnected'),
    onConnectionCreated: (_, { data }) => note(`created ${data}`),
    onConnectionDropped: (_, { data }) => note(`dropped ${data}`),
    onStreamReceived: (_, { name, connection }) => note(`stream ${name} of ${connection.data}`),
    onStreamDropped: (_, { name }) => note(`no stream ${name}`),
    onReadyForAudio: () => note('ready'),
  };
  return { lines, told, note, options };
}

t.test('a client tells by its callbacks', async (t) => {
  await t.test('who comes and goes, with the same objects each time', async (t) => {
    const join = await vonageRoom(t);
    const { lines, told, options } = diary();
    const objects: unknown[] = [];
    const { client: bob, session } = await join('bob', {
      ...options,
      onStreamReceived: (given, stream) => {
        objects.push(given, stream, stream.connection);
        options.onStreamReceived?.(given, stream);
      },
      onStreamDropped: (given, stream) => {
        objects.push(given, stream, stream.connection);
        options.onStreamDropped?.(given, stream);
      },
    });
    const { client: ann } = await join('ann');
    await ann.publish({ settings: { name: 'Show', hasVideo: false } });
    await told('stream Show of data of ann');
    await ann.unpublish();
    await told('no stream Show');
    await ann.disconnect();
    await told('dropped data of ann');
    t.strictSame(lines, ['created data of ann', 'stream Show of data of ann', 'no stream Show', 'dropped data of ann']);
    t.ok(objects.slice(0, 3).every((one, i) => one === objects[i + 3]));
    t.equal(objects[0], session);
    const connection = bob.getConnection()!;
    t.match(connection, { data: 'data of bob', connectionId: String });
    t.ok(connection.creationTime instanceof Date);
    await bob.disconnect();
    t.equal(lines.at(-1), 'disconnected', 'called before disconnect() resolves');
    t.equal(bob.getConnection(), undefined);
    t.equal(bob.isConnected(), false);
    await bob.disconnect();
  });

  await t.test('that audio is taken, after publish() resolved', async (t) => {
    const join = await vonageRoom(t);
    const { lines, told, note, options } = diary();
    const { client: ann } = await join('ann', options);
    await ann.publish({ settings: { name: 'Pictures', hasAudio: false } });
    await ann.unpublish();
    t.strictSame(lines, [], 'not for pictures alone');
    await ann.publish({ settings: { name: 'Voice', hasVideo: false } });
    note('published');
    await told('ready');
    t.strictSame(lines, ['published', 'ready']);
    t.equal(ann.addAudio(toneSource(440)()), true);
  });

  await t.test('what is published and ends, and may publish again', async (t) => {
    const join = await vonageRoom(t);
    const { client: ann } = await join('ann');
    const destroyed: string[] = [];
    const once = {
      settings: { name: 'Bot', hasVideo: false },
      onStreamDestroyed: () => void destroyed.push('destroyed'),
    };
    const publishing = ann.publish(once);
    await t.rejects(ann.publish(once), { code: 'SLUICE_STATE_INVALID' });
    const { stream } = await publishing;
    t.match(stream, { streamId: String, connection: { connectionId: ann.getConnection()!.connectionId } });
    t.equal(ann.isPublishing(), true);
    await ann.unpublish();
    t.strictSame(destroyed, ['destroyed']);
    t.equal(ann.isPublishing(), false);
    await ann.unpublish();
    await ann.publish(once);
    const over = ann.publish(once).catch(() => 'refused');
    t.equal(await over, 'refused');
    await ann.disconnect();
    t.strictSame(destroyed, ['destroyed', 'destroyed']);
  });

  await t.test(
    'a session that is lost: the error with its number once, and the end to all that belonged to it',
    async (t) => {
      const join = await vonageRoom(t);
      const { lines, told, note, options } = diary();
      const { client: ann, session, stream } = await join('ann', options);
      const { client: bob } = await join('bob');
      await bob.publish({ settings: { name: 'Show', hasVideo: false } });
      await ann.subscribe(await stream, {
        onError: (_, description, code) => note(`subscriber ${code} ${typeof description}`),
        onDisconnected: () => note('subscriber is over'),
        onAudioData: () => undefined,
      });
      await ann.publish({
        settings: { name: 'Bot', hasVideo: false },
        onError: (_, description, code) => note(`publisher ${code} ${typeof description}`),
        onStreamDestroyed: () => note('publisher is over'),
      });
      await told('ready');
      lines.length = 0;
      const service = new RoomServiceClient((await liveServer()).httpUrl, 'devkey', 'secret');
      const [me] = (await service.listParticipants(session.sessionId)).filter(
        ({ metadata }) => metadata === 'data of ann',
      );
      await service.removeParticipant(session.sessionId, me!.identity);
      await told('disconnected');
      t.strictSame(
        new Set(lines),
        new Set(['error vonage 1022 string', 'disconnected', 'publisher is over', 'subscriber is over']),
      );
      t.ok(lines.indexOf('error vonage 1022 string') < lines.indexOf('disconnected'));
      t.equal(ann.isConnected(), false);
      t.equal(ann.isPublishing(), false);
    },
  );

  await t.test('a subscription that ends with its stream, or because it was asked to', async (t) => {
    const join = await vonageRoom(t);
    const { client: ann, stream } = await join('ann');
    const { client: bob } = await join('bob');
    await bob.publish({ settings: { name: 'Show', hasVideo: false } });
    const { told, note } = diary();
    const shown = await stream;
    await ann.subscribe(shown, { onDisconnected: () => note('over') });
    await t.rejects(ann.subscribe(shown), { code: 'SLUICE_STATE_INVALID' });
    await ann.unsubscribe(shown);
    await told('over');
    await ann.unsubscribe(shown);
    await ann.subscribe(shown, { onDisconnected: () => note('over with the stream') });
    await bob.unpublish();
    await told('over with the stream');
    await t.rejects(ann.subscribe(shown), { code: 'SLUICE_STREAM_UNKNOWN' });
    for (const nothing of [undefined, {}, 'a stream'] as never[]) {
      await t.rejects(ann.subscribe(nothing), { code: 'SLUICE_CONFIG_INVALID', message: /^stream: / });
      await t.rejects(ann.unsubscribe(nothing), { code: 'SLUICE_CONFIG_INVALID', message: /^stream: / });
    }
    await t.rejects(ann.publish(undefined as never), { message: 'settings: found nothing, expected object' });
  });
});

t.test('a client refuses', async (t) => {
  await t.test('to connect with nonsense, and gives the reason', async (t) => {
    await vonageRoom(t);
    const client = new VonageVideoClient();
    await t.rejects(client.connect('app', 'room', 'nonsense'), { code: 'SLUICE_TOKEN_INVALID' });
    await t.rejects(client.connect('', 'room', 'nonsense'), {
      code: 'SLUICE_CONFIG_INVALID',
      message: /^applicationId: /,
    });
    await t.rejects(client.connect('app', 'room', await tokenOf('another', 'ann')), {
      code: 'SLUICE_PERMISSION_DENIED',
      message: 'the token is for session another, not room',
    });
    t.equal(client.isConnected(), false);
    const wrong = { sessionSettings: { av: { audioPublisher: { sampleRate: 22_050 } } } } as unknown as ConnectOptions;
    await t.rejects(client.connect('app', 'room', '', wrong), {
      code: 'SLUICE_CONFIG_INVALID',
      message: /^sessionSettings\.av\.audioPublisher\.sampleRate: found 22050, allowed are 8000, 12000/,
    });
    const joining = client.connect('app', 'room', await tokenOf('room', 'ann'));
    await client.disconnect();
    await t.rejects(joining, { code: 'SLUICE_SESSION_CLOSED' }, 'disconnect() gives up joining');
    await client.connect('app', 'room', '');
    await t.rejects(client.connect('app', 'room', ''), { code: 'SLUICE_STATE_INVALID' });
    await client.disconnect();
    await t.rejects(client.publish({ settings: { name: 'Bot' } }), { code: 'SLUICE_SESSION_CLOSED' });
  });

  await t.test('media that is not what was set up, naming both, and goes on with what is', async (t) => {
    const join = await vonageRoom(t);
    const { client: ann } = await join('ann', {
      sessionSettings: {
        av: {
          audioPublisher: { sampleRate: 16_000, channels: 1 },
          videoPublisher: { width: 160, height: 120, format: 'rgb24' },
        },
      },
    });
    await ann.publish({ settings: { name: 'Bot' } });
    const good = toneSource(440, { sampleRate: 16_000, channels: 1 });
    const refused = (add: () => unknown, message: RegExp): void => {
      t.throws(add, { code: 'SLUICE_FORMAT_MISMATCH', message });
    };
    refused(() => ann.addAudio(toneSource(440)()), /takes audio of 16000 Hz and 1 channel\(s\), not of 48000 Hz and 2/);
    refused(() => ann.addAudio({ ...good(), numberOfFrames: 321 }), /^640 bytes do not make 321 frames of 1 channel/);
    refused(() => ann.addAudio({ ...good(), numberOfFrames: 1.5 }), /frames/);
    refused(() => ann.addAudio({ ...good(), data: [0, 0] as unknown as Buffer }), /no Buffer/);
    const picture = { data: Buffer.alloc(57_600), width: 160, height: 120, format: 'RGB24' } as const;
    refused(() => ann.addAudio(undefined as never), /^undefined is not audio$/);
    refused(() => ann.addVideo(null as never), /^null is not a picture$/);
    refused(() => ann.addVideo({ ...picture, format: 7 as never }), /7 is not supported/);
    refused(
      () => ann.addVideo({ ...picture, width: 120, height: 160 }),
      /takes RGB24 of 160x120, not RGB24 of 120x160/,
    );
    refused(
      () => ann.addVideo({ ...picture, format: 'ARGB32' }),
      /^57600 bytes do not make a ARGB32 picture of 160x120/,
    );
    refused(() => ann.addVideo({ ...picture, format: 'YUV420P' }), /takes RGB24 of 160x120, not YUV420P of 160x120/);
    t.equal(ann.addAudio(good()), true);
    t.equal(ann.addVideo(picture), true);
    const odd = Buffer.alloc(641).subarray(1);
    good().data.copy(odd);
    t.equal(ann.addAudio({ ...good(), data: odd }), true, 'samples at an odd address');
  });
});

t.test('numbers of errors are told for good', async (t) => {
  t.strictSame(ERROR_NUMBERS, {
    SLUICE_TOKEN_MISSING: 1004,
    SLUICE_TOKEN_INVALID: 1004,
    SLUICE_TOKEN_EXPIRED: 1004,
    SLUICE_CONNECT_FAILED: 1006,
    SLUICE_SESSION_CLOSED: 1010,
    SLUICE_CONFIG_INVALID: 1011,
    SLUICE_FORMAT_MISMATCH: 1011,
    SLUICE_STATE_INVALID: 1015,
    SLUICE_CONNECT_TIMEOUT: 1021,
    SLUICE_SESSION_LOST: 1022,
    SLUICE_PERMISSION_DENIED: 1500,
    SLUICE_SUBSCRIBE_FAILED: 1600,
    SLUICE_STREAM_UNKNOWN: 1604,
    SLUICE_PUBLISH_FAILED: 1610,
  });
});
