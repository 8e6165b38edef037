import t from 'tap';
import { FanOut, type FanOutMember } from '../../src/server/forwarding/fan-out.js';

/** Members that send packets when it is their turn, and turns that are run by hand. */
function setUp(packetsPerTurn: number) {
  const turns: (() => void)[] = [];
  const faults: unknown[] = [];
  const log: string[] = [];
  const fanOut = new FanOut({
    nowUs: () => 42,
    soon: (task) => turns.push(task),
    onFault: (error) => faults.push(error),
    packetsPerTurn,
  });
  const member = (name: string, packets: number): FanOutMember => ({
    flush: (nowUs) => {
      log.push(`${name}@${nowUs}`);
      return packets;
    },
  });
  const turn = (): string[] => {
    turns.shift()?.();
    return log.splice(0);
  };
  return { fanOut, member, turn, turns, faults };
}

t.test('a picture for many leaves in turns, each subscriber at once', (t) => {
  const { fanOut, member, turn, turns } = setUp(25);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) fanOut.wake(member(name, 10));
  t.equal(turns.length, 1);
  t.same(turn(), ['a@42', 'b@42', 'c@42']);
  const late = member('late', 10);
  fanOut.wake(late);
  fanOut.wake(late);
  t.same(turn(), ['d@42', 'e@42', 'f@42'], 'who was there first is served first');
  t.same(turn(), ['late@42'], 'once, however often it asked');
  t.equal(turns.length, 0, 'and nothing runs while nobody waits');
  t.end();
});

t.test('who has left gets no turn, and who fails does not stop the others', (t) => {
  const { fanOut, member, turn, faults } = setUp(100);
  const gone = member('gone', 1);
  fanOut.wake(gone);
  fanOut.wake({
    flush: () => {
      throw new Error('no');
    },
  });
  fanOut.wake(member('last', 1));
  fanOut.remove(gone);
  t.same(turn(), ['last@42']);
  t.equal(faults.length, 1);
  t.end();
});
