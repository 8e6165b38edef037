import t from 'tap';
import { BandwidthEstimator } from '../../src/engine/rtp/bandwidth/bandwidth-estimator.js';
import { Flow, type FlowOptions, Path, Simulation, quantile } from './bandwidth-simulation.js';

const Mbps = 1e6;
const kbps = 1e3;

function scene(path: Partial<Path>, options: FlowOptions = {}, seed = 1): { path: Path; flow: Flow; run: Simulation } {
  const made = Object.assign(new Path(seed), path);
  const flow = new Flow(made, options);
  return { path: made, flow, run: new Simulation(made, flow) };
}

/** For messages of assertions. */
const told = (bps: number): string => `${Math.round(bps / 1000)} kbit/s`;

t.test('settles on what the path bears', (t) => {
  for (const [rateBps, startBps, seed] of [
    [1 * Mbps, 300 * kbps, 1],
    [1 * Mbps, 2 * Mbps, 2],
    [5 * Mbps, 300 * kbps, 3],
    [300 * kbps, 300 * kbps, 4],
  ] as const) {
    t.test(`${told(rateBps)}, from ${told(startBps)}`, (t) => {
      const { path, flow, run } = scene({ rateBps }, { startBps }, seed);
      run.run(25);
      for (let at = 5; at < 25; at += 5) {
        const arrived = flow.arrivedBps(at, at + 5);
        t.ok(arrived >= 0.8 * rateBps && arrived <= rateBps, `${told(arrived)} from ${at} s on`);
      }
      const { least, most } = flow.targets(5, 25);
      t.ok(least > 0.65 * rateBps && most < 1.35 * rateBps, `${told(least)} to ${told(most)}`);
      const wait = quantile(path.waitsMs, 0.9);
      t.ok(wait < 100, `p90 of queueing delay ${wait.toFixed(1)} ms`);
      t.equal(flow.lost < 120, true, `${flow.lost} packets lost`);
      t.end();
    });
  }
  t.end();
});

t.test('a receiver whose stamps come in clumps up to 5 ms late looks like no congestion', (t) => {
  const wide = scene({ rateBps: 20 * Mbps, stallMs: 5 }, { mediaBps: 3 * Mbps });
  wide.run.run(30);
  t.equal(
    wide.flow.log.find(({ use }) => use === 'overuse'),
    undefined,
  );
  t.ok(wide.flow.targets(2, 30).least >= 3 * Mbps, told(wide.flow.targets(2, 30).least));
  const narrow = scene({ rateBps: 1 * Mbps, stallMs: 5 });
  narrow.run.run(30);
  t.ok(narrow.flow.arrivedBps(5, 30) > 0.8 * Mbps, told(narrow.flow.arrivedBps(5, 30)));
  t.ok(quantile(narrow.path.waitsMs, 0.9) < 100);
  t.end();
});

t.test('nor do stalls of the receiver, which let many packets through at once', (t) => {
  for (const [stallMs, stallEveryMs] of [
    [30, 20],
    [50, 200],
    [100, 500],
    [300, 1000],
  ] as const) {
    const { flow, run } = scene({ rateBps: 20 * Mbps, stallMs, stallEveryMs }, { mediaBps: 3 * Mbps });
    run.run(30);
    t.ok(flow.arrivedBps(10, 30) > 0.9 * 3 * Mbps, `${stallMs} ms: ${told(flow.arrivedBps(10, 30))}`);
  }
  t.end();
});

t.test('5 Mbit/s are found within 5 s by probes', (t) => {
  for (let seed = 1; seed <= 4; seed++) {
    const { flow, run } = scene({ rateBps: 5 * Mbps }, { startBps: 300 * kbps }, seed);
    run.run(5);
    t.ok(flow.arrivedBps(4, 5) > 0.8 * 5 * Mbps, told(flow.arrivedBps(4, 5)));
  }
  t.end();
});

t.test('a limit of 300 kbit/s that is lifted is noticed within 10 s, though no more than that is sent', (t) => {
  for (let seed = 1; seed <= 4; seed++) {
    const { path, flow, run } = scene({ rateBps: 300 * kbps }, { mediaBps: 300 * kbps, wantedBps: 3 * Mbps }, seed);
    run.run(12);
    t.ok(flow.targets(5, 12).most < 450 * kbps, 'held down by the limit');
    path.rateBps = 10 * Mbps;
    run.run(10);
    t.ok(flow.targets(21.5, 22).least >= 3 * Mbps, told(flow.targets(21.5, 22).least));
    const { sentBytes, paddingBytes } = flow.sender;
    t.ok(paddingBytes < 0.1 * sentBytes, `${paddingBytes} of ${sentBytes} bytes are padding`);
  }
  t.end();
});

