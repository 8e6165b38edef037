import t from 'tap';
import fc from 'fast-check';
import { DownTrack } from '../../src/server/forwarding/down-track.js';
import { EVERYTHING } from '../../src/server/forwarding/layer-choice.js';
import { SimulcastSource, SUBSCRIBED } from './layered-source.js';
import { ShownStream } from './shown-stream.js';

function setUp(fps = 25) {
  const source = new SimulcastSource(fps);
  const shown = new ShownStream(source);
  const down = new DownTrack(source.track, 90_000, {
    enqueue: (packet) => {
      shown.receive(packet);
    },
    resend: () => t.fail('nothing was asked for'),
  });
  down.agree(SUBSCRIBED);
  down.open = true;
  const run = (pictures: number, arrive?: (packets: Buffer[]) => Buffer[]): void => {
    for (let i = 0; i < pictures; i++) {
      source.picture(arrive);
      down.tick(source.nowUs);
    }
  };
  return { source, shown, down, run };
}

t.test('twenty changes of the layer leave a stream without gap, freeze or picture that cannot be decoded', (t) => {
  const { source, shown, down, run } = setUp();
  run(25);
  for (let i = 0; i < 20; i++) {
    down.target = { rank: [0, 2, 1][i % 3]!, temporalId: 2 };
    run(25);
  }
  t.same(shown.faults(), []);
  t.ok(shown.longestGapMs() <= 80, `${shown.longestGapMs()} ms between two pictures`);
  t.equal(down.layerSwitches, 23, 'with the three at the beginning, where each layer begins with a key frame');
  t.ok(source.keyFrames <= 22, `${source.keyFrames} key frames`);
  const rids = new Set(shown.pictures.map((picture) => picture.source.rid));
  t.same([...rids].sort(), ['f', 'h', 'q']);
  t.end();
});

t.test('temporal layers are left at once and taken again where nothing that was left out is needed', (t) => {
  const { source, shown, down, run } = setUp();
  run(16);
  const rates: number[] = [];
  for (const temporalId of [0, 1, 0, 2, 1, 2]) {
    down.target = { rank: 2, temporalId };
    run(16);
    const before = shown.pictures.length;
    run(32);
    rates.push(shown.pictures.length - before);
  }
  t.same(shown.faults(), []);
  t.same(rates, [8, 16, 8, 32, 16, 32], 'pictures of 32');
  t.equal(source.keyFrames, 1, 'without a key frame');
  t.end();
});

t.test('who asks for few pictures gets the temporal layers that have them', (t) => {
  const { source, shown, down, run } = setUp(24);
  run(50);
  down.wish = { ...EVERYTHING, maxFps: 12, maxRank: 0 };
  t.same(
    down.options(source.nowUs).map(({ rank, temporalId }) => [rank, temporalId]),
    [
      [0, 0],
      [0, 1],
    ],
  );
  down.target = down.options(source.nowUs).at(-1);
  run(25);
  const before = shown.pictures.length;
  run(24);
  t.equal(shown.pictures.length - before, 12);
  t.same(shown.faults(), []);
  t.end();
});

t.test('a layer that its publisher turns off is left within 300 ms', (t) => {
  const { source, shown, down, run } = setUp();
  run(50);
  t.equal(down.sending?.rank, 2);
  source.layer('f').active = false;
  run(50);
  t.equal(down.sending?.rank, 1);
  source.layer('f').active = true;
  source.layer('q').active = source.layer('h').active = false;
  run(50);
  t.equal(down.sending?.rank, 2);
  t.same(shown.faults(), []);
  t.ok(shown.longestGapMs() <= 300, `${shown.longestGapMs()} ms between two pictures`);
  t.end();
});

t.test('a key frame that takes long to arrive is waited for with the old layer', (t) => {
  const { shown, down, run } = setUp();
  run(25);
  down.target = { rank: 0, temporalId: 2 };
  run(25);
  down.target = { rank: 2, temporalId: 2 };
  const slow: Buffer[] = [];
  for (let i = 0; i < 100 && down.sending?.rank !== 2; i++) {
    // Of the high layer one packet a picture gets through, of each picture the second one last.
    run(1, (packets) => {
      if (packets[0]?.readUInt32BE(8) !== 13) return packets;
      slow.push(...packets);
      return slow.length > 80 ? slow.splice(0) : slow.splice(slow.length > 1 ? 1 : 0, 1);
    });
  }
  run(25);
  t.equal(down.sending?.rank, 2);
  t.same(shown.faults(false), []);
  t.ok(shown.longestGapMs() <= 80, `${shown.longestGapMs()} ms between two pictures`);
  t.end();
});

t.test('what is lost on the way to the server and resent finds its place in the stream', (t) => {
  const { source, shown, down, run } = setUp();
  run(10);
  down.target = { rank: 2, temporalId: 1 };
  const late: Buffer[] = [];
  for (let i = 0; i < 100; i++) {
    // Each picture's packets change places, and one of many comes two pictures later.
    run(1, (packets) => {
      const kept = packets.filter((packet) => i % 7 !== 3 || packet !== packets[0] || packets.length < 3);
      late.push(...packets.filter((packet) => !kept.includes(packet)));
      return kept.reverse();
    });
    if (i % 7 === 5) for (const packet of late.splice(0)) source.receive(layerOf(source, packet), packet, true);
  }
  t.same(
    shown.faults().filter((fault) => fault.startsWith('sequence') || fault.includes('packets')),
    [],
  );
  t.ok(shown.empty > 0, 'what has to be left out late leaves an empty packet behind');
  t.end();
});

t.test('any course of targets makes a stream that can be decoded', (t) => {
  const step = fc.record({
    rank: fc.integer({ min: 0, max: 2 }),
    temporalId: fc.integer({ min: 0, max: 2 }),
    pictures: fc.integer({ min: 1, max: 12 }),
    pause: fc.boolean(),
    off: fc.constantFrom('', '', '', 'q', 'h', 'f'),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      const { source, shown, down, run } = setUp();
      for (const { rank, temporalId, pictures, pause, off } of steps) {
        for (const layer of source.layers) layer.active = layer.stream.rid !== off;
        down.target = pause ? undefined : { rank, temporalId };
        run(pictures);
      }
      const faults = shown.faults();
      if (faults.length > 0) throw new Error(faults.join('\n'));
    }),
    { numRuns: 150 },
  );
  t.end();
});

function layerOf(source: SimulcastSource, packet: Buffer): SimulcastSource['layers'][number] {
  return source.layers.find(({ stream }) => stream.ssrc === packet.readUInt32BE(8))!;
}
