export interface HandOver {
  /** Gives the buffer away instead of copying it: it is empty afterwards. Default false. */
  readonly transfer?: boolean;
}

type Data = Uint8Array | Int16Array;
type WholeBuffer<D extends Data> = D & { readonly buffer: ArrayBuffer };

/** Bytes or samples that may be transferred: the caller's own where it gives away a whole buffer, a copy otherwise. */
export function owned<D extends Data>(data: D, handOver: HandOver | undefined): WholeBuffer<D> {
  const isWhole = data.byteLength === data.buffer.byteLength && data.buffer instanceof ArrayBuffer;
  if (handOver?.transfer === true && isWhole) return data as WholeBuffer<D>;
  return (data instanceof Int16Array ? new Int16Array(data) : new Uint8Array(data)) as unknown as WholeBuffer<D>;
}