t.test('loss that has nothing to do with the rate does not slow down', (t) => {
  for (let seed = 1; seed <= 4; seed++) {
    const wide = scene({ rateBps: 20 * Mbps, loss: 0.05 }, { mediaBps: 3 * Mbps }, seed);
    wide.run.run(30);
    // What arrives is 5 % less than what was sent.
    t.ok(wide.flow.arrivedBps(5, 30) > 0.8 * 3 * Mbps, `of 3 Mbit/s: ${told(wide.flow.arrivedBps(5, 30))}`);
    const seen = wide.flow.log.slice(50).reduce((sum, { loss }) => sum + loss, 0) / (wide.flow.log.length - 50);
    t.ok(Math.abs(seen - 0.05) < 0.012, `${(seen * 100).toFixed(1)} % is seen`);
    const narrow = scene({ rateBps: 3 * Mbps, loss: 0.05 }, {}, seed);
    narrow.run.run(30);
    t.ok(narrow.flow.arrivedBps(5, 30) > 0.6 * 3 * Mbps, `on 3 Mbit/s: ${told(narrow.flow.arrivedBps(5, 30))}`);
    t.ok(quantile(narrow.path.waitsMs, 0.9) < 100);
  }
  t.end();
});

t.test('loss by a queue too short for any delay is kept low', (t) => {
  const { path, flow, run } = scene({ rateBps: 3 * Mbps, queueMs: 40 });
  run.run(10);
  path.rateBps = 1 * Mbps;
  run.run(1);
  t.ok(flow.estimator.targetBps < 1.2 * Mbps, `${told(flow.estimator.targetBps)} after a second`);
  const { lost } = flow;
  const { sentPackets } = flow.sender;
  run.run(20);
  const share = (flow.lost - lost) / (flow.sender.sentPackets - sentPackets);
  t.ok(share < 0.03, `${(share * 100).toFixed(1)} % lost`);
  t.ok(flow.arrivedBps(12, 31) > 0.7 * Mbps, told(flow.arrivedBps(12, 31)));
  t.end();
});

t.test('30 ms of jitter do not slow down', (t) => {
  for (let seed = 1; seed <= 4; seed++) {
    const { flow, run } = scene({ rateBps: 20 * Mbps, jitterMs: 30 }, { mediaBps: 3 * Mbps }, seed);
    run.run(25);
    t.ok(flow.arrivedBps(8, 25) > 0.95 * 3 * Mbps, told(flow.arrivedBps(8, 25)));
  }
  const both = scene({ rateBps: 20 * Mbps, jitterMs: 30, loss: 0.05 }, { mediaBps: 3 * Mbps });
  both.run.run(25);
  t.ok(both.flow.arrivedBps(8, 25) > 0.6 * 3 * Mbps, `with loss ${told(both.flow.arrivedBps(8, 25))}`);
  t.end();
});

t.test('nor do loss and jitter that begin while little is sent', (t) => {
  for (let seed = 1; seed <= 8; seed++) {
    const media = { mediaBps: 75 * kbps, startBps: 600 * kbps };
    const { path, flow, run } = scene({ rateBps: 20 * Mbps, inOrder: true }, media, seed);
    run.run(3);
    Object.assign(path, { loss: 0.05, jitterMs: 30 });
    run.run(30);
    t.ok(flow.targets(3, 33).least >= 120 * kbps, `seed ${seed}: not below ${told(flow.targets(3, 33).least)}`);
    t.ok(flow.targets(10, 33).least > 1.5 * 75 * kbps, told(flow.targets(10, 33).least));
    // Both of a burst: it may come to less, but not to nothing, and is over when it ends.
    path.loss = 0.2;
    run.run(2);
    path.loss = 0.05;
    run.run(3);
    t.ok(flow.targets(33, 38).least >= 100 * kbps, `burst: not below ${told(flow.targets(33, 38).least)}`);
    path.rateBps = 45 * kbps;
    run.run(6);
    t.ok(flow.targets(40, 44).least < 60 * kbps, `a narrow path is noticed: ${told(flow.targets(40, 44).least)}`);
  }
  t.end();
});

