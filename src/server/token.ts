import { SignJWT, decodeJwt, errors, jwtVerify } from 'jose';
import { SluiceError } from '../media/errors.js';

/** API keys and their secrets. */
export type Keys = Readonly<Record<string, string>>;

/** What a participant may do. Names and defaults are those of LiveKit's video grant. */
export interface Permissions {
  /** Publish audio and video. Default true. */
  readonly canPublish: boolean;
  /** Receive others' tracks. Default true. */
  readonly canSubscribe: boolean;
  /** Send data packets. Default: as `canPublish`. */
  readonly canPublishData: boolean;
  /** The only sources that may be published (`camera`, `microphone`, `screen_share`, `screen_share_audio`); empty means all. */
  readonly canPublishSources: readonly string[];
  /** Change one's own name, metadata and attributes. Default false. */
  readonly canUpdateOwnMetadata: boolean;
  /** Not shown to others. Default false. */
  readonly hidden: boolean;
  /** Administer the session through the HTTP API. Default false. */
  readonly roomAdmin: boolean;
}

/** Who a verified token is for, and what it grants. */
export interface Grants {
  readonly apiKey: string;
  readonly identity: string;
  readonly name: string;
  /** The session (LiveKit: room) that may be joined. */
  readonly sessionId: string;
  readonly metadata: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** `standard`, `agent`, `ingress`, `egress` or `sip`. */
  readonly kind: string;
  /** When the token ends, in milliseconds since 1970. */
  readonly expiresAtMs: number;
  readonly permissions: Permissions;
}

/** What a verified token grants on the HTTP API. */
export interface ApiGrants {
  readonly apiKey: string;
  /** The room that may be administered. */
  readonly room: string;
  readonly roomAdmin: boolean;
  readonly roomCreate: boolean;
  readonly roomList: boolean;
}

export interface TokenOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  /** Unique in the session: whoever joins with the same identity takes the place of the other. */
  readonly identity: string;
  readonly sessionId: string;
  readonly name?: string;
  readonly metadata?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** How long the token can be used to join, in seconds. Default 6 hours. */
  readonly ttlSeconds?: number;
  /** `agent`, `ingress`, `egress` or `sip`; a standard participant when left out. */
  readonly kind?: string;
  readonly grants?: Partial<Permissions>;
}

/** A participant that is made up here. */
export interface ParticipantTokenOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly sessionId: string;
  /** Name that others see. */
  readonly name: string;
  /** Default: the name and something random. */
  readonly identity?: string | undefined;
  /** Default `standard`. */
  readonly kind?: 'standard' | 'agent' | undefined;
  readonly metadata?: string | undefined;
  /** Default: that of `createToken`. */
  readonly ttlSeconds?: number;
}

const DEFAULT_TTL_SECONDS = 6 * 60 * 60;
/** Clocks of two machines may differ by this much. */
const LEEWAY_SECONDS = 10;
const MAX_TEXT_LENGTH = 512;
const MAX_METADATA_LENGTH = 64 * 1024;

