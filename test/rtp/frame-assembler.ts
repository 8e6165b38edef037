import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { type AssembledFrame, FrameAssembler } from '../../src/engine/rtp/frame-assembler.js';
import { H264Packetizer } from '../../src/engine/rtp/h264.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import type { Packetizer } from '../../src/engine/rtp/packetizer.js';
import { Vp8Packetizer } from '../../src/engine/rtp/vp8.js';

const ms = 1000;

interface Sent {
  readonly sequence: number;
  readonly timestamp: number;
  readonly buffer: Buffer;
}

/** Makes the packets of a stream whose frames carry their own number. */
class Source {
  sequence: number;
  frame = 0;
  readonly frames: Uint8Array[] = [];
  readonly #packetizer: Packetizer;
  readonly #maxPayload: number;
  readonly #encode: (key: boolean, size: number) => Uint8Array;

  constructor(
    packetizer: Packetizer,
    encode: (key: boolean, size: number) => Uint8Array,
    sequence = 65530,
    maxPayload = 100,
  ) {
    this.#packetizer = packetizer;
    this.#encode = encode;
    this.sequence = sequence;
    this.#maxPayload = maxPayload;
  }

  next(key: boolean, size: number): Sent[] {
    const data = this.#encode(key, size);
    this.frames.push(data);
    const timestamp = this.frame++ * 3000;
    const count = this.#packetizer.begin(data, this.#maxPayload);
    return Array.from({ length: count }, (_, i) => {
      const payload = new Uint8Array(this.#packetizer.length(i));
      this.#packetizer.write(i, payload, 0);
      return this.#packet(timestamp, i === count - 1, payload);
    });
  }

  padding(): Sent {
    return this.#packet((this.frame - 1) * 3000, false, new Uint8Array(0), 255);
  }

  #packet(timestamp: number, marker: boolean, payload: Uint8Array, paddingLength = 0): Sent {
    const sequence = this.sequence++;
    const buffer = writeRtp({
      payloadType: 96,
      ssrc: 1,
      marker,
      sequenceNumber: sequence,
      timestamp,
      payload,
      paddingLength,
    });
    return { sequence, timestamp, buffer };
  }
}

function vp8Source(): Source {
  let counter = 0;
  return new Source(new Vp8Packetizer(), (key, size) => {
    const head = key ? [0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0] : [0x11];
    return Uint8Array.from([...head, ...new Array<number>(size).fill(++counter & 0xff)]);
  });
}

function h264Source(parameterSets = true): Source {
  let counter = 0;
  return new Source(new H264Packetizer(), (key, size) => {
    const body = new Array<number>(size).fill((++counter % 250) + 1);
    const sets = parameterSets || counter === 1 ? [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3] : [];
    return Uint8Array.from(key ? [...sets, 0, 0, 0, 1, 0x65, ...body] : [0, 0, 0, 1, 0x41, ...body]);
  });
}

const view = new RtpPacket();

function insert(assembler: FrameAssembler, packets: readonly Sent[], nowUs = 0): AssembledFrame[] {
  const frames: AssembledFrame[] = [];
  for (const { buffer, sequence, timestamp } of packets) {
    assert.ok(view.parse(buffer));
    assembler.insert(view, sequence, timestamp, nowUs);
    drain(assembler, nowUs, frames);
    conserved(assembler);
  }
  return frames;
}

function drain(assembler: FrameAssembler, nowUs: number, frames: AssembledFrame[] = []): AssembledFrame[] {
  for (let frame = assembler.next(nowUs); frame; frame = assembler.next(nowUs)) frames.push(frame);
  return frames;
}

function conserved(assembler: FrameAssembler): void {
  const { packetsReceived, packetsDelivered, packetsDropped, packetsDuplicated, packetsEmpty } = assembler.stats;
  assert.equal(packetsReceived, packetsDelivered + packetsDropped + packetsDuplicated + packetsEmpty + assembler.held);
}

const bytes = (frames: readonly AssembledFrame[]) => frames.map((frame) => [...frame.data]);