t.test('a burst of 20 % loss for two seconds is got over within a second', (t) => {
  const { path, flow, run } = scene({ rateBps: 20 * Mbps }, { mediaBps: 3 * Mbps });
  run.run(10);
  path.loss = 0.2;
  run.run(2);
  t.ok(flow.targets(10, 12).least > 0.5 * 3 * Mbps, `not below ${told(flow.targets(10, 12).least)}`);
  path.loss = 0;
  run.run(5);
  t.ok(flow.targets(13, 17).least >= 3 * Mbps, told(flow.targets(13, 17).least));
  t.end();
});

t.test('a path that becomes narrow is noticed within a second', (t) => {
  for (let seed = 1; seed <= 4; seed++) {
    const { path, flow, run } = scene({ rateBps: 3 * Mbps }, {}, seed);
    run.run(10);
    path.rateBps = 500 * kbps;
    run.run(1);
    t.ok(flow.estimator.targetBps < 500 * kbps, `${told(flow.estimator.targetBps)} after a second`);
    run.run(5);
    const before = path.waitsMs.length;
    run.run(10);
    t.ok(flow.targets(11, 26).least > 250 * kbps, `not below ${told(flow.targets(11, 26).least)}`);
    t.ok(flow.arrivedBps(14, 26) > 0.75 * 500 * kbps, told(flow.arrivedBps(14, 26)));
    const wait = quantile(path.waitsMs.slice(before), 0.9);
    t.ok(wait < 120, `the queue drains: p90 ${wait.toFixed(0)} ms`);
  }
  t.end();
});

t.test('a dip of a second or two is made up for', (t) => {
  // Whenever it comes: probes go out every five seconds anyway.
  for (const atS of [10, 11, 12, 13, 14]) {
    const { path, flow, run } = scene({ rateBps: 3 * Mbps });
    run.run(atS);
    path.rateBps = 500 * kbps;
    run.run(1.5);
    t.ok(flow.estimator.targetBps < 500 * kbps);
    path.rateBps = 3 * Mbps;
    run.run(2);
    t.ok(flow.estimator.targetBps > 0.45 * 3 * Mbps, `2 s after ${told(flow.estimator.targetBps)}`);
  }
  t.end();
});

t.test('packets of probes that are too much for the path do not count as its loss', (t) => {
  const { path, flow, run } = scene({ rateBps: 1 * Mbps, queueMs: 25 }, { mediaBps: 600 * kbps, wantedBps: 3 * Mbps });
  run.run(30);
  t.ok(flow.lost > 10, `${flow.lost} packets lost`);
  const { least } = flow.targets(3, 30);
  t.ok(least > 0.75 * path.rateBps, told(least));
  t.end();
});

t.test('other traffic that comes and goes', (t) => {
  const { path, flow, run } = scene({ rateBps: 3 * Mbps });
  run.run(10);
  path.crossBps = 1.5 * Mbps;
  run.run(15);
  t.ok(
    flow.arrivedBps(15, 25) > 0.75 * 1.5 * Mbps && flow.arrivedBps(15, 25) < 1.6 * Mbps,
    told(flow.arrivedBps(15, 25)),
  );
  path.crossBps = 0;
  run.run(12);
  t.ok(flow.arrivedBps(33, 37) > 0.7 * 3 * Mbps, `afterwards ${told(flow.arrivedBps(33, 37))}`);
  t.end();
});

t.test('two flows share within a factor of two', (t) => {
  const path = Object.assign(new Path(3), { rateBps: 2 * Mbps });
  const [first, second] = [new Flow(path), new Flow(path)];
  const run = new Simulation(path, first);
  run.run(10);
  const both = new Simulation(path, first, second);
  both.nowUs = run.nowUs;
  both.run(50);
  const [a, b] = [first.arrivedBps(20, 60), second.arrivedBps(20, 60)];
  t.ok(a / b < 2 && b / a < 2, `${told(a)} and ${told(b)}`);
  t.ok(a + b > 0.75 * 2 * Mbps);
  t.ok(quantile(path.waitsMs, 0.9) < 100, `p90 ${quantile(path.waitsMs, 0.9).toFixed(0)} ms`);
  t.end();
});

t.test('ten silent seconds change nothing', (t) => {
  const { flow, run } = scene({ rateBps: 4 * Mbps }, { mediaBps: 2.5 * Mbps });
  run.run(10);
  const before = flow.estimator.targetBps;
  flow.mediaBps = 0;
  run.run(10);
  t.equal(flow.estimator.targetBps, before);
  flow.mediaBps = 2.5 * Mbps;
  run.run(5);
  t.ok(flow.arrivedBps(20.2, 21) > 0.9 * 2.5 * Mbps, `at once ${told(flow.arrivedBps(20.2, 21))}`);
  t.ok(flow.targets(20, 25).least > 0.8 * before, told(flow.targets(20, 25).least));
  t.end();
});

