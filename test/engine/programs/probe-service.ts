/** A service for the media thread that tells what is open there. */
import { nativeUsers } from '../../../src/engine/native.js';

declare const gc: () => void;

export async function createService(): Promise<{ info: unknown; close(): Promise<void> }> {
  // What was closed is finalised in turns of its own.
  for (let i = 0; i < 4; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const resources = process.getActiveResourcesInfo().sort();
  return {
    info: { resources, users: nativeUsers(), heapMb: process.memoryUsage().heapUsed / 1e6 },
    close: () => Promise.resolve(),
  };
}
