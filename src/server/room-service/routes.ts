import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { toErrorData } from '../../media/errors.js';
import { bearerOf } from '../credentials.js';
import type { Logger } from '../log.js';
import type { Rooms } from '../rooms.js';
import { type ApiGrants, type Keys, verifyApiToken } from '../token.js';
import { METHODS, UNIMPLEMENTED } from './methods.js';
import { JSON_TYPE, TwirpError, encodeMessage } from './twirp.js';

export interface RoomServiceContext {
  readonly keys: Keys;
  readonly log: Logger;
  /** Undefined while the server starts. */
  readonly rooms: () => Rooms | undefined;
}

/** Metadata of 64 Ki characters in JSON, with room for what has to be escaped. */
const MAX_BODY_BYTES = 512 * 1024;

declare module 'fastify' {
  interface FastifyRequest {
    apiGrants: ApiGrants | undefined;
  }
}

/**
 * LiveKit's RoomService over HTTP: Twirp, in JSON or protobuf. The token is checked before a body is read; it has to come
 * in the `Authorization` header, which no page of another origin can send.
 */
export async function addRoomService(app: FastifyInstance, context: RoomServiceContext): Promise<void> {
  await app.register(
    (scope, _options, done) => {
      scope.decorateRequest('apiGrants', undefined);
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES }, (_request, body, parsed) => {
        parsed(null, body);
      });
      scope.setErrorHandler((error, _request, reply) => refuse(reply, error, context.log));
      scope.addHook('onRequest', async (request) => {
        request.apiGrants = await grantsOf(request, context.keys);
      });
      scope.post<{ Params: { method: string } }>('/livekit.RoomService/:method', (request, reply) =>
        answer(request, request.params.method, reply, context),
      );
      scope.all('/*', () => {
        throw badRoute();
      });
      done();
    },
    { prefix: '/twirp' },
  );
}

async function grantsOf(request: FastifyRequest, keys: Keys): Promise<ApiGrants> {
  try {
    return await verifyApiToken(bearerOf(request.raw), keys);
  } catch (error) {
    throw new TwirpError('unauthenticated', toErrorData(error).message);
  }
}

function answer(
  request: FastifyRequest,
  name: string,
  reply: FastifyReply,
  { rooms: current }: RoomServiceContext,
): FastifyReply {
  const method = METHODS.get(name);
  const rooms = current();
  if (UNIMPLEMENTED.has(name)) throw new TwirpError('unimplemented', `this server has no ${name}`);
  if (!method || !request.apiGrants) throw badRoute();
  if (!rooms) throw new TwirpError('internal', 'the server is starting');
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const message = method(rooms, request.apiGrants, contentType, body);
  return reply.type(contentType).send(encodeMessage(message, contentType));
}

function badRoute(): TwirpError {
  return new TwirpError('bad_route', 'there is no such method');
}

function refuse(reply: FastifyReply, error: unknown, log: Logger): FastifyReply {
  const refusal = error instanceof TwirpError ? error : fromHttp(error, log);
  const body = JSON.stringify({ code: refusal.code, msg: refusal.message });
  // Clients look for exactly this type, without a charset.
  return reply.code(refusal.status).header('content-type', JSON_TYPE).send(Buffer.from(body));
}

/** What the HTTP library refuses: bodies that are too large, or not what their headers say. */
function fromHttp(error: unknown, log: Logger): TwirpError {
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new TwirpError(
      statusCode === 413 ? 'resource_exhausted' : 'malformed',
      message ?? 'the request is malformed',
    );
  log.error({ err: error }, 'a call of the room service failed');
  return new TwirpError('internal', 'the call failed');
}
