import type { IncomingMessage } from 'node:http';
import { type Grants, type Keys, verifyToken } from './token.js';

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/';
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/** The query of a request. */
export function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? '';
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
}

/**
 * Verifies the token that a request carries: `access_token` in the query as browsers send it, or `Authorization: Bearer` as other clients do.
 * Errors: those of `verifyToken`.
 */
export async function grantsOfRequest(request: IncomingMessage, keys: Keys): Promise<Grants> {
  return await verifyToken(bearerOf(request) ?? queryOf(request).get('access_token') ?? undefined, keys);
}

/** The token in the `Authorization` header of a request. */
export function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}
