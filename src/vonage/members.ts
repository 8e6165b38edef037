import type { StreamInfo } from '../media/session-access.js';
import type * as sluice from '../session/driver.js';
import type { Connection, Stream } from '../session/drivers/vonage/connector-api.js';

/** The connections and streams of a session as the package shows them: each is the same object whenever it is told. */
export class Members {
  readonly #connections = new WeakMap<sluice.Connection, Connection>();
  readonly #streams = new Map<string, Stream>();

  connection(of: sluice.Connection): Connection {
    const { connectionId, creationTime, data } = of;
    const known = this.#connections.get(of) ?? { connectionId, creationTime, data };
    this.#connections.set(of, known);
    return known;
  }

  /** A stream of this or another participant. */
  stream(of: StreamInfo & { readonly connection: sluice.Connection }): Stream {
    const { streamId, name } = of;
    const known = this.#streams.get(streamId);
    if (known) return known;
    const stream = { streamId, connection: this.connection(of.connection), name };
    this.#streams.set(streamId, stream);
    return stream;
  }

  /** A stream that has gone: one of the same id is another. */
  forget(streamId: string): void {
    this.#streams.delete(streamId);
  }
}
