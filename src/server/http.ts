import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { type ErrorCode, SluiceError, toErrorData } from '../media/errors.js';
import { isLoopback } from '../media/loopback.js';
import { grantsOfRequest } from './credentials.js';
import { JOIN_PATH, SINGLE_JOIN_PATH, readClientJoin } from './join-request.js';
import type { Logger } from './log.js';
import type { ResolvedOptions } from './options.js';
import { addRoomService } from './room-service/routes.js';
import type { Rooms } from './rooms.js';
import { createParticipantToken } from './token.js';

export interface HttpContext {
  readonly options: ResolvedOptions;
  readonly log: Logger;
  /** What `/healthz` tells. */
  health(): Record<string, unknown>;
  /** New participants are let in. */
  isOpen(): boolean;
  /** The rooms that are administered over HTTP; undefined while the server starts. */
  rooms(): Rooms | undefined;
  /** The session id that `/join.json` uses when none is asked for. */
  readonly defaultSessionId: string;
}

/** Of participants, mostly: those of strangers are fewer. */
const MAX_CONNECTIONS = 20_000;
const MAX_HEADER_BYTES = 64 * 1024;
const JOIN_NAME_MAX_LENGTH = 100;
const TOKEN_TTL_SECONDS = 60 * 60;

/**
 * The HTTP side of the server: health, the page, tokens for development, and what LiveKit clients ask over HTTP.
 * Does not listen yet. Signalling takes the `upgrade` events of its `server`.
 */
export async function createHttp(context: HttpContext): Promise<FastifyInstance> {
  const app = fastify({
    // The request to join at /rtc/v1 has a session description in its address.
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    bodyLimit: 64 * 1024,
    connectionTimeout: 20_000,
    keepAliveTimeout: 5_000,
    requestTimeout: 10_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  app.setErrorHandler((error, _request, reply) => {
    context.log.warn({ err: error }, 'a request failed');
    void reply.code(500).send({ code: 'SLUICE_INTERNAL', message: 'the request failed' });
  });
  app.get('/healthz', (_request, reply) => {
    const open = context.isOpen();
    return reply.code(open ? 200 : 503).send({ status: open ? 'ok' : 'draining', ...context.health() });
  });
  addSignallingProbes(app, context);
  if (context.options.development) addDevelopmentTokens(app, context);
  await addRoomService(app, { keys: context.options.keys, log: context.log, rooms: () => context.rooms() });
  await addPage(app);
  return app;
}

/** What clients ask by HTTP when a socket did not open: every answer is readable from another origin. */
function addSignallingProbes(app: FastifyInstance, context: HttpContext): void {
  const open = (reply: FastifyReply): FastifyReply => reply.header('access-control-allow-origin', '*');
  app.options('/rtc/*', (_request, reply) =>
    open(reply).header('access-control-allow-headers', 'authorization').code(204).send(),
  );
  const upgrade = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    open(reply).code(426).type('text/plain').send('this address takes WebSocket connections');
  const validate = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    open(reply).type('text/plain');
    if (!context.isOpen()) return await reply.code(503).send('the server lets nobody in any more');
    try {
      readClientJoin(request.raw, await grantsOfRequest(request.raw, context.options.keys));
      return await reply.send('success');
    } catch (error) {
      const { code, message } = toErrorData(error);
      return await reply.code(httpStatus(code)).send(message);
    }
  };
  for (const path of [JOIN_PATH, SINGLE_JOIN_PATH]) {
    app.get(path, upgrade);
    app.get(`${path}/validate`, validate);
  }
}

/** The HTTP status that a refused token is answered with. */
export function httpStatus(code: ErrorCode): number {
  if (code === 'SLUICE_PERMISSION_DENIED') return 403;
  if (code.startsWith('SLUICE_TOKEN')) return 401;
  return code === 'SLUICE_INTERNAL' ? 500 : 400;
}

/** `/join.json` gives anyone on this machine, but no other site's page, a token signed with the development keys. */
function addDevelopmentTokens(app: FastifyInstance, { options, defaultSessionId }: HttpContext): void {
  app.get('/join.json', async (request, reply) => {
    if (!isOwnPage(request)) {
      return await reply
        .code(403)
        .send({ code: 'SLUICE_PERMISSION_DENIED', message: 'tokens are given to the page of this server only' });
    }
    const query = request.query as Record<string, unknown>;
    const sessionId = queryText(query['session']) || defaultSessionId;
    const name = queryText(query['name']) || 'Guest';
    const [apiKey, apiSecret] = Object.entries(options.keys)[0] ?? ['', ''];
    const token = await createParticipantToken({ apiKey, apiSecret, sessionId, name, ttlSeconds: TOKEN_TTL_SECONDS });
    return await reply
      .header('cache-control', 'no-store')
      .send({ url: `ws://${request.headers.host ?? ''}`, token, sessionId });
  });
}

/**
 * A request that this machine's browser made for a page of this server: it comes from loopback, was sent to a loopback name
 * (a name that others control may be made to resolve to 127.0.0.1), and no other origin asked for it.
 */
function isOwnPage(request: FastifyRequest): boolean {
  const { host, origin, 'sec-fetch-site': site } = request.headers;
  if (!isLoopback(request.socket.remoteAddress ?? '') || host === undefined) return false;
  if (!isLoopback(host.replace(/:\d+$/, ''))) return false;
  if (origin !== undefined && origin !== `http://${host}`) return false;
  return site === undefined || site === 'same-origin' || site === 'none';
}

function queryText(value: unknown): string {
  return typeof value === 'string' ? value.trim().slice(0, JOIN_NAME_MAX_LENGTH) : '';
}

async function addPage(app: FastifyInstance): Promise<void> {
  const root = join(packageRoot(), 'dist', 'page');
  if (existsSync(join(root, 'index.html'))) {
    await app.register(fastifyStatic, { root, wildcard: true });
    return;
  }
  app.get('/', (_request, reply) =>
    reply
      .code(404)
      .type('text/plain')
      .send('The page was not built. Run `npm run build` in the folder of sluice and start the server again.\n'),
  );
}

/** The folder of the nearest package.json upwards: this file runs from dist/ and from a test's build folder. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new SluiceError('SLUICE_INTERNAL', 'the package of the server has no package.json');
    folder = parent;
  }
  return folder;
}