t.test('who sends little learns little: no growth beyond one and a half times what arrives, but for probes', (t) => {
  const { flow, run } = scene({ rateBps: 20 * Mbps }, { mediaBps: 500 * kbps, wantedBps: 0 });
  run.run(60);
  t.ok(flow.targets(0, 60).most < 1.5 * 650 * kbps, told(flow.targets(0, 60).most));
  t.ok(flow.targets(50, 60).least > 500 * kbps, 'enough for what is sent');
  t.equal(flow.sender.paddingBytes, 0);
  flow.sender.wantedBps = 2 * Mbps;
  run.run(3);
  t.ok(flow.estimator.targetBps >= 2 * Mbps, told(flow.estimator.targetBps));
  t.equal(flow.estimator.applicationLimited, true);
  const padding = flow.sender.paddingBytes;
  run.run(20);
  t.equal(flow.sender.paddingBytes, padding, 'what is wanted is there: no more probes');
  t.end();
});

t.test('without feedback the rate comes down by steps, not below a quarter, and comes back', (t) => {
  const { path, flow, run } = scene({ rateBps: 4 * Mbps }, { mediaBps: 2.5 * Mbps });
  run.run(8);
  const before = flow.estimator.targetBps;
  path.deaf = true;
  run.run(1.5);
  t.ok(flow.estimator.targetBps < 0.85 * before, `after 1.5 s ${told(flow.estimator.targetBps)}`);
  run.run(8);
  t.equal(Math.round(flow.estimator.targetBps), Math.round(before / 4));
  path.deaf = false;
  run.run(0.6);
  t.ok(flow.estimator.targetBps > 0.75 * before, `soon after it came back ${told(flow.estimator.targetBps)}`);
  t.end();
});

t.test('REMB caps at once, and probes do not go beyond it', (t) => {
  const { flow, run } = scene({ rateBps: 4 * Mbps });
  run.run(5);
  flow.estimator.remb(700 * kbps, run.nowUs);
  t.equal(flow.estimator.targetBps, 700 * kbps);
  const padding = flow.sender.paddingBytes;
  run.run(15);
  t.equal(flow.sender.paddingBytes, padding);
  t.ok(flow.targets(5.1, 20).most <= 700 * kbps);
  t.ok(flow.arrivedBps(6, 20) > 0.8 * 700 * kbps);
  flow.estimator.remb(3 * Mbps, run.nowUs);
  run.run(7);
  t.ok(flow.arrivedBps(25, 27) > 2 * Mbps, told(flow.arrivedBps(25, 27)));
  t.end();
});

t.test('without transport-wide feedback REMB and receiver reports rule', (t) => {
  const estimator = new BandwidthEstimator({ startBps: 300 * kbps });
  const send = (fromS: number, seconds: number, bps: number, fractionLost: number): void => {
    for (let us = fromS * 1e6; us < (fromS + seconds) * 1e6; us += 10_000) {
      estimator.packetSent(undefined, bps / 800, us);
      estimator.tick(us);
      if (us % 1e6 === 0) estimator.receiverReport(fractionLost, 40_000, us);
    }
  };
  send(0, 10, 300 * kbps, 0);
  t.ok(
    estimator.targetBps > 400 * kbps && estimator.targetBps <= 470 * kbps,
    `grows slowly: ${told(estimator.targetBps)}`,
  );
  t.equal(estimator.roundTripUs, 40_000);
  estimator.remb(4 * Mbps, 10e6);
  t.equal(estimator.targetBps, 4 * Mbps, 'the receiver knows more');
  send(10, 10, 4 * Mbps, 0);
  t.ok(estimator.targetBps >= 4 * Mbps);
  send(20, 3, 4 * Mbps, 0.3);
  t.ok(estimator.targetBps < 3.2 * Mbps, `loss is a brake: ${told(estimator.targetBps)}`);
  estimator.remb(250 * kbps, 23e6);
  t.equal(estimator.targetBps, 250 * kbps);
  t.end();
});

t.test('another path is begun anew', (t) => {
  const { path, flow, run } = scene({ rateBps: 500 * kbps }, { startBps: 400 * kbps });
  run.run(10);
  flow.estimator.reset();
  t.equal(flow.estimator.targetBps, 400 * kbps);
  path.rateBps = 5 * Mbps;
  path.delayMs = 80;
  run.run(5);
  t.ok(flow.arrivedBps(14, 15) > 0.75 * 5 * Mbps, told(flow.arrivedBps(14, 15)));
  t.end();
});
