import type { Test } from 'tap';
import { VirtualClock } from '../../src/media/clock.js';
import { openSession } from '../../src/session/open-session.js';
import type { OpenSessionOptions, Session } from '../../src/session/session.js';
import { roomDriver } from '../../src/unit-test/room/room-driver.js';
import { Room } from '../../src/unit-test/room/room.js';
import { VirtualTime } from '../../src/unit-test/virtual-time.js';

/** Joins a scripted room by name. Its clock runs, as fast as the machine, until the test is over. */
export function scriptedRoom(
  t: Test,
): (name: string, options?: Pick<OpenSessionOptions, 'settings'>) => Promise<Session> {
  const clock = new VirtualClock();
  const room = new Room('scripted', clock);
  const beat = (): void => void clock.after(1000, beat);
  beat();
  let end = (): void => undefined;
  const running = new VirtualTime(clock).until(new Promise<void>((resolve) => (end = resolve)));
  t.teardown(async () => {
    end();
    await running;
  });
  return async (name, options = {}) => {
    const session = await openSession(roomDriver({ room, name, identity: name }), { url: '', token: '', ...options });
    t.teardown(() => session.disconnect());
    return session;
  };
}
