import t, { type Test } from 'tap';
import { run } from './program.js';

/** Runs one hazard in a process of its own, which has to end by itself and in order. */
async function survive(t: Test, hazard: string, program = 'transports'): Promise<Record<string, unknown>> {
  const { ended, results, stderr } = await run(program, { args: [hazard] });
  t.equal(ended, 0, 'no abort and no hang');
  t.equal(stderr, '');
  return results[0] ?? {};
}

t.test('hazards of the native library', { jobs: 2, timeout: 200_000 }, async (t) => {
  t.test('an exception in a callback is reported, and neither ends the process nor the transport', async (t) => {
    const { faults, states, users } = await survive(t, 'throwingCallbacks');
    t.same(faults, [
      'channel own',
      'channel sluice',
      'message hello',
      'packet 0',
      'packet 1',
      'packet 2',
      'state closed',
      'state connected',
      'state connecting',
    ]);
    t.equal(states, 'closed');
    t.equal(users, 0, 'it was closed all the same');
  });

  t.test('a fault handler that throws does no harm', async (t) => {
    t.same(await survive(t, 'throwingFaultHandler'), { packets: 2 });
  });

  t.test('sending too early, too much, too late: false, and counted', async (t) => {
    const outcomes = await survive(t, 'sendAtAnyTime');
    t.same(outcomes, {
      early: false,
      connected: true,
      largest: true,
      tooLarge: false,
      empty: false,
      tooShort: false,
      tooOld: false,
      after: true,
      arrived: [
        [5000, 40],
        [5001, 1400],
        [5003, 40],
      ],
      failures: 5,
      closing: false,
      closed: false,
      failuresAfter: 7,
      answered: 200,
    });
  });

  t.test('what is sent as soon as it says connected leaves', async (t) => {
    t.same(await survive(t, 'sendAtOnce'), { sent: 40, received: 20 });
  });

  t.test('closing in any order and at any time', async (t) => {
    const { users, refused, usersAtEnd } = await survive(t, 'closeInAnyOrder');
    t.same(users, Array<number>(9).fill(0));
    t.equal(refused, 'SLUICE_SDP_INVALID');
    t.equal(usersAtEnd, 0);
  });

  t.test('descriptions that cannot be used are refused, candidates that cannot are ignored', async (t) => {
    const { codes, users } = await survive(t, 'badDescriptions');
    t.same(codes, Array<string>(4).fill('SLUICE_SDP_INVALID'));
    t.equal(users, 0);
  });

  t.test('what the garbage collector may take is held for as long as it is needed', async (t) => {
    const { ended, results, stderr } = await run('collected', { flags: ['--expose-gc'], timeoutMs: 30_000 });
    t.same([ended, stderr], [0, '']);
    t.same(results, [{ forth: true, back: true, sent: 60 }, { users: 0 }]);
  });

  t.test('a port that is taken is SLUICE_ADDRESS_IN_USE', async (t) => {
    t.same(await survive(t, 'busyPort', 'udp-port'), {
      busy: 'SLUICE_ADDRESS_IN_USE',
      usersAfter: 0,
      twice: 'SLUICE_ADDRESS_IN_USE',
      users: 0,
    });
  });

  t.test('garbage on the media port leaves those who are connected alone', async (t) => {
    const { sent, received, whole, back, states, faults } = await survive(t, 'garbageDatagrams', 'udp-port');
    t.ok((sent as number) > 150, `${String(sent)} packets were sent meanwhile`);
    t.equal(received, sent);
    t.equal(whole, true);
    t.equal(back, 60);
    t.same(states, ['connected', 'connected']);
    t.same(faults, []);
  });

  t.test('the one track of a transport gets RTP of every SSRC and payload type, and every kind of RTCP', async (t) => {
    const { sent, forth, back } = await survive(t, 'oneTrackGetsAll');
    t.equal(sent, 199);
    t.same(forth, { refused: [], missing: [] });
    t.same(back, { refused: [], missing: [] });
  });
});
