import { once } from 'node:events';
import { existsSync } from 'node:fs';
import t from 'tap';
import { createToken } from '../../src/server/token.js';
import { RtcNodeClient } from '../server/rtc-node-client.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { requireSystem } from '../support/require.js';
import { type FakeDevices, makeFakeDevices } from './fake-devices.js';
import { type SeenPicture, Visitor, launchBrowser } from './join-page.js';
import { startBot } from './running-bot.js';
import { type SpeechMatch, matchSpeech } from './speech-match.js';

const WATCH_MS = 6000;
/** Pictures come every 67 ms: a person sees a pause of this length as a freeze. */
const LONGEST_PAUSE_MS = 1000;

await t.test(
  'two people on the page and one on rtc-node hear and see the echo bot and each other',
  { timeout: 240_000 },
  async (t) => {
    const executable = requireSystem(t, 'chromium');
    if (executable === undefined) return;
    if (!existsSync(`${PACKAGE_ROOT}/dist/page/index.html`)) {
      t.fail('the page was not built: npm run build:page');
      return;
    }
    const devices = await makeFakeDevices(`${PACKAGE_ROOT}/pipelines/media/speech.ogg`, t.testdir({}));
    const bot = await startBot('echo.yaml');
    t.teardown(() => bot.process.kill('SIGKILL'));
    const browser = await launchBrowser(executable, devices);
    t.teardown(() => browser.close());

    // Without the browser's noise suppression and gain control, which change what is said.
    const pageUrl = `${bot.pageUrl}&audio=raw&video=360`;
    const ann = await Visitor.join(browser, pageUrl, 'Ann');
    await ann.sees('Echo');

    await t.test('the echoed picture carries the numbers of the camera, without a freeze', async (t) => {
      const { pictures, readable, longestPauseMs, forward } = await watchSmooth(ann, 'Echo');
      t.comment(`${pictures.length} pictures, ${readable} numbers read, longest pause ${longestPauseMs.toFixed(0)} ms`);
      t.ok(readable >= 0.95 * pictures.length, 'nearly every picture can be read');
      t.ok(pictures.length >= (WATCH_MS / 1000) * 5, 'pictures keep coming');
      t.ok(forward, 'numbers go on in their order');
      t.ok(longestPauseMs < LONGEST_PAUSE_MS, 'no freeze');
    });

    await t.test('the echoed voice is the speech of the microphone', async (t) => {
      const match = await listen(ann, 'Echo', devices);
      t.comment(`correlation: peak ${match.peak.toFixed(3)}, median ${match.median.toFixed(3)}`);
      t.ok(match.peak > 0.8, 'it correlates with the clip');
    });

    const ben = await Visitor.join(browser, pageUrl, 'Ben');
    await ben.sees('Ann');
    await t.test('a second person sees and hears the first', async (t) => {
      const { readable } = describe(await ben.watch('Ann', WATCH_MS));
      t.ok(readable >= 10, 'numbers are read from the picture');
      const match = await listen(ben, 'Ann', devices);
      t.comment(`correlation: peak ${match.peak.toFixed(3)}`);
      t.ok(match.peak > 0.8, 'the voice correlates with the clip');
    });

    const nod = new RtcNodeClient();
    t.teardown(() => nod.close());
    await t.test('a participant on rtc-node is seen and heard, and hears and sees', async (t) => {
      const token = await createToken({
        apiKey: 'devkey',
        apiSecret: 'secret',
        sessionId: 'demo',
        identity: 'nod',
        name: 'Nod',
      });
      const { others } = await nod.call('connect', { url: bot.url, token, autoSubscribe: true });
      t.equal(others.length, 3, 'the bot and both people are there');
      await nod.call('publishTone', { hz: 660 });
      await nod.call('publishGrey', { width: 320, height: 240, left: 60, right: 200, simulcast: false });
      await ann.sees('Nod');
      const heard = await ann.hear('Nod', 2000, devices.sampleRate);
      t.ok(Math.abs(pitch(heard, devices.sampleRate) - 660) < 15, 'the first person hears its tone');
      const annIdentity = others.find((identity) => identity.startsWith('Ann')) ?? '';
      const seen = await nod.call('see', { identity: annIdentity, frames: 5 });
      t.ok(seen.width >= 160, 'it sees the first person');
      const voice = await nod.call('hear', { identity: annIdentity, windows: 5 });
      t.ok(voice.rms > 3000, 'it hears the first person speak up');
      await nod.call('disconnect', {});
    });

    t.same([...ann.errors, ...ben.errors], [], 'nothing went wrong on the pages');
    bot.process.kill('SIGTERM');
    const [code] = (await once(bot.process, 'exit')) as [number | null];
    t.equal(code, 0, 'the bot ends when it is told to');
  },
);

function describe(pictures: readonly SeenPicture[]): { readable: number; longestPauseMs: number; forward: boolean } {
  let readable = 0;
  let longestPauseMs = 0;
  let forward = true;
  let last: SeenPicture | undefined;
  for (const picture of pictures) {
    if (picture.number === undefined) continue;
    readable++;
    if (last?.number !== undefined) {
      longestPauseMs = Math.max(longestPauseMs, picture.timeMs - last.timeMs);
      // The camera's file starts again at its end.
      if (picture.number < last.number && last.number < 290) forward = false;
    }
    last = picture;
  }
  return { readable, longestPauseMs, forward };
}

/** The middle one of the pitches of 50 ms each, in Hz: a few may be cut up by concealment. */
function pitch(samples: Int16Array, sampleRate: number): number {
  const length = sampleRate / 20;
  const pitches: number[] = [];
  for (let start = 0; start + length <= samples.length; start += length) {
    const window = samples.subarray(start, start + length);
    let crossings = 0;
    for (let i = 1; i < length; i++) if (window[i - 1]! < 0 !== window[i]! < 0) crossings++;
    pitches.push((crossings * sampleRate) / (2 * length));
  }
  pitches.sort((a, b) => a - b);
  return pitches[Math.floor(pitches.length / 2)] ?? 0;
}

/** Watches until there was no freeze, at most three times: a busy machine may spoil one of them. */
async function watchSmooth(visitor: Visitor, name: string) {
  for (let round = 1; ; round++) {
    const pictures = await visitor.watch(name, WATCH_MS);
    const seen = { pictures, ...describe(pictures) };
    if (seen.longestPauseMs < LONGEST_PAUSE_MS || round === 3) return seen;
  }
}

/** Listens until the speech is recognised, at most three times: a busy machine may spoil one of them. */
async function listen(visitor: Visitor, name: string, devices: FakeDevices): Promise<SpeechMatch> {
  let best: SpeechMatch = { peak: 0, median: 0 };
  for (let round = 0; round < 3 && best.peak <= 0.8; round++) {
    const match = matchSpeech(
      await visitor.hear(name, WATCH_MS, devices.sampleRate),
      devices.speech,
      devices.sampleRate,
    );
    if (match.peak > best.peak) best = match;
  }
  return best;
}