for (const codec of ['vp8', 'h264'] as const) {
  const sourceOf = () => (codec === 'vp8' ? vp8Source() : h264Source());

  t.test(`${codec}: frames come out whole, in order, with type and time, from packets in disorder`, (t) => {
    const source = sourceOf();
    const assembler = new FrameAssembler({ codec });
    t.equal(assembler.needsKeyFrame, true);
    const key = source.next(true, 250);
    const delta = source.next(false, 150);
    const last = source.next(false, 3);
    const shuffled = [key[1]!, delta[1]!, last[0]!, key[2]!, delta[0]!, key[0]!, ...key.slice(3), ...delta.slice(2)];
    const frames = insert(assembler, [...shuffled, ...shuffled]);
    t.same(
      bytes(frames),
      source.frames.map((frame) => [...frame]),
    );
    t.same(
      frames.map(({ type, timestamp }) => [type, timestamp]),
      [
        ['key', 0],
        ['delta', 3000],
        ['delta', 6000],
      ],
    );
    t.equal(frames[0]!.data.buffer.byteLength, frames[0]!.data.length, 'memory of its own, to be transferred');
    t.equal(frames[0]!.firstSequence, 65530);
    t.equal(frames[2]!.lastSequence, source.sequence - 1);
    t.equal(assembler.needsKeyFrame, false);
    t.equal(assembler.held, 0);
    if (codec === 'vp8') t.match(frames[0], { width: 320, height: 240 });
    t.end();
  });

  t.test(`${codec}: after a loss everything is dropped up to the next key frame`, (t) => {
    const source = sourceOf();
    const assembler = new FrameAssembler({ codec, maxAgeMs: 100 });
    t.equal(insert(assembler, [...source.next(true, 250), ...source.next(false, 50)]).length, 2);
    const broken = source.next(false, 250);
    const after = source.next(false, 50);
    t.equal(insert(assembler, [broken[0]!, broken[2]!, ...broken.slice(3), ...after], 10 * ms).length, 0);
    t.equal(assembler.needsKeyFrame, false, 'it may still come');
    t.equal(drain(assembler, 110 * ms).length, 0);
    t.equal(assembler.needsKeyFrame, false);
    drain(assembler, 111 * ms);
    t.equal(assembler.needsKeyFrame, true);
    t.equal(assembler.stats.losses, 1);
    insert(assembler, source.next(false, 50), 120 * ms);
    const key = source.next(true, 250);
    t.equal(insert(assembler, key.slice(0, 2), 130 * ms).length, 0);
    t.equal(assembler.needsKeyFrame, false, 'one is on its way in');
    const frames = insert(assembler, [...key.slice(2), ...source.next(false, 9)], 130 * ms);
    t.same(
      frames.map(({ type }) => type),
      ['key', 'delta'],
    );
    t.same(
      bytes(frames),
      source.frames.slice(-2).map((frame) => [...frame]),
    );
    t.equal(insert(assembler, [broken[1]!], 130 * ms).length, 0, 'too late');
    t.end();
  });

  t.test(`${codec}: a late retransmission completes the frame; one that was given up is not waited for`, (t) => {
    const source = sourceOf();
    const assembler = new FrameAssembler({ codec });
    insert(assembler, source.next(true, 9));
    const first = source.next(false, 250);
    const second = source.next(false, 9);
    insert(assembler, [...first.slice(1), ...second], 0);
    t.same(
      insert(assembler, [first[0]!], 900 * ms).map(({ timestamp }) => timestamp),
      [3000, 6000],
    );
    const third = source.next(false, 250);
    insert(assembler, [third[0]!, ...third.slice(2), ...source.next(true, 9)], 1000 * ms);
    assembler.giveUp(third[1]!.sequence);
    t.same(
      drain(assembler, 1000 * ms).map(({ type }) => type),
      ['key'],
    );
    t.equal(assembler.stats.losses, 1);
    conserved(assembler);
    t.end();
  });

  t.test(`${codec}: packets that only pad close their gap`, (t) => {
    const source = sourceOf();
    const assembler = new FrameAssembler({ codec });
    const packets = [
      ...source.next(true, 150),
      source.padding(),
      source.padding(),
      ...source.next(false, 9),
      source.padding(),
      ...source.next(false, 9),
    ];
    t.same(
      insert(assembler, packets).map(({ type }) => type),
      ['key', 'delta', 'delta'],
    );
    t.equal(assembler.stats.packetsEmpty, 3);
    t.end();
  });

  t.test(`${codec}: a frame whose marker never came ends where the next one begins`, (t) => {
    const source = sourceOf();
    const assembler = new FrameAssembler({ codec });
    const [whole, next] = [source.next(true, 9), source.next(false, 9)];
    for (const { buffer } of whole) buffer[1] = buffer[1]! & 0x7f;
    t.same(insert(assembler, whole), []);
    t.same(
      insert(assembler, next).map(({ type }) => type),
      ['key', 'delta'],
    );
    t.end();
  });

  t.test(`${codec}: what is held is bounded in packets and age`, (t) => {
    const source = sourceOf();
    const assembler = new FrameAssembler({ codec, maxPackets: 64, maxAgeMs: 100 });
    for (let i = 0; i < 200; i++) {
      insert(assembler, source.next(false, 9), 0);
      assert.ok(assembler.held <= 64);
    }
    t.equal(assembler.needsKeyFrame, true);
    drain(assembler, 101 * ms);
    t.equal(assembler.held, 0);
    const key = source.next(true, 150);
    insert(assembler, key.slice(0, 1), 200 * ms);
    const rest = Array.from({ length: 70 }, () => source.next(false, 9)).flat();
    insert(assembler, rest, 200 * ms);
    t.equal(assembler.needsKeyFrame, true, 'the key frame fell out at the other end');
    assembler.reset();
    t.same([assembler.held, assembler.needsKeyFrame], [0, true]);
    conserved(assembler);
    source.sequence = 5;
    t.equal(insert(assembler, source.next(true, 9)).length, 1, 'a new source');
    t.end();
  });

  t.test(`${codec}: in = out + dropped + held, every frame whole, none behind a loss before a key frame`, (t) => {
    const event = fc.record({
      key: fc.integer({ min: 0, max: 5 }),
      size: fc.integer({ min: 1, max: 350 }),
      loss: fc.integer({ min: 0, max: 40 }),
      delay: fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 5, maxLength: 5 }),
      pad: fc.integer({ min: 0, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 80 }), (events) => {
        const source = sourceOf();
        const assembler = new FrameAssembler({ codec, maxAgeMs: 60, maxPackets: 64 });
        const arrivals: (Sent & { atMs: number })[] = [];
        const damaged = new Set<number>();
        events.forEach(({ key, size, loss, delay, pad }, i) => {
          source.next(i === 0 || key === 0, size).forEach((packet, p) => {
            if (loss === p) damaged.add(i);
            else arrivals.push({ ...packet, atMs: i * 33 + delay[p % 5]! });
            if (loss === 30 + p) arrivals.push({ ...packet, atMs: i * 33 + delay[(p + 1) % 5]! });
          });
          if (pad === 0) arrivals.push({ ...source.padding(), atMs: i * 33 + delay[0]! });
        });
        arrivals.sort((a, b) => a.atMs - b.atMs);
        const frames = arrivals.flatMap((packet) => insert(assembler, [packet], packet.atMs * ms));
        let last = -1;
        for (const frame of frames) {
          const index = frame.timestamp / 3000;
          assert.ok(!damaged.has(index) && index > last);
          assert.ok(frame.data.equals(source.frames[index]!));
          if (frame.type === 'delta') assert.equal(index, last + 1, 'a delta frame needs the one in front');
          last = index;
        }
        if (damaged.size === 0) assert.equal(frames.length, events.length, 'without loss nothing is dropped');
      }),
      { numRuns: 150 },
    );
    t.end();
  });
}

t.test('h264: a key frame without parameter sets begins behind the end of another frame', (t) => {
  const source = h264Source(false);
  const assembler = new FrameAssembler({ codec: 'h264', maxAgeMs: 50 });
  insert(assembler, source.next(true, 9));
  const lost = source.next(false, 9);
  t.equal(lost.length, 1);
  const delta = source.next(false, 9);
  const frames = insert(assembler, [...delta, ...source.next(true, 150)], 0);
  t.same(frames, []);
  const [key] = drain(assembler, 51 * ms);
  t.same(
    [...(key?.data.subarray(0, 13) ?? [])],
    [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3],
    'and gets the known ones',
  );
  t.end();
});

t.test('malformed payloads are dropped and counted', (t) => {
  const source = vp8Source();
  const assembler = new FrameAssembler({ codec: 'vp8' });
  insert(assembler, source.next(true, 9));
  const [bad] = source.next(false, 9);
  const cut = { ...bad!, buffer: bad!.buffer.subarray(0, 13) };
  const frames = insert(assembler, [cut, ...source.next(false, 9), ...source.next(true, 9)]);
  t.same(
    frames.map(({ type }) => type),
    ['key'],
  );
  t.equal(assembler.stats.packetsDropped, 2);
  t.end();
});
