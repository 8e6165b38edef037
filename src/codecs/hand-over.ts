export interface HandOver {
  /** Gives the buffer away instead of copying it: it is empty afterwards. Default false. */
  readonly transfer?: boolean;
}

type WholeBuffer = Uint8Array & { readonly buffer: ArrayBuffer };

/** Bytes that may be transferred: the caller's own where it gives away a whole buffer, a copy otherwise. */
export function owned(data: Uint8Array, handOver: HandOver | undefined): WholeBuffer {
  const isWhole = data.byteLength === data.buffer.byteLength && data.buffer instanceof ArrayBuffer;
  if (handOver?.transfer === true && isWhole) return data as WholeBuffer;
  return new Uint8Array(data);
}
