/** Every error code of sluice and what it means. README's table is held to this one by a test. */
export const ERROR_CODES = {
  SLUICE_CONFIG_INVALID: 'An option, a setting or a pipeline file has a value that is not allowed.',
  SLUICE_CONFIG_SYNTAX: 'A pipeline file is not well-formed YAML or JSON.',
  SLUICE_NODE_UNKNOWN: 'A pipeline names a node type that does not exist.',
  SLUICE_SESSION_UNKNOWN: 'A node asks for a session that its pipeline does not have.',
  SLUICE_LINK_UNKNOWN: 'A pipeline links to a node that it does not have.',
  SLUICE_LINK_CYCLE: 'The links of a pipeline go in a circle.',
  SLUICE_LINK_FORMATS: 'A pipeline links ports whose formats no converter brings together.',
  SLUICE_LINK_STRICT: 'A strict pipeline has a link that only a converter would make fit.',
  SLUICE_LINK_DEADLOCK: 'Two ways between the same nodes would wait for each other for ever.',
  SLUICE_PORT_UNKNOWN: 'A pipeline names an input or output that its node does not have.',
  SLUICE_PORT_AMBIGUOUS: 'A link does not say which of several outputs it means.',
  SLUICE_INPUT_MISSING: 'An input of a node has no link.',
  SLUICE_INPUT_DOUBLED: 'An input of a node has more links than it takes, or the same link twice.',
  SLUICE_OUTPUT_UNREAD: 'Nothing reads an output that has to be read.',
  SLUICE_BRANCH_INVALID: 'A node is made anew for every stream, but takes in what is not.',
  SLUICE_STREAM_MISSING: 'A program runs a pipeline without the stream of one of its inputs or outputs.',
  SLUICE_FORMAT_MISMATCH: 'Media does not have the format that its receiver was set up for.',
  SLUICE_FILE_NOT_FOUND: 'A file that should be read does not exist or cannot be opened.',
  SLUICE_FILE_UNDECODABLE: 'A file holds nothing that can be decoded.',
  SLUICE_FILE_WRITE: 'A file cannot be written.',
  SLUICE_CODEC_UNAVAILABLE: 'A codec is not available on this machine.',
  SLUICE_CODEC_FAILED: 'A codec refused its input or broke while running.',
  SLUICE_DRIVER_UNAVAILABLE: 'A driver needs a package that is not installed, or that does not run on this machine.',
  SLUICE_ADDRESS_IN_USE: 'A port that the server should listen on is taken.',
  SLUICE_KEYS_REQUIRED: 'A server on an address that others can reach needs API keys.',
  SLUICE_TOKEN_MISSING: 'A token is needed and none was given.',
  SLUICE_TOKEN_INVALID: 'A token is forged, malformed, or signed with another key.',
  SLUICE_TOKEN_EXPIRED: 'A token is past its time.',
  SLUICE_PERMISSION_DENIED: 'A token does not grant what was asked for.',
  SLUICE_CONNECT_FAILED: 'A session could not be joined.',
  SLUICE_CONNECT_TIMEOUT: 'A session was not joined in time.',
  SLUICE_SESSION_LOST: 'The connection to a session ended without being asked to.',
  SLUICE_SESSION_CLOSED: 'Something was asked of a session that has already been left.',
  SLUICE_STREAM_UNKNOWN: 'A stream is not (or no longer) in the session.',
  SLUICE_PUBLISH_FAILED: 'The server did not take what was published.',
  SLUICE_SUBSCRIBE_FAILED: 'The server did not deliver what was subscribed to.',
  SLUICE_SDP_INVALID: 'A session description cannot be read, or describes what cannot be done.',
  SLUICE_PROTOCOL: 'A peer sent something that the protocol does not allow.',
  SLUICE_ENGINE_FAILED: 'The media thread broke or did not start.',
  SLUICE_PROGRAM_MISSING: 'A program that a node runs is not installed, or cannot be started.',
  SLUICE_PROGRAM_FAILED: 'A program that a node runs failed, or did not end when it should.',
  SLUICE_SPEECH_FAILED: 'A speech engine or language model broke, took too long, or gave what cannot be used.',
  SLUICE_SERVICE_REFUSED: 'A service did not take a request: the key, the quota, or what was asked for.',
  SLUICE_RUN_UNREACHABLE: 'No running pipeline answers at an address.',
  SLUICE_PEER_LOST: 'The peer of a websocket cannot be reached, or went away without saying so.',
  SLUICE_QUEUE_OVERFLOW: 'A queue whose overflow policy is `fail` ran full.',
  SLUICE_TEST_FAILED: 'A test of a pipeline did not find what it expects.',
  SLUICE_NODE_FAILED:
    'A node broke: an error that has no code, a stream that closed too early, or one that did not close.',
  SLUICE_STATE_INVALID: 'A call came at a time when it cannot be answered.',
  SLUICE_USAGE: 'A command was called with arguments that it does not take.',
  SLUICE_INTERNAL: 'A fault in sluice itself.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Where in the user's own files or graph an error lies. `line` and `column` count from 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly node?: string;
}

