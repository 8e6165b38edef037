import t from 'tap';
import {
  deviceProblem,
  endProblem,
  insecureProblem,
  joinProblem,
  publishProblem,
  retryDelaySeconds,
  type Problem,
} from '../../src/server/page/problems.js';

const ALL: Problem[] = [];

function seen(problem: Problem): Problem {
  ALL.push(problem);
  return problem;
}

t.test('what getUserMedia throws is told by device and cause', (t) => {
  const causes = [
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'in-use'],
    ['OverconstrainedError', 'unsuitable'],
    ['EndedError', 'lost'],
    ['SomethingElse', 'failed'],
  ] as const;
  for (const [name, cause] of causes) {
    for (const kind of ['microphone', 'camera'] as const) {
      const problem = seen(deviceProblem(kind, { name, message: 'it broke' }));
      t.equal(problem.code, `${kind}-${cause}`);
      t.equal(problem.tone, 'warning', 'joining without the device stays possible');
      t.match(problem.title.toLowerCase(), kind);
    }
  }
  t.match(
    deviceProblem('camera', { message: 'it broke' }).mend,
    /^It broke\./,
    'the words of an unknown error are kept',
  );
  t.end();
});

t.test('a page from another machine over http is told where to go', (t) => {
  t.match(seen(insecureProblem('7880')).mend, 'http://localhost:7880');
  t.match(insecureProblem('').mend, 'http://localhost ');
  t.end();
});

t.test('tickets that are not given: a token is asked for, a dead server is tried again', (t) => {
  const ticket = (status: number, message = ''): Problem => seen(joinProblem({ name: 'TicketError', status, message }));
  for (const status of [403, 404]) t.match(ticket(status), { code: 'token-needed', needsToken: true, tone: 'info' });
  t.match(ticket(0), { code: 'unreachable', retry: true });
  t.match(ticket(503), { code: 'server-error', retry: true });
  t.match(ticket(400, 'the name is too long'), { code: 'join-refused', mend: 'The name is too long.' });
  t.notOk(ticket(400).retry, 'what will fail again is not tried again');
  t.end();
});

t.test('what livekit-client throws on joining', (t) => {
  const refused = (reasonName: string, message = ''): Problem => seen(joinProblem({ reasonName, message }));
  t.match(refused('NotAllowed', 'signature verification failed'), { code: 'token-refused', needsToken: true });
  t.match(refused('NotAllowed', 'token is expired'), { code: 'token-expired', needsToken: true });
  // As livekit-client 2.23 really does it, with the whole token in the message of the LiveKit server.
  const wrapped = joinProblem({
    reasonName: 'ServerUnreachable',
    status: 401,
    message:
      'could not establish signal connection: invalid token: eyJhbGciOiJI.eyJ2aWRlbyI6.c2lnbmF0dXJl, error: bad signature',
  });
  t.match(wrapped, { code: 'token-refused', needsToken: true, mend: /^Invalid token: …, error: bad signature\. / });
  t.match(refused('ServerUnreachable'), { code: 'unreachable', retry: true });
  t.match(refused('Timeout'), { code: 'timeout', retry: true });
  t.match(refused('LeaveRequest'), { code: 'session-ended' });
  t.match(joinProblem({ message: 'could not establish pc connection' }), { code: 'media-blocked', retry: true });
  t.match(seen(joinProblem({ message: 'odd' })), { code: 'join-failed', mend: /^Odd\. / });
  t.end();
});

t.test('a session that is over: only what may pass by itself is tried again', (t) => {
  for (const reason of ['SERVER_SHUTDOWN', '', 'SIGNAL_CLOSE', 'UNKNOWN_REASON']) {
    t.equal(seen(endProblem(reason)).retry, true, `${reason} is tried again`);
  }
  for (const reason of [
    'CLIENT_INITIATED',
    'DUPLICATE_IDENTITY',
    'PARTICIPANT_REMOVED',
    'ROOM_DELETED',
    'ROOM_CLOSED',
  ]) {
    t.notOk(seen(endProblem(reason)).retry, `${reason} is left alone`);
  }
  t.equal(endProblem('CLIENT_INITIATED').tone, 'info');
  t.end();
});

t.test('what works here and does not reach the others', (t) => {
  t.equal(seen(publishProblem('camera', { message: 'insufficient permissions' })).code, 'publish-refused');
  t.equal(seen(publishProblem('microphone', { message: 'timed out' })).code, 'publish-failed');
  t.end();
});

t.test('every problem has a title and says what to do', (t) => {
  for (const { code, title, mend } of ALL) {
    t.match(code, /^[a-z-]+$/);
    t.ok(title.length > 5 && !title.endsWith('.'), `${code}: ${title}`);
    t.match(mend, /^[A-Z].{5,}/, `${code}: ${mend}`);
  }
  t.end();
});

t.test('waiting between attempts grows, up to half a minute', (t) => {
  t.same(
    [0, 1, 2, 3, 4, 50].map((attempt) => retryDelaySeconds(attempt)),
    [2, 4, 8, 15, 30, 30],
  );
  t.end();
});
