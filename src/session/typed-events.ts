/** Names of events and what their listeners are called with. */
type EventMap<E> = Record<keyof E, readonly unknown[]>;

/**
 * `on`, `once` and `off` of an emitter whose own events are `E`. Any other name is taken too, as Node's streams have
 * events of their own.
 */
export interface Listen<E extends EventMap<E>, Self> {
  <N extends keyof E>(event: N, listener: (...args: E[N] & unknown[]) => void): Self;
  (event: string | symbol, listener: (...args: never[]) => void): Self;
}

/** `emit` of an emitter whose own events are `E`. */
export interface Emit<E extends EventMap<E>> {
  <N extends keyof E>(event: N, ...args: E[N] & unknown[]): boolean;
  (event: string | symbol, ...args: unknown[]): boolean;
}
