import { existsSync } from 'node:fs';
import type { Locator } from 'playwright-core';
import t from 'tap';
import { connect, startServer } from '../../src/index.js';
import { createToken } from '../../src/server/token.js';
import { RtcNodeClient } from '../server/rtc-node-client.js';
import { endlessTone, streamNamed } from '../session/live-room.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { requireSystem } from '../support/require.js';
import { Visitor, launchBrowser } from './join-page.js';

const MONO = { av: { audioPublisher: { numberOfChannels: 1 } } } as const;
const KEYS = { apiKey: 'devkey', apiSecret: 'secret', sessionId: 'demo' } as const;
await t.test('the page shows what is said, who speaks, and what an agent does', { timeout: 180_000 }, async (t) => {
  const executable = requireSystem(t, 'chromium');
  if (executable === undefined) return;
  if (!existsSync(`${PACKAGE_ROOT}/dist/page/index.html`)) {
    t.fail('the page was not built: npm run build:page');
    return;
  }
  const server = await startServer({ port: 0, logLevel: 'silent' });
  t.teardown(() => server.close());
  const agent = await connect({ url: server.url, sessionId: 'demo', name: 'Agent', settings: MONO });
  t.teardown(() => agent.disconnect());
  const publisher = await agent.publish({ name: 'Agent', hasVideo: false, enableCaptions: true });
  const say = (text: string, isFinal: boolean): unknown =>
    publisher.captions.write({ kind: 'captions', text, isFinal });
  const browser = await launchBrowser(executable);
  t.teardown(() => browser.close());
  const ann = await Visitor.join(browser, `${server.httpUrl}/?session=demo`, 'Ann');
  const tile = (name: string, more = ''): Locator =>
    ann.page.locator(`[data-testid="tile"][data-name="${name}"]${more}`);
  const words = (name: string): Locator => tile(name, '[data-captioned="true"]').getByTestId('captions');
  const transcript = ann.page.locator('#transcript-lines li');
  await tile('Agent').waitFor();

  await t.test('an agent that says what it does has a badge, others have none', async (t) => {
    t.notOk(await tile('Agent').getByTestId('agent').isVisible());
    for (const [state, label] of [
      ['listening', 'Listening'],
      ['thinking', 'Thinking'],
      ['speaking', 'Speaking'],
    ] as const) {
      await agent.setAttributes({ 'lk.agent.state': state });
      await tile('Agent', `[data-agent="${state}"]`).waitFor();
      t.match(await tile('Agent').getByTestId('agent').innerText(), label);
    }
    t.notOk(await tile('Ann').getByTestId('agent').isVisible());
    await agent.setAttributes({ 'lk.agent.state': '' });
    await tile('Agent', '[data-agent=""]').waitFor();
    t.notOk(await tile('Agent').getByTestId('agent').isVisible());
  });

  await t.test('who speaks has a ring for as long as they do', async (t) => {
    await tile('Agent', '[data-speaking="false"]').waitFor();
    t.equal(await ann.ring('Agent'), 0);
    const tone = endlessTone(440, 1);
    tone.pipe(publisher.audio, { end: false });
    await tile('Agent', '[data-speaking="true"]').waitFor();
    t.equal(await ann.ring('Agent'), 1);
    tone.unpipe().destroy();
    publisher.clear();
    await tile('Agent', '[data-speaking="false"]').waitFor();
  });

  await t.test('captions stand at the tile of who speaks, change until they are final, and go', async (t) => {
    say('The lamp', false);
    await words('Agent').getByText('The lamp', { exact: true }).waitFor();
    const { x, y, width, height } = (await tile('Agent').boundingBox())!;
    say('The lamp is on now.', true);
    await words('Agent').getByText('The lamp is on now.', { exact: true }).waitFor();
    t.strictSame(await tile('Agent').boundingBox(), { x, y, width, height }, 'the tile stays where it is');
    const box = (await words('Agent').boundingBox())!;
    t.ok(box.y > y + height / 2 && box.y + box.height < y + height, 'they are in its lower half');
    t.equal(await words('Ann').count(), 0);
    await tile('Agent', '[data-captioned="false"]').waitFor();
    t.strictSame(await transcript.allInnerTexts(), ['Agent\nThe lamp is on now.'], 'it is written down once');
  });

  await t.test('an agent is believed about others, and nobody else is', async (t) => {
    const nodes = { helper: new RtcNodeClient(), liar: new RtcNodeClient() };
    t.teardown(() => Promise.all([nodes.helper.close(), nodes.liar.close()]));
    let sid = '';
    for (const [identity, kind] of [
      ['helper', 'agent'],
      ['liar', 'standard'],
    ] as const) {
      const token = await createToken({ ...KEYS, identity, kind });
      await nodes[identity].call('connect', { url: server.url, token, autoSubscribe: true });
      ({ sid } = await nodes[identity].event('trackSubscribed', (track) => track.identity.startsWith('Ann')));
      await tile(identity).waitFor();
    }
    const attributes = { 'lk.transcribed_track_id': sid, 'lk.transcription_final': 'true' };
    await nodes.liar.call('sendCaptions', { text: 'I lie', attributes });
    await words('liar').getByText('I lie').waitFor();
    t.equal(await words('Ann').count(), 0);
    await nodes.helper.call('sendCaptions', { text: 'I was heard', attributes });
    await words('Ann').getByText('I was heard').waitFor();
    const identity = (await tile('Ann').getAttribute('data-identity')) ?? '';
    const old = { identity, sid, segment: 'old', text: 'the old way', final: true };
    await nodes.helper.call('publishTranscription', old);
    await words('Ann').getByText('the old way').waitFor();
    for (const node of Object.values(nodes)) await node.call('disconnect', {});
  });

  await t.test('what an agent writes down of somebody stands at their tile', async (t) => {
    const scribe = await connect({ url: server.url, sessionId: 'demo', name: 'Scribe', kind: 'agent', settings: MONO });
    t.teardown(() => scribe.disconnect());
    const notes = await scribe.publish({ name: 'Scribe', hasVideo: false, enableCaptions: true });
    const { streamId } = await streamNamed(scribe, 'Ann');
    await tile('Scribe').waitFor();
    const said = { kind: 'captions', text: 'as I said', isFinal: true } as const;
    notes.captions.write({ ...said, speaker: { name: 'Ann', streamId } });
    await words('Ann').getByText('as I said').waitFor();
    t.equal(await words('Scribe').count(), 0);
  });

  await t.test('the transcript opens and closes beside the pictures, and is told also when it is closed', async (t) => {
    const panel = ann.page.getByTestId('transcript');
    const width = async (): Promise<number> => (await panel.boundingBox())?.width ?? 0;
    t.ok((await width()) < 2);
    t.equal(await ann.page.locator('#transcript-lines').getAttribute('aria-live'), 'polite');
    await ann.page.keyboard.press('t');
    t.ok((await width()) > 200);
    t.match(
      await panel.innerText(),
      /Agent\s+The lamp is on now\.\s+liar\s+I lie\s+Ann\s+I was heard\s+Ann\s+the old way/,
    );
    await ann.page.getByTestId('open-transcript').click();
    t.ok((await width()) < 2);
  });

  t.same(ann.errors, [], 'nothing went wrong on the page');
});