/** Signs a LiveKit access token (JWT, HS256) that lets `identity` join `sessionId`. Errors: SLUICE_CONFIG_INVALID. */
export async function createToken(options: TokenOptions): Promise<string> {
  const { apiKey, apiSecret, identity, sessionId, name, metadata, attributes, kind, grants } = options;
  const required = { apiKey, apiSecret, identity, sessionId };
  for (const [field, value] of Object.entries(required)) {
    if (value === '') throw new SluiceError('SLUICE_CONFIG_INVALID', `a token needs a ${field}, and it is empty`);
  }
  const nowSeconds = Math.floor(Date.now() / 1000);
  return await new SignJWT({
    ...(name !== undefined && { name }),
    ...(metadata !== undefined && { metadata }),
    ...(attributes !== undefined && { attributes }),
    ...(kind !== undefined && { kind }),
    video: { roomJoin: true, room: sessionId, ...grants },
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(apiKey)
    .setSubject(identity)
    .setNotBefore(nowSeconds)
    .setExpirationTime(nowSeconds + (options.ttlSeconds ?? DEFAULT_TTL_SECONDS))
    .sign(secretKey(apiSecret));
}

/** Signs a token for a participant that may tell others about itself. Errors: SLUICE_CONFIG_INVALID. */
export async function createParticipantToken(options: ParticipantTokenOptions): Promise<string> {
  const { name, identity = `${name}-${crypto.randomUUID().slice(0, 8)}`, kind, metadata, ...common } = options;
  return await createToken({
    ...common,
    name,
    identity,
    ...(kind === 'agent' && { kind }),
    ...(metadata !== undefined && { metadata }),
    grants: { canUpdateOwnMetadata: true },
  });
}

/**
 * Checks signature, time and grant of an access token.
 *
 * Only HS256 is accepted, and the token must expire some day. What is thrown never holds the token.
 * Errors: SLUICE_TOKEN_MISSING, SLUICE_TOKEN_INVALID, SLUICE_TOKEN_EXPIRED, SLUICE_PERMISSION_DENIED.
 */
export async function verifyToken(token: string | undefined, keys: Keys): Promise<Grants> {
  const claims = await verifiedClaims(token, keys, ['exp', 'sub']);
  const video = record(claims['video']);
  const sessionId = text(video['room'], MAX_TEXT_LENGTH);
  const identity = text(claims['sub'], MAX_TEXT_LENGTH);
  if (video['roomJoin'] !== true || sessionId === '') {
    throw new SluiceError('SLUICE_PERMISSION_DENIED', 'the token does not grant joining a session', {
      mend: 'Sign it with `roomJoin: true` and the session as `room`.',
    });
  }
  if (identity === '') throw new SluiceError('SLUICE_TOKEN_INVALID', 'the token names no identity');
  return {
    apiKey: text(claims['iss'], MAX_TEXT_LENGTH),
    identity,
    name: text(claims['name'], MAX_TEXT_LENGTH),
    sessionId,
    metadata: text(claims['metadata'], MAX_METADATA_LENGTH),
    attributes: textRecord(claims['attributes']),
    kind: text(claims['kind'], MAX_TEXT_LENGTH) || 'standard',
    expiresAtMs: typeof claims['exp'] === 'number' ? claims['exp'] * 1000 : 0,
    permissions: permissionsOf(video),
  };
}

/** The same for a token that is used on the HTTP API: it need not name an identity. Errors: those of `verifyToken`. */
export async function verifyApiToken(token: string | undefined, keys: Keys): Promise<ApiGrants> {
  const claims = await verifiedClaims(token, keys, ['exp']);
  const video = record(claims['video']);
  return {
    apiKey: text(claims['iss'], MAX_TEXT_LENGTH),
    room: text(video['room'], MAX_TEXT_LENGTH),
    roomAdmin: video['roomAdmin'] === true,
    roomCreate: video['roomCreate'] === true,
    roomList: video['roomList'] === true,
  };
}

async function verifiedClaims(
  token: string | undefined,
  keys: Keys,
  requiredClaims: string[],
): Promise<Record<string, unknown>> {
  if (token === undefined || token === '') {
    throw new SluiceError('SLUICE_TOKEN_MISSING', 'no access token was given', {
      mend: 'Send it as `access_token` in the query or as `Authorization: Bearer`.',
    });
  }
  try {
    const { iss } = decodeJwt(token);
    const secret = iss !== undefined && Object.hasOwn(keys, iss) ? keys[iss] : undefined;
    if (iss === undefined || secret === undefined)
      throw new SluiceError('SLUICE_TOKEN_INVALID', 'the token is signed with an unknown API key');
    const { payload } = await jwtVerify(token, secretKey(secret), {
      algorithms: ['HS256'],
      issuer: iss,
      requiredClaims,
      clockTolerance: LEEWAY_SECONDS,
    });
    return payload;
  } catch (error) {
    throw tokenError(error);
  }
}

// The causes of jose hold the payload: they are not passed on.
function tokenError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  if (error instanceof errors.JWTExpired) {
    return new SluiceError('SLUICE_TOKEN_EXPIRED', 'the token has expired', { mend: 'Sign a new one.' });
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const reason = error.claim === 'nbf' ? 'is not valid yet' : `has no usable "${error.claim}"`;
    return new SluiceError('SLUICE_TOKEN_INVALID', `the token ${reason}`);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new SluiceError('SLUICE_TOKEN_INVALID', 'the signature of the token is wrong', {
      mend: 'Sign it with the secret that belongs to its API key.',
    });
  }
  return new SluiceError('SLUICE_TOKEN_INVALID', 'the token is malformed');
}

function permissionsOf(video: Record<string, unknown>): Permissions {
  const canPublish = video['canPublish'] !== false;
  const sources = video['canPublishSources'];
  return {
    canPublish,
    canSubscribe: video['canSubscribe'] !== false,
    canPublishData: typeof video['canPublishData'] === 'boolean' ? video['canPublishData'] : canPublish,
    canPublishSources: Array.isArray(sources)
      ? sources.filter((source): source is string => typeof source === 'string')
      : [],
    canUpdateOwnMetadata: video['canUpdateOwnMetadata'] === true,
    hidden: video['hidden'] === true,
    roomAdmin: video['roomAdmin'] === true,
  };
}

function secretKey(secret: string): Uint8Array {
  return new TextEncoder().encode(secret);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown, maxLength: number): string {
  if (typeof value !== 'string') return '';
  if (value.length > maxLength)
    throw new SluiceError('SLUICE_TOKEN_INVALID', `a claim of the token is longer than ${maxLength} characters`);
  return value;
}

function textRecord(value: unknown): Record<string, string> {
  const entries = Object.entries(record(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(entries);
}
