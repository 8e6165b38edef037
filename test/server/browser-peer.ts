import { type Server, createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type Page, chromium } from 'playwright-core';
import { CHROMIUM_FLAGS } from '../support/chromium.js';
import { BROWSER_SCRIPT } from './browser-script.js';

/** Chromium with the unmodified livekit-client; each peer is a page of its own. */
export class BrowserHost {
  readonly #browser: Browser;
  readonly #server: Server;
  readonly #origin: string;

  private constructor(browser: Browser, server: Server, origin: string) {
    this.#browser = browser;
    this.#server = server;
    this.#origin = origin;
  }

  static async launch(executablePath: string): Promise<BrowserHost> {
    const client = await readFile(createRequire(import.meta.url).resolve('livekit-client'));
    const server = createServer((request, response) => {
      if (request.url === '/client.js') response.setHeader('content-type', 'text/javascript').end(client);
      else
        response
          .setHeader('content-type', 'text/html')
          .end('<!doctype html><script src="/client.js"></script><body></body>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS] });
    return new BrowserHost(browser, server, `http://127.0.0.1:${port}/`);
  }

  async peer(): Promise<BrowserPeer> {
    const page = await this.#browser.newPage();
    await page.goto(this.#origin);
    await page.addScriptTag({ content: BROWSER_SCRIPT });
    return new BrowserPeer(page);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export interface BrowserEvent {
  readonly type: string;
  readonly identity?: string;
  readonly sid?: string;
  readonly kind?: string;
  readonly text?: string;
  readonly segment?: string;
  readonly final?: boolean;
  readonly topic?: string;
  readonly lossy?: boolean;
  readonly reason?: number;
  readonly identities?: readonly string[];
  readonly attributes?: Readonly<Record<string, string>>;
}

/** One page with one participant. */
export class BrowserPeer {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Calls a function of `peer` in the page. */
  async call<T>(name: string, args: unknown = {}): Promise<T> {
    return await this.page.evaluate(`peer[${JSON.stringify(name)}](${JSON.stringify(args)})`);
  }

  /** The first event with these fields, of those from number `from` on. */
  async event(fields: BrowserEvent, from = 0): Promise<BrowserEvent> {
    return await this.call('event', { fields, from });
  }

  async events(): Promise<BrowserEvent[]> {
    return await this.page.evaluate('peer.events');
  }

  async close(): Promise<void> {
    await this.page.close();
  }
}
