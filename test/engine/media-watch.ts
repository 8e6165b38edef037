import t from 'tap';
import { MediaWatch } from '../../src/engine/media-watch.js';
import { VirtualClock } from '../../src/media/clock.js';

/** A connection whose flows a test turns on and off. Per 100 ms: 5 packets out, 1 answered, 5 in. */
class Flow {
  readonly clock = new VirtualClock();
  readonly told: string[] = [];
  sends = false;
  answers = true;
  receives = false;
  #counts = { sent: 0, answered: 0, received: 0 };
  readonly watch = new MediaWatch({
    clock: this.clock,
    counts: () => this.#counts,
    onSilent: () => this.told.push(`silent ${this.#seconds}`),
    onUnanswered: () => this.told.push(`unanswered ${this.#seconds}`),
  });

  pass(seconds: number): void {
    for (let i = 0; i < seconds * 10; i++) {
      const { sent, answered, received } = this.#counts;
      this.#counts = {
        sent: sent + (this.sends ? 5 : 0),
        answered: answered + (this.sends && this.answers ? 1 : 0),
        received: received + (this.receives ? 5 : 0),
      };
      this.clock.advance(100);
    }
  }

  get #seconds(): number {
    return this.clock.nowUs() / 1e6;
  }
}

t.test('as long as media comes nothing is told, nor where there is none', (t) => {
  const flow = new Flow();
  flow.pass(30);
  t.notOk(flow.watch.flows);
  flow.receives = true;
  flow.pass(10);
  t.ok(flow.watch.flows);
  flow.sends = true;
  flow.receives = false;
  flow.pass(10);
  t.ok(flow.watch.flows, 'answers are media too');
  t.same(flow.told, []);
  flow.watch.close();
  t.end();
});

t.test('media that ends is told after two seconds, as long as that lasts', (t) => {
  const flow = new Flow();
  flow.receives = true;
  flow.pass(10);
  flow.receives = false;
  flow.pass(1.5);
  t.notOk(flow.watch.flows);
  t.same(flow.told, []);
  flow.pass(2);
  t.same(flow.told, ['silent 12.5', 'silent 13', 'silent 13.5']);
  flow.receives = true;
  flow.pass(5);
  t.equal(flow.told.length, 3);
  flow.watch.close();
  t.end();
});

t.test('what is sent and not answered any more is told, though media still comes', (t) => {
  const flow = new Flow();
  flow.sends = flow.receives = true;
  flow.pass(10);
  flow.answers = false;
  flow.pass(3.7);
  t.same(flow.told, ['unanswered 13.5']);
  flow.answers = true;
  flow.pass(5);
  t.equal(flow.told.length, 1);
  flow.watch.close();
  flow.answers = false;
  flow.pass(10);
  t.equal(flow.told.length, 1, 'not after it was closed');
  t.end();
});

t.test('who stops sending, and a server that never answers, are not suspected', (t) => {
  const flow = new Flow();
  flow.sends = flow.receives = true;
  flow.pass(10);
  flow.sends = false;
  flow.pass(20);
  t.same(flow.told, []);
  flow.watch.close();
  const mute = new Flow();
  mute.answers = false;
  mute.sends = mute.receives = true;
  mute.pass(20);
  t.same(mute.told, []);
  mute.watch.close();
  t.end();
});
