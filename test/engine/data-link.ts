import t from 'tap';
import { DataLink } from '../../src/engine/data-link.js';
import type { TransportDataChannel } from '../../src/engine/transport.js';

/** A channel whose packets leave when the test says so. */
class SlowChannel implements TransportDataChannel {
  readonly label = '_reliable';
  open = false;
  bufferedAmount = 0;
  readonly sent: string[] = [];
  onMessage: ((data: Buffer) => void) | undefined;
  onOpen: (() => void) | undefined;
  onRoom: (() => void) | undefined;
  onClosed: (() => void) | undefined;

  send(data: Buffer): boolean {
    this.sent.push(data.toString('utf8', 0, 1));
    this.bufferedAmount += data.length;
    return this.open;
  }

  leave(): void {
    this.bufferedAmount = 0;
    this.onRoom?.();
  }

  close(): void {
    this.open = false;
    this.onClosed?.();
  }
}

t.test(
  'data waits for its channel and for room in it, keeps its order, and is refused when there is none',
  async (t) => {
    const link = new DataLink();
    const channel = new SlowChannel();
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const done: string[] = [];
    const send = (name: string): void => {
      link.send([Buffer.alloc(40_000, name), Buffer.alloc(40_000, name)]).then(
        () => done.push(name),
        (error: unknown) => done.push(`${name} ${(error as { code: string }).code}`),
      );
    };
    send('a');
    link.attach(channel);
    send('b');
    await turn();
    t.strictSame(channel.sent, []);
    channel.open = true;
    channel.onOpen?.();
    await turn();
    t.strictSame([channel.sent, done], [['a', 'a'], ['a']], 'more than that would wait');
    channel.leave();
    await turn();
    t.strictSame([channel.sent.join(''), done], ['aabb', ['a', 'b']]);
    send('c');
    channel.close();
    await turn();
    send('d');
    await turn();
    t.strictSame(done.slice(2), ['c SLUICE_PUBLISH_FAILED', 'd SLUICE_PUBLISH_FAILED']);
    link.attach(channel);
    send('e');
    await turn();
    link.close();
    await turn();
    send('f');
    await turn();
    t.strictSame(done.slice(4), ['e SLUICE_SESSION_CLOSED', 'f SLUICE_SESSION_CLOSED']);
  },
);
