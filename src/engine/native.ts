import type * as NodeDatachannel from 'node-datachannel';
import { SluiceError } from '../media/errors.js';

export type NativeApi = typeof NodeDatachannel;

/** One user of the native library. */
export interface NativeLease {
  readonly api: NativeApi;
  /** Gives the lease back; with the last one the library ends its own threads. Idempotent. */
  release(): Promise<void>;
}

let loading: Promise<NativeApi> | undefined;
let users = 0;
const retained = new Set<object>();

/**
 * Holds the wrapper of a track or data channel until the native side reports it closed. `cleanup()` visits every wrapper it was
 * not told about, and one that was collected before is freed memory then: the process would crash.
 */
export function retainUntilClosed(wrapper: { onClosed(callback: () => void): void }, onClosed?: () => void): void {
  retained.add(wrapper);
  wrapper.onClosed(() => {
    retained.delete(wrapper);
    onClosed?.();
  });
}

/**
 * Loads node-datachannel, and keeps it running until the lease is released.
 *
 * The library loads into one thread of a process only, and a process does not end before `cleanup()` was called:
 * so leases are counted, and the last one to go cleans up. It can be used again after that.
 */
export async function acquireNative(): Promise<NativeLease> {
  users++;
  let api: NativeApi;
  try {
    api = await (loading ??= import('node-datachannel'));
  } catch (cause) {
    users--;
    loading = undefined;
    throw new SluiceError('SLUICE_ENGINE_FAILED', 'node-datachannel could not be loaded', {
      cause,
      mend: 'Run `npm ci` again on this machine; its native part is a package of its own for each platform.',
    });
  }
  let released = false;
  return {
    api,
    release: async () => {
      if (released) return;
      released = true;
      // The native side reports the closing of a track from its own thread: let that arrive first.
      await new Promise((resolve) => setImmediate(resolve));
      users--;
      if (users > 0) return;
      api.cleanup();
      retained.clear();
    },
  };
}

/** How many leases are out. */
export function nativeUsers(): number {
  return users;
}

/**
 * Wraps a callback for the native library: an exception that left it would abort the process.
 * `onFault` gets what was thrown; what it throws itself is dropped.
 */
export function guard<A extends unknown[]>(onFault: (error: unknown) => void, task: (...args: A) => void) {
  return (...args: A): void => {
    try {
      task(...args);
    } catch (error) {
      try {
        onFault(error);
      } catch {
        // Nothing is left to tell.
      }
    }
  };
}
