/** What it takes to join: where, with which token, and the name of the session that the token opens. */
export interface Ticket {
  readonly url: string;
  readonly token: string;
  readonly sessionId: string;
}

/** A ticket was not given. `status` is the HTTP status, 0 when the server could not be reached. */
class TicketError extends Error {
  override readonly name = 'TicketError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Asks the server that served the page (`base`, its address) for a ticket. Throws a TicketError. */
export async function fetchTicket(base: string, session: string, name: string): Promise<Ticket> {
  const address = new URL('join.json', base);
  address.searchParams.set('session', session);
  address.searchParams.set('name', name);
  let response: Response;
  try {
    response = await fetch(address, { headers: { accept: 'application/json' } });
  } catch (cause) {
    throw new TicketError(0, cause instanceof Error ? cause.message : 'no answer');
  }
  const body = await readBody(response);
  if (!response.ok) throw new TicketError(response.status, textOf(body, 'message') || textOf(body, 'error'));
  const token = textOf(body, 'token');
  if (token === '') throw new TicketError(502, 'the answer holds no token');
  return { url: textOf(body, 'url') || socketAddress(base), token, sessionId: textOf(body, 'sessionId') || session };
}

/** A ticket for the server that served the page, from a token that somebody handed out. */
export function ticketFromToken(base: string, token: string, session: string): Ticket {
  return { url: socketAddress(base), token, sessionId: sessionOfToken(token) || session };
}

/** The session that an access token opens; empty when the token cannot be read. Nothing is verified: the server does that. */
export function sessionOfToken(token: string): string {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return textOf(fieldOf(claims, 'video'), 'room');
  } catch {
    return '';
  }
}

function socketAddress(base: string): string {
  const address = new URL('.', base);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return address.href.replace(/\/$/, '');
}

async function readBody(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

function textOf(value: unknown, key: string): string {
  const field = fieldOf(value, key);
  return typeof field === 'string' ? field : '';
}
