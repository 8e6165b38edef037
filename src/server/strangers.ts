import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServerCounters } from './counters.js';

/** Most connections of those who are not let in yet. */
const MAX_STRANGERS = 500;

/**
 * The connections on which nobody has been let in: new ones, and those of HTTP. When there are too many, the one that is there
 * longest goes: whoever holds many open takes the place of none but its own.
 */
export class Strangers {
  readonly #sockets = new Set<Duplex>();

  constructor(server: Server, counters: ServerCounters['http']) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
      });
      const [oldest] = this.#sockets;
      if (this.#sockets.size <= MAX_STRANGERS || !oldest) return;
      counters.crowdedOut++;
      this.#sockets.delete(oldest);
      oldest.destroy();
    });
  }

  /** The one on this connection has shown a token. */
  letIn(socket: Duplex): void {
    this.#sockets.delete(socket);
  }
}
