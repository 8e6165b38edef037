import type { IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import {
  type AddTrackRequest,
  JoinRequest,
  type SessionDescription,
  type SyncState,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from '@livekit/protocol';
import { SluiceError } from '../media/errors.js';
import { pathOf, queryOf } from './credentials.js';
import { changeDescription } from './description.js';
import type { Grants } from './token.js';

/** A join request larger than this, packed or unpacked, is refused. */
const MAX_JOIN_BYTES = 512 * 1024;

/** Where clients with two connections join, and where those that have one for both ways. */
export const JOIN_PATH = '/rtc';
export const SINGLE_JOIN_PATH = '/rtc/v1';

/** What a client says as it joins, whichever way it says it. */
export interface ClientJoin {
  /** The client has one connection for both ways, and always offers. */
  readonly single: boolean;
  readonly autoSubscribe: boolean;
  /** The id of the participant that the client wants to be again, after its signalling connection broke; undefined to join anew. */
  readonly resumes: string | undefined;
  /** What it wants to be called instead of what its token says; '' and {} to keep that. */
  readonly metadata: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Its first requests, which came with the join. */
  readonly addTracks: readonly AddTrackRequest[];
  readonly offer: SessionDescription | undefined;
  readonly syncState: SyncState | undefined;
}

/**
 * Reads the request that opens a signalling connection, or asks whether it could, and checks it against what was granted.
 * Errors: SLUICE_PROTOCOL, SLUICE_PERMISSION_DENIED.
 */
export function readClientJoin(request: IncomingMessage, grants: Grants): ClientJoin {
  const join = readJoin(request);
  const changes = join.metadata !== '' || Object.keys(join.attributes).length > 0;
  if (changes && !grants.permissions.canUpdateOwnMetadata)
    throw new SluiceError('SLUICE_PERMISSION_DENIED', 'the token does not grant changing metadata or attributes');
  if (!changeDescription(grants, { ...join, name: '' })) throw invalid('metadata and attributes are too long');
  return join;
}

function readJoin(request: IncomingMessage): ClientJoin {
  const query = queryOf(request);
  const packed = query.get('join_request');
  if (packed !== null && packed !== '') return fromMessage(unpack(packed));
  if (pathOf(request).startsWith(SINGLE_JOIN_PATH)) throw invalid('join_request is missing');
  return {
    single: false,
    autoSubscribe: flag(query.get('auto_subscribe') ?? '1'),
    resumes: flag(query.get('reconnect')) ? (query.get('sid') ?? '') : undefined,
    metadata: '',
    attributes: readAttributes(query.get('attributes')),
    addTracks: [],
    offer: undefined,
    syncState: undefined,
  };
}

function fromMessage(message: JoinRequest): ClientJoin {
  return {
    single: true,
    autoSubscribe: message.connectionSettings?.autoSubscribe ?? false,
    resumes: message.reconnect ? message.participantSid : undefined,
    metadata: message.metadata,
    attributes: message.participantAttributes,
    addTracks: message.addTrackRequests,
    offer: message.publisherOffer,
    syncState: message.syncState,
  };
}

function unpack(packed: string): JoinRequest {
  if (!/^[\w+/-]+=*$/.test(packed)) throw invalid('join_request is not base64');
  try {
    const wrapped = WrappedJoinRequest.fromBinary(Buffer.from(packed, 'base64url'));
    const zipped = wrapped.compression === WrappedJoinRequest_Compression.GZIP;
    const bytes = zipped ? gunzipSync(wrapped.joinRequest, { maxOutputLength: MAX_JOIN_BYTES }) : wrapped.joinRequest;
    return JoinRequest.fromBinary(bytes);
  } catch (cause) {
    throw invalid('join_request cannot be read', cause);
  }
}

/** Base64 of a JSON object of strings. */
function readAttributes(encoded: string | null): Record<string, string> {
  if (encoded === null || encoded === '') return {};
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString());
    if (typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string')) {
      return value as Record<string, string>;
    }
  } catch {
    // Told below.
  }
  throw invalid('the attributes are not an object of strings');
}

function flag(value: string | null): boolean {
  return value === '1' || value === 'true';
}

function invalid(message: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_PROTOCOL', message, { cause });
}
