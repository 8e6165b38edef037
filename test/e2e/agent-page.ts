import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import t from 'tap';
import { concatSamples } from '../../src/media/pcm.js';
import { wavHeader } from '../../src/media/wav-header.js';
import { espeak } from '../speech/spoken.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { requireSystem } from '../support/require.js';
import { makeFakeDevices } from './fake-devices.js';
import { Visitor, launchBrowser } from './join-page.js';
import { startBot } from './running-bot.js';

const RATE = 16_000;
const ANSWER = 'All right, the light is on.';

await t.test('who speaks to the voice agent on the page is answered, and reads it', { timeout: 240_000 }, async (t) => {
  const [executable, espeakNg, sphinx] = [
    requireSystem(t, 'chromium'),
    requireSystem(t, 'espeak-ng'),
    requireSystem(t, 'pocketsphinx_continuous'),
  ];
  if (executable === undefined || espeakNg === undefined || sphinx === undefined) return;
  if (!existsSync(`${PACKAGE_ROOT}/dist/page/index.html`)) {
    t.fail('the page was not built: npm run build:page');
    return;
  }
  const folder = t.testdir({});
  const clip = join(folder, 'clip.wav');
  const silence = (seconds: number): Int16Array => new Int16Array(RATE * seconds);
  // The browser plays it again and again: the answer fits in between.
  const said = concatSamples([silence(1), await espeak('turn on the light', RATE), silence(8)]);
  await writeFile(clip, [wavHeader(RATE, 1, said.byteLength), new Uint8Array(said.buffer, 0, said.byteLength)]);
  const devices = await makeFakeDevices(clip, folder);
  const bot = await startBot('voice-agent.yaml');
  t.teardown(() => bot.process.kill('SIGKILL'));
  const browser = await launchBrowser(executable, devices);
  t.teardown(() => browser.close());

  const ann = await Visitor.join(browser, `${bot.pageUrl}&audio=raw`, 'Ann');
  const agent = (more = ''): Locator => ann.page.locator(`[data-testid="tile"][data-name="Agent"]${more}`);
  await agent('[data-agent="listening"]').waitFor();
  // It greets who is heard first; then comes the answer, which is read when it has been heard.
  const hearing = ann.hear('Agent', 12_000, RATE);
  await agent('[data-agent="speaking"]').waitFor();
  await agent('[data-captioned="true"]').getByTestId('captions').getByText(ANSWER).waitFor({ timeout: 120_000 });
  await agent('[data-agent="listening"]').waitFor();
  const loudest = (await hearing).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  t.ok(loudest > 3000, `the agent is heard: ${loudest} of 32768`);
  t.same(ann.errors, []);
  bot.process.kill('SIGTERM');
});
