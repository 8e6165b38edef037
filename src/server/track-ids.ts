import { SessionDescription } from '@livekit/protocol';

/** `map<string, string> mid_to_track_id = 4` of SessionDescription, which our version of the protocol's package does not have. */
const MID_TO_TRACK_ID = 4;
const LENGTH_DELIMITED = 2;

/** A description that says too which track an m-line carries, by mid: clients that have one connection know tracks by it. */
export function withTrackIds(
  description: SessionDescription,
  trackIds: ReadonlyMap<string, string>,
): SessionDescription {
  const entries = [...trackIds].map(([mid, trackId]) => {
    return field(MID_TO_TRACK_ID, Buffer.concat([field(1, Buffer.from(mid)), field(2, Buffer.from(trackId))]));
  });
  // What a message does not know it keeps, and writes again.
  return SessionDescription.fromBinary(Buffer.concat([description.toBinary(), ...entries]));
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | LENGTH_DELIMITED), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}
