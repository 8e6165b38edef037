import { type NetworkChange, type NetworkStats, Relay, type RelayOptions } from './relay.js';
import { SignalProxy } from './signal-proxy.js';

export interface ImpairedNetworkOptions extends RelayOptions {
  /** The server, ours or a LiveKit server: `ws://127.0.0.1:port`. */
  readonly serverUrl: string;
}

/** A network between the clients that connect to `url` and a server. Everyone on it shares its conditions. */
export interface ImpairedNetwork {
  /** For clients: `ws://127.0.0.1:port`. */
  readonly url: string;
  /** The page of the server, through the network: `http://127.0.0.1:port`. */
  readonly httpUrl: string;
  /** Changes what is given, at once; `undefined` takes a condition away. Resolves when it is in force. */
  set(change: NetworkChange): Promise<void>;
  /** Counters since the start, and rates over the last `windowMs` (5000). */
  stats(windowMs?: number): Promise<NetworkStats>;
  /** Cuts the signalling connections; media goes on. */
  cutSignalling(): void;
  /** Ends both. Idempotent. */
  close(): Promise<void>;
}

/**
 * A network with conditions of its own in front of a server. Signalling passes unharmed; media and data channels go through the relay.
 *
 *     const network = await impairedNetwork({ serverUrl, seed: 1, up: { loss: 0.05 }, down: { rateBps: 300_000 } });
 *     const session = await connect({ url: network.url, sessionId });
 *     await network.set({ down: { rateBps: undefined } });
 *     t.comment(await network.stats());
 *     await network.close();
 */
export async function impairedNetwork({ serverUrl, ...options }: ImpairedNetworkOptions): Promise<ImpairedNetwork> {
  const relay = await Relay.start(options);
  const proxy = await SignalProxy.start(serverUrl, (target) => relay.open(target));
  let closed: Promise<void> | undefined;
  return {
    url: proxy.url,
    httpUrl: proxy.url.replace('ws:', 'http:'),
    set: (change) => relay.set(change),
    stats: (windowMs) => relay.stats(windowMs),
    cutSignalling: () => {
      proxy.cut();
    },
    close: () => (closed ??= proxy.close().then(() => relay.close())),
  };
}
