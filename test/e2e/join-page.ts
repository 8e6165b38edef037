import { type Browser, type Page, chromium } from 'playwright-core';
import { readPattern } from '../../src/media/pattern.js';
import { CHROMIUM_FLAGS } from '../support/chromium.js';
import { PAGE_SCRIPT } from './page-script.js';
import type { FakeDevices } from './fake-devices.js';

/** Size at which pictures are read out of the page: the smallest that carries a number. */
const READ_WIDTH = 192;
const READ_HEIGHT = 128;

/** One picture as a person saw it. */
export interface SeenPicture {
  /** Milliseconds since the first. */
  readonly timeMs: number;
  /** Undefined where no number can be read. */
  readonly number: number | undefined;
}

/** A browser with a microphone and a camera that play files, or what the browser makes up. */
export async function launchBrowser(executablePath: string, devices?: FakeDevices): Promise<Browser> {
  const files = devices && [
    `--use-file-for-fake-audio-capture=${devices.audioFile}`,
    `--use-file-for-fake-video-capture=${devices.videoFile}`,
  ];
  return await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS, ...(files ?? [])] });
}

/** Somebody who joined on the page, with what they see and hear of others. */
export class Visitor {
  readonly page: Page;
  readonly #errors: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => {
      this.#errors.push(error.message);
    });
  }

  /** Opens the page and joins by hand: name, then the button. */
  static async join(browser: Browser, url: string, name: string): Promise<Visitor> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const visitor = new Visitor(page);
    await page.goto(url);
    await page.evaluate(PAGE_SCRIPT);
    await page.getByTestId('name').fill(name);
    await page.getByTestId('join').click();
    await page.locator('[data-view="room"]').waitFor();
    return visitor;
  }

  /** Exceptions on the page. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  /** Waits until the tile of somebody shows a picture that moves. */
  async sees(name: string): Promise<void> {
    await this.page.evaluate(`sluiceTest.sees(${JSON.stringify(name)})`);
  }

  /** How much is seen of the ring around the tile of somebody, 0 to 1. */
  async ring(name: string): Promise<number> {
    return await this.page.evaluate<number>(`sluiceTest.ring(${JSON.stringify(name)})`);
  }

  /** The next pictures of somebody for so long. */
  async watch(name: string, durationMs: number): Promise<SeenPicture[]> {
    const call = `sluiceTest.watch(${JSON.stringify(name)}, ${durationMs}, ${READ_WIDTH}, ${READ_HEIGHT})`;
    const seen = await this.page.evaluate<{ timeMs: number; luma: string }[]>(call);
    return seen.map(({ timeMs, luma }) => ({
      timeMs,
      number: readPattern({ data: Buffer.from(luma, 'base64'), width: READ_WIDTH, height: READ_HEIGHT }),
    }));
  }

  /** The next sound of somebody for so long, mono, at `sampleRate`. */
  async hear(name: string, durationMs: number, sampleRate: number): Promise<Int16Array> {
    const call = `sluiceTest.hear(${JSON.stringify(name)}, ${durationMs}, ${sampleRate})`;
    const bytes = Buffer.from(await this.page.evaluate<string>(call), 'base64');
    return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  }
}
