import { type RequestResponse, RequestResponse_Reason, UpdateParticipantMetadata } from '@livekit/protocol';
import type { Clock } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import type { LiveKitSignal } from './signalling/livekit.js';
import { Waits } from './waits.js';

/** Longest wait for a server to take attributes, in ms; finding another server counts too. */
const TIMEOUT_MS = 10_000;

interface Asked {
  readonly attributes: Readonly<Record<string, string>>;
  readonly onAnswer: (response: RequestResponse) => void;
}

/** What this participant says of itself in attributes: to the server that it is at, and again to the one that it goes to. */
export class OwnAttributes {
  readonly #waits: Waits;
  /** What was taken by a server. */
  readonly #taken = new Map<string, string>();
  /** What waits for its answer, by the ids of the requests. */
  readonly #asked = new Map<number, Asked>();
  #signal: Pick<LiveKitSignal, 'updateMetadata'> | undefined;
  #lastId = 0;

  constructor(clock: Clock) {
    this.#waits = new Waits(clock, TIMEOUT_MS);
  }

  /** An empty value takes one away. Errors: SLUICE_PERMISSION_DENIED, SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED. */
  async set(attributes: Readonly<Record<string, string>>): Promise<void> {
    const id = ++this.#lastId;
    const response = await this.#waits.wait<RequestResponse>(
      'the server did not take the attributes in time',
      (onAnswer) => {
        this.#asked.set(id, { attributes, onAnswer });
        this.#say(id, attributes);
      },
      () => this.#asked.delete(id),
    );
    if (response.reason !== RequestResponse_Reason.OK) throw refused(response);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === '') this.#taken.delete(name);
      else this.#taken.set(name, value);
    }
  }

  /** There is a server. */
  attach(signal: Pick<LiveKitSignal, 'updateMetadata'>): void {
    this.#signal = signal;
    if (this.#taken.size > 0) this.#say(++this.#lastId, Object.fromEntries(this.#taken));
    this.repeat();
  }

  detach(): void {
    this.#signal = undefined;
  }

  /** What has no answer may not have been heard. */
  repeat(): void {
    for (const [id, { attributes }] of this.#asked) this.#say(id, attributes);
  }

  onResponse(response: RequestResponse): void {
    this.#asked.get(response.requestId)?.onAnswer(response);
  }

  close(): void {
    this.#waits.close();
  }

  #say(requestId: number, attributes: Readonly<Record<string, string>>): void {
    this.#signal?.updateMetadata(new UpdateParticipantMetadata({ requestId, attributes: { ...attributes } }));
  }
}

function refused({ reason, message }: RequestResponse): SluiceError {
  if (reason === RequestResponse_Reason.NOT_ALLOWED)
    return new SluiceError('SLUICE_PERMISSION_DENIED', 'the token does not grant changing attributes', {
      mend: 'Sign the token with the grant canUpdateOwnMetadata.',
    });
  return new SluiceError('SLUICE_PUBLISH_FAILED', `the server did not take the attributes: ${message}`);
}
