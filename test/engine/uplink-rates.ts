import t from 'tap';
import { Path, quantile } from '../rtp/bandwidth-simulation.js';
import { SimulatedUplink, type UplinkInterval } from './uplink-simulation.js';

/** Waits in the path from a moment on, in ms. */
function waitsFrom(path: Path, run: () => void): number[] {
  const before = path.waitsMs.length;
  run();
  return path.waitsMs.slice(before);
}

const allActive = ({ targets }: UplinkInterval): boolean => targets.every((bps) => bps > 0);

for (const seed of [1, 2, 3]) {
  t.test(`three layers through 1.0 Mbit/s fill it and do not queue up, seed ${seed}`, (t) => {
    const path = new Path(seed);
    path.rateBps = 1_000_000;
    const uplink = new SimulatedUplink(path, 1280, 720).run(5);
    const waits = waitsFrom(path, () => uplink.run(20));
    const [p50, p90] = [quantile(waits, 0.5), quantile(waits, 0.9)];
    const arrivedBps = uplink.arrivedBps(5, 25);
    t.comment(`${Math.round(arrivedBps / 1000)} kbit/s, queue p50 ${p50.toFixed(0)} ms, p90 ${p90.toFixed(0)} ms`);
    t.ok(arrivedBps > 800_000 && arrivedBps <= 1_000_000, `${Math.round(arrivedBps)} bit/s arrive`);
    t.ok(p90 < 100, `p90 of the queue ${p90} ms`);
    t.same(
      uplink.log.at(-1)!.targets.map((bps) => bps > 0),
      [true, true, false],
    );
    t.ok(uplink.log.at(-1)!.keys < 20, 'and key frames are few');
    t.end();
  });
}

t.test('through 5 Mbit/s all layers are there at once, with what looks good', (t) => {
  const path = new Path(4);
  path.rateBps = 5_000_000;
  const uplink = new SimulatedUplink(path, 1280, 720).run(10);
  const all = uplink.log.find(allActive);
  t.comment(`all layers after ${all?.atS} s`);
  t.ok(all && all.atS <= 5);
  t.same(uplink.log.at(-1)!.targets, [150_000, 450_000, 1_700_000]);
  t.end();
});

t.test('when the path becomes narrow the queue is gone soon; when it widens again, all layers come back', (t) => {
  const path = new Path(5);
  path.rateBps = 5_000_000;
  const uplink = new SimulatedUplink(path, 1280, 720).run(8);
  path.rateBps = 400_000;
  uplink.run(3);
  const waits = waitsFrom(path, () => uplink.run(10));
  t.comment(`p90 of the queue ${quantile(waits, 0.9).toFixed(0)} ms`);
  t.ok(quantile(waits, 0.9) < 150);
  t.ok(uplink.arrivedBps(11, 21) > 250_000, 'and the path is used');
  path.rateBps = 5_000_000;
  const fromS = uplink.log.at(-1)!.atS;
  uplink.run(15);
  const back = uplink.log.find((interval) => interval.atS > fromS && allActive(interval));
  t.comment(`all layers again after ${back ? (back.atS - fromS).toFixed(1) : '-'} s`);
  t.ok(back && back.atS - fromS < 10);
  t.end();
});

t.test('a path that bears less than the lowest layer wants gets that one alone', (t) => {
  const path = new Path(6);
  path.rateBps = 70_000;
  const uplink = new SimulatedUplink(path, 1280, 720).run(20);
  const [low, high] = uplink.layers;
  const arrivedBps = uplink.arrivedBps(10, 20);
  // The last packet of the time that is looked at belongs to the time after it in part.
  t.ok(arrivedBps > 60_000 && arrivedBps < 70_500, `${Math.round(arrivedBps)} bit/s arrive`);
  t.ok(low!.framesEncoded > 80, `${low!.framesEncoded} pictures`);
  t.equal(high!.targetBps, 0);
  t.ok(low!.frameWidth <= 320);
  t.equal(low!.limitation, 'bandwidth');
  t.end();
});

t.test('loss that is not congestion does not take the layers away', (t) => {
  const path = new Path(7);
  path.rateBps = 5_000_000;
  path.loss = 0.02;
  const uplink = new SimulatedUplink(path, 1280, 720).run(20);
  t.ok(uplink.log.slice(-50).every(allActive));
  t.end();
});
