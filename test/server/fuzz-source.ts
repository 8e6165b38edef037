/** Random numbers that are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 to `below` - 1. */
  below(below: number): number {
    return this.next() % below;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = this.next();
    return bytes;
  }
}

/** What comes to a media port from those who have no business there: of all kinds, whole, cut off, or with lengths that lie. */
export function fuzzDatagram(random: Random): Buffer {
  const make = random.pick([fuzzRtp, fuzzRtcp, fuzzStun, fuzzDtls, (one: Random) => one.bytes(one.below(1400))]);
  const datagram = make(random);
  return random.chance(20) ? datagram.subarray(0, random.below(datagram.length + 1)) : datagram;
}

/** An RTP packet whose counts, extensions and padding may be anything; of these payload types, and mostly of these SSRCs. */
export function fuzzRtp(random: Random, fixed?: { ssrcs: readonly number[]; payloadTypes: readonly number[] }): Buffer {
  const packet = random.bytes(12 + random.below(random.chance(90) ? 300 : 1388));
  const extension = random.chance(50) ? 0x10 : 0;
  const padding = random.chance(10) ? 0x20 : 0;
  packet[0] = 0x80 | extension | padding | (random.chance(10) ? random.below(16) : 0);
  if (fixed) {
    packet[1] = (random.chance(30) ? 0x80 : 0) | random.pick(fixed.payloadTypes);
    if (random.chance(80)) packet.writeUInt32BE(random.pick(fixed.ssrcs), 8);
  } else packet[1] = 96 + random.below(32);
  if (extension && packet.length >= 16) {
    packet.writeUInt16BE(random.pick([0xbede, 0xbede, 0x1000, random.below(65_536)]), 12);
    packet.writeUInt16BE(random.chance(80) ? random.below(8) : random.below(65_536), 14);
    // Elements with small ids, which may mean something.
    for (let at = 16; at < Math.min(packet.length, 48); at += 1 + random.below(4))
      packet[at] = (random.below(8) << 4) | random.below(16);
  }
  return packet;
}

/** RTCP packets behind each other, with types that mean something. */
export function fuzzRtcp(random: Random, ssrcs: readonly number[] = []): Buffer {
  const parts: Buffer[] = [];
  for (let count = 1 + random.below(3); count > 0; count--) {
    const part = random.bytes(4 * (2 + random.below(random.chance(95) ? 12 : 200)));
    part[0] = 0x80 | (random.chance(10) ? 0x20 : 0) | random.pick([0, 1, 2, 4, 15, 31]);
    part[1] = random.pick([200, 201, 202, 203, 204, 205, 205, 206, 206, 207]);
    part.writeUInt16BE(random.chance(85) ? part.length / 4 - 1 : random.below(65_536), 2);
    for (const at of [4, 8, 12])
      if (ssrcs.length > 0 && at + 4 <= part.length) part.writeUInt32BE(random.pick(ssrcs), at);
    if (part.length >= 20 && part[1] === 206 && random.chance(50)) part.write('REMB', 12, 'latin1');
    parts.push(part);
  }
  return Buffer.concat(parts).subarray(0, 1400);
}

function fuzzStun(random: Random): Buffer {
  if (random.chance(30)) return bindingRequest(random);
  const body = random.bytes(4 * random.below(40));
  for (let at = 0; at + 4 <= body.length; at += 4 + 4 * random.below(6)) {
    body.writeUInt16BE(random.pick([0x0006, 0x0008, 0x8028, 0x0020, 0x0024, 0x0025, 0x8029, 0x802a]), at);
    body.writeUInt16BE(random.chance(80) ? random.below(32) : random.below(65_536), at + 2);
  }
  const header = random.bytes(20);
  header.writeUInt16BE(random.pick([0x0001, 0x0101, 0x0111, 0x0011]), 0);
  header.writeUInt16BE(random.chance(80) ? body.length : random.below(65_536), 2);
  header.writeUInt32BE(0x2112a442, 4);
  return Buffer.concat([header, body]);
}

/** A well-formed request to connect, of someone who guesses. */
function bindingRequest(random: Random): Buffer {
  const header = random.bytes(20);
  const name = Buffer.from(random.bytes(6).toString('hex'));
  name[4] = 0x3a;
  header.writeUInt16BE(0x0001, 0);
  header.writeUInt16BE(4 + name.length + 24, 2);
  header.writeUInt32BE(0x2112a442, 4);
  return Buffer.concat([
    header,
    Buffer.from([0, 6, 0, name.length]),
    name,
    Buffer.from([0, 8, 0, 20]),
    random.bytes(20),
  ]);
}

function fuzzDtls(random: Random): Buffer {
  const body = random.bytes(random.below(200));
  const header = Buffer.from([20 + random.below(6), 0xfe, random.pick([0xff, 0xfd]), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt16BE(random.chance(80) ? body.length : random.below(65_536), 11);
  return Buffer.concat([header, body]);
}

/** A message of protobuf with bytes changed, cut off, doubled or put in, or nothing but groups that begin. */
export function fuzzProtobuf(random: Random, samples: readonly Uint8Array[]): Buffer {
  if (random.chance(5)) return random.bytes(random.below(200));
  if (random.chance(2)) return Buffer.alloc(random.below(10_000), 0x0b);
  let bytes = Buffer.from(random.pick(samples));
  for (let changes = random.below(3); changes > 0 && bytes.length > 0; changes--) {
    const at = random.below(bytes.length);
    const kind = random.below(5);
    if (kind <= 1) bytes[at] = kind === 0 ? random.next() : bytes[at]! ^ (1 << random.below(8));
    else if (kind === 2) bytes = bytes.subarray(0, at);
    else if (kind === 3) bytes = Buffer.concat([bytes, bytes.subarray(at)]);
    else bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at)]);
  }
  return bytes.subarray(0, 100_000);
}
