import type { MediaValue } from '../media/media-value.js';
import { type HandOver, owned } from './hand-over.js';

/** Values for another thread, and what to transfer with them. */
export interface Packed<T extends MediaValue> {
  readonly values: readonly T[];
  readonly transfer: readonly ArrayBuffer[];
}

/** Data up to this size is copied into a buffer with others, in bytes: to transfer a buffer for each takes longer. */
const SMALL_BYTES = 8192;

/** Readies values to be transferred: of several, small ones share a buffer afterwards. `handOver` is that of `owned`, for all others. */
export function packed<T extends MediaValue>(values: readonly T[], handOver?: HandOver): Packed<T> {
  const isShared = ({ data }: MediaValue): boolean => values.length > 1 && data.byteLength <= SMALL_BYTES;
  let bytes = 0;
  for (const value of values) if (isShared(value)) bytes += aligned(value.data.byteLength);
  const shared = new ArrayBuffer(bytes);
  const transfer = bytes > 0 ? [shared] : [];
  let offset = 0;
  const moved = values.map((value: MediaValue) => {
    let data: Uint8Array | Int16Array;
    if (isShared(value)) {
      data = copyTo(shared, offset, value.data);
      offset += aligned(data.byteLength);
    } else {
      const own = owned(value.data, handOver);
      transfer.push(own.buffer);
      data = own;
    }
    return { ...value, data };
  });
  return { values: moved as MediaValue[] as T[], transfer };
}

/** Whole samples of 16 bits. */
function aligned(bytes: number): number {
  return (bytes + 1) & ~1;
}

function copyTo(buffer: ArrayBuffer, offset: number, data: Uint8Array | Int16Array): Uint8Array | Int16Array {
  const copy =
    data instanceof Int16Array
      ? new Int16Array(buffer, offset, data.length)
      : new Uint8Array(buffer, offset, data.length);
  copy.set(data);
  return copy;
}
