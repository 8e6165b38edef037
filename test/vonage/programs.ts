import t from 'tap';
import { liveServer } from '../session/live-room.js';
import { ended, run } from '../support/program.js';

const VONAGE = new URL('../../src/vonage.js', import.meta.url).href;

t.test('a program on sluice/vonage', async (t) => {
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