export interface SluiceErrorOptions {
  readonly cause?: unknown;
  readonly place?: Place;
  /** What stood there, or what an output gives. Never a secret. */
  readonly found?: string;
  /** What would have been right there. */
  readonly expected?: string;
  /** One sentence that says what to do about it. */
  readonly mend?: string;
  /** Whether the same may work when it is tried again. */
  readonly retryable?: boolean;
}

const BRAND = Symbol.for('sluice.error');

/**
 * The one error class. Told apart by `code`, never by the text of `message`.
 * `instanceof` works across two installed copies of sluice.
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;
  readonly place: Place | undefined;
  readonly found: string | undefined;
  readonly expected: string | undefined;
  readonly mend: string | undefined;
  /** Whether the same may work when it is tried again; undefined where nobody knows. */
  readonly retryable: boolean | undefined;

  constructor(code: ErrorCode, message: string, options: SluiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.place = options.place;
    this.found = options.found;
    this.expected = options.expected;
    this.mend = options.mend;
    this.retryable = options.retryable;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** The same error with a place, where the thrower did not know it. Parts already known are kept. */
  at(place: Place): SluiceError {
    return new SluiceError(this.code, this.message, {
      cause: this.cause,
      place: { ...place, ...this.place },
      ...hintsOf(this),
    });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** An error as plain data, for a thread boundary or for `--json`. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly place?: Place;
  readonly found?: string;
  readonly expected?: string;
  readonly mend?: string;
  readonly retryable?: boolean;
}

/** Turns anything thrown into plain data; what is not a SluiceError becomes `fallback`. */
export function toErrorData(error: unknown, fallback: ErrorCode = 'SLUICE_INTERNAL'): ErrorData {
  if (error instanceof SluiceError) {
    const { code, message, place } = error;
    return { code, message, ...(place && { place }), ...hintsOf(error) };
  }
  return { code: fallback, message: error instanceof Error ? error.message : String(error) };
}

/** The way back from `toErrorData`. */
export function fromErrorData(data: ErrorData): SluiceError {
  return new SluiceError(data.code, data.message, {
    ...(data.place && { place: data.place }),
    ...hintsOf(data),
  });
}

/** Throws what an application's listener threw, when what is being told has been told to the others: as uncaught as it was. */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** `file:line:column: node "x"`, as much of it as is known; empty when nothing is. */
export function formatPlace(place: Place | undefined): string {
  if (!place) return '';
  const file = place.file === undefined ? '' : place.file;
  const position =
    place.line === undefined ? '' : `:${place.line}${place.column === undefined ? '' : `:${place.column}`}`;
  const node = place.node === undefined ? '' : `node "${place.node}"`;
  return [file + position, node].filter((part) => part !== '').join(': ');
}

type Hints = Pick<SluiceErrorOptions, 'found' | 'expected' | 'mend' | 'retryable'>;

function hintsOf({
  found,
  expected,
  mend,
  retryable,
}: {
  readonly [K in keyof Hints]: Hints[K] | undefined;
}): Hints {
  return {
    ...(found !== undefined && { found }),
    ...(expected !== undefined && { expected }),
    ...(mend !== undefined && { mend }),
    ...(retryable !== undefined && { retryable }),
  };
}
