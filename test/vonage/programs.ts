import t from 'tap';
import { connect } from '../../src/index.js';
import { SMALL_VIDEO, endlessHalves, run as feed, see } from '../session/conformance/content.js';
import { endlessTone, hears, liveServer, streamNamed } from '../session/live-room.js';
import { ended, run } from '../support/program.js';
import { EchoBot } from './echo-bot.js';
import { tokenOf } from './room.js';

const VONAGE = new URL('../../src/vonage.js', import.meta.url).href;

t.test('a program on sluice/vonage', { timeout: 60_000 }, async (t) => {
  await t.test('that is written in TypeScript for the package gives sound and picture back', async (t) => {
    const { url } = await liveServer();
    process.env['SLUICE_URL'] = url;
    const sessionId = 'echo';
    const ann = await connect({ url, sessionId, name: 'ann', settings: SMALL_VIDEO });
    t.teardown(() => ann.disconnect());
    const bot = new EchoBot('Echo', SMALL_VIDEO.av.videoPublisher.resolution);
    await bot.start(sessionId, await tokenOf(sessionId, 'bot'));
    const publisher = await ann.publish({ name: 'Voice' });
    feed(endlessTone(700), publisher.audio);
    feed(endlessHalves(60, 190), publisher.video);
    const echo = await ann.subscribe(await streamNamed(ann, 'Echo'));
    const [heard] = await Promise.all([hears(echo.audio, 700), see(echo.video, 60, 190)]);
    t.ok(heard);
    await bot.stop();
    t.match(bot.told, [
      'joined echo',
      'other connection',
      /^published as /,
      'ready in echo',
      /^subscribed to .* in echo$/,
    ]);
    t.strictSame(bot.told.filter((line) => !line.startsWith('drained')).slice(-3), [
      'published no more',
      `no more of ${publisher.streamId}`,
      'disconnected',
    ]);
  });

  await t.test('that disconnects its client ends by itself', async (t) => {
    const { url } = await liveServer();
    const program = `
      import { VonageVideoClient } from '${VONAGE}';
      const client = new VonageVideoClient();
      await client.connect('app', 'ends', '', { onAudioData: () => undefined });
      await client.publish({ settings: { name: 'Bot' } });
      client.addAudio({ data: Buffer.alloc(19200), sampleRate: 48000, numberOfChannels: 2, numberOfFrames: 4800 });
      await client.unpublish();
      await client.disconnect();
      console.log('left');`;
    t.match(await run(program, { SLUICE_URL: url }), ended('left\n'));
  });

  await t.test('stays as long as its client is connected', async (t) => {
    const { url } = await liveServer();
    const program = `
      import { VonageVideoClient } from '${VONAGE}';
      const client = new VonageVideoClient();
      await client.connect('app', 'stays', '', { onDisconnected: () => console.log('over') });
      setTimeout(() => client.disconnect(), 300).unref();`;
    t.match(await run(program, { SLUICE_URL: url }), ended('over\n'));
  });
});
