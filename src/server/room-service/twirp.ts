/** Error codes of Twirp, version 7, and the HTTP status of each. */
const STATUS = {
  invalid_argument: 400,
  malformed: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  bad_route: 404,
  failed_precondition: 412,
  resource_exhausted: 429,
  internal: 500,
  unimplemented: 501,
} as const;

export type TwirpCode = keyof typeof STATUS;

/** What a call is refused with. Its message is told to the caller. */
export class TwirpError extends Error {
  override readonly name = 'TwirpError';
  readonly code: TwirpCode;

  constructor(code: TwirpCode, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

/** A message of the protocol. */
export interface TwirpMessage {
  toBinary(): Uint8Array;
  toJsonString(): string;
}

/** The class of a message of the protocol. */
export interface TwirpMessageClass<M extends TwirpMessage> {
  fromBinary(bytes: Uint8Array): M;
  fromJsonString(json: string, options: { ignoreUnknownFields: boolean }): M;
}

export const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/protobuf';

/** Reads the body of a call. Errors: `malformed`; `bad_route` for another content type, as Twirp has it. */
export function decodeMessage<M extends TwirpMessage>(
  type: TwirpMessageClass<M>,
  contentType: string,
  body: Buffer,
): M {
  if (contentType !== JSON_TYPE && contentType !== PROTOBUF_TYPE)
    throw new TwirpError('bad_route', `bodies are ${JSON_TYPE} or ${PROTOBUF_TYPE}`);
  try {
    if (contentType === PROTOBUF_TYPE) return type.fromBinary(body);
    return type.fromJsonString(body.length === 0 ? '{}' : body.toString(), { ignoreUnknownFields: true });
  } catch {
    // What the parser says repeats what it was given.
    throw new TwirpError('malformed', 'the body cannot be read as the request of this method');
  }
}

/** The body of an answer, in the type that the call came in. */
export function encodeMessage(message: TwirpMessage, contentType: string): Buffer {
  return contentType === PROTOBUF_TYPE ? Buffer.from(message.toBinary()) : Buffer.from(message.toJsonString());
}
