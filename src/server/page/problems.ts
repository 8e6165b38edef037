/** Something that went wrong, in words for the person in front of the page. */
export interface Problem {
  /** Stable name, for tests and for styling. */
  readonly code: string;
  readonly tone: 'info' | 'warning' | 'error';
  readonly title: string;
  /** What to do about it. */
  readonly mend: string;
  /** It may pass by itself, so joining is tried again. */
  readonly retry?: boolean;
  /** Another access token is needed. */
  readonly needsToken?: boolean;
}

/** The parts of an error that these tables look at: a DOMException, a TicketError or an error of livekit-client. */
export interface ErrorFacts {
  readonly name?: string;
  readonly message?: string;
  readonly reasonName?: string;
  readonly status?: number;
}

export type DeviceKind = 'microphone' | 'camera';

/** Why a microphone or camera could not be opened. @param error what `getUserMedia` threw. */
export function deviceProblem(kind: DeviceKind, error: ErrorFacts): Problem {
  const Kind = kind === 'camera' ? 'Camera' : 'Microphone';
  const without = kind === 'camera' ? 'others will not see you' : 'you can listen, but others will not hear you';
  switch (error.name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      return warning(
        `${kind}-denied`,
        `${Kind} is blocked`,
        `Allow it in the site settings beside the address, then switch it on again. Until then ${without}.`,
      );
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return warning(
        `${kind}-missing`,
        `No ${kind} found`,
        `Plug one in and switch it on here. Until then ${without}.`,
      );
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return warning(
        `${kind}-in-use`,
        `${Kind} is in use`,
        `Close the program that holds it, then switch it on again. Until then ${without}.`,
      );
    case 'OverconstrainedError':
      return warning(`${kind}-unsuitable`, `${Kind} does not fit`, 'Choose another one in the list of devices.');
    case 'EndedError':
      return warning(
        `${kind}-lost`,
        `${Kind} was unplugged`,
        `Plug it in or choose another one. Until then ${without}.`,
      );
    default:
      return warning(
        `${kind}-failed`,
        `${Kind} does not start`,
        `${sentence(error.message) || 'The browser gave no reason.'} You can join without it.`,
      );
  }
}

/** The browser hides microphone and camera from pages that came by plain http from another machine. */
export function insecureProblem(port: string): Problem {
  const local = `http://localhost${port === '' ? '' : `:${port}`}`;
  return warning(
    'insecure',
    'Microphone and camera need a secure address',
    `Open ${local} on the machine that runs the server, or put the server behind https. You can join and listen.`,
  );
}

/** A browser without WebRTC. */
export function browserProblem(): Problem {
  return error('browser', 'This browser cannot take part', 'Use a current Chrome, Edge, Firefox or Safari.');
}

/** Why joining failed. @param facts what `fetchTicket` or livekit-client's `connect` threw. */
export function joinProblem(facts: ErrorFacts): Problem {
  if (facts.name === 'TicketError') return ticketProblem(facts);
  // livekit-client calls every failure before the session opens "server unreachable"; the status tells more.
  if (facts.status === 401 || facts.status === 403) return refused(facts.message);
  switch (facts.reasonName) {
    case 'NotAllowed':
      return refused(facts.message);
    case 'ServerUnreachable':
    case 'WebSocket':
    case 'ServiceNotFound':
      return unreachable();
    case 'Timeout':
      return { ...unreachable(), code: 'timeout', title: 'The server does not answer in time' };
    case 'LeaveRequest':
      return error('session-ended', 'The session does not take you in', 'It has ended or is full. Try again later.');
    case 'Cancelled':
      return { code: 'cancelled', tone: 'info', title: 'Joining was stopped', mend: 'Press Join to try again.' };
    default:
      break;
  }
  if (/could not establish pc connection/i.test(facts.message ?? '')) {
    return {
      ...error('media-blocked', 'Media does not get through', 'A firewall may block UDP to the server. Trying again.'),
      retry: true,
    };
  }
  return error(
    'join-failed',
    'Joining failed',
    `${sentence(facts.message) || 'No reason was given.'} Press Join to try again.`,
  );
}

/** Why a session that had been joined is over. @param reason name of livekit's DisconnectReason; empty when unknown. */
export function endProblem(reason: string): Problem {
  switch (reason) {
    case 'CLIENT_INITIATED':
      return {
        code: 'left',
        tone: 'info',
        title: 'You left the session',
        mend: 'Microphone and camera stay here for a rejoin.',
      };
    case 'DUPLICATE_IDENTITY':
      return error(
        'joined-elsewhere',
        'You joined from somewhere else',
        'Only one of both can stay. Join again to take over.',
      );
    case 'PARTICIPANT_REMOVED':
      return error('removed', 'You were taken out of the session', 'Ask whoever runs it, then join again.');
    case 'ROOM_DELETED':
    case 'ROOM_CLOSED':
      return error('session-ended', 'The session has ended', 'Join again to open it anew.');
    case 'SERVER_SHUTDOWN':
      return {
        ...error('server-stopped', 'The server has stopped', 'You are back as soon as it runs again.'),
        retry: true,
      };
    default:
      return {
        ...error('lost', 'The connection was lost', 'Check the network, and that the server still runs.'),
        retry: true,
      };
  }
}

/** Why a microphone or camera that works here does not reach the others. */
export function publishProblem(kind: DeviceKind, facts: ErrorFacts): Problem {
  const what = kind === 'camera' ? 'picture' : 'voice';
  if (/permission/i.test(facts.message ?? '')) {
    return warning(
      'publish-refused',
      `Your ${what} is not allowed here`,
      'The token lets you listen only. Ask for another one.',
    );
  }
  return warning(
    'publish-failed',
    `Your ${what} does not reach the session`,
    'Switch it off and on again, or leave and rejoin.',
  );
}

/** Seconds to wait before joining is tried again, for the first attempt (0) and those after it. */
export function retryDelaySeconds(attempt: number): number {
  return [2, 4, 8, 15][attempt] ?? 30;
}

function ticketProblem(facts: ErrorFacts): Problem {
  const status = facts.status ?? 0;
  if (status === 0) return unreachable();
  if (status === 401) return refused(facts.message);
  if (status === 403 || status === 404) {
    return {
      code: 'token-needed',
      tone: 'info',
      title: 'This server asks for an access token',
      mend: 'Paste one below.',
      needsToken: true,
    };
  }
  if (status >= 500) return { ...unreachable(), code: 'server-error', title: 'The server has a problem' };
  return error('join-refused', 'The server refused', sentence(facts.message) || 'Check the name and the session.');
}

function refused(message: string | undefined): Problem {
  const expired = /expired|exp\b/i.test(message ?? '');
  return {
    ...error(
      expired ? 'token-expired' : 'token-refused',
      expired ? 'The access token has expired' : 'The access token was refused',
      `${sentence(message)} Ask for another one and paste it below.`.trim(),
    ),
    needsToken: true,
  };
}

function unreachable(): Problem {
  return { ...error('unreachable', 'The server cannot be reached', 'Check that it runs: npm start'), retry: true };
}

function error(code: string, title: string, mend: string): Problem {
  return { code, tone: 'error', title, mend };
}

function warning(code: string, title: string, mend: string): Problem {
  return { code, tone: 'warning', title, mend };
}

/** Someone else's message as a sentence: capital first letter, full stop, not endless, and no token in it. */
function sentence(message: string | undefined): string {
  const text = (message ?? '')
    .replace('could not establish signal connection: ', '')
    .replace(/[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, '…')
    .trim()
    .slice(0, 200);
  if (text === '') return '';
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}
