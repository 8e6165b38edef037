import { SluiceError, type Place } from '../media/errors.js';
import type { NodeLog } from '../media/node.js';
import type { SessionAccess } from '../media/session-access.js';
import type { LoadedSession } from './load.js';
import { placed } from './placed.js';
import type { SessionConfig } from './schema.js';

/** A session that a run has joined and leaves at its end. */
export type RunningSession = SessionAccess & { disconnect(): Promise<void> };

/** Joins a session: the graph does not know how. Errors are told with the session's place. */
export type SessionFactory = (id: string, config: SessionConfig, context: SessionContext) => Promise<RunningSession>;

export interface SessionContext {
  /** Aborted when the run ends while it is still joining. */
  readonly signal: AbortSignal;
  readonly log: NodeLog;
  readonly place: Place;
}

/** The sessions of a run. */
export interface OpenSessions {
  get(id: string): RunningSession | undefined;
  /** Leaves them all; settles when that is done, and tells what went wrong on the way. */
  readonly leave: (onError: (error: unknown, id: string) => void) => Promise<void>;
}

/**
 * Joins all sessions of a graph at once; when one cannot be joined, the others are left again.
 * `onLost` is called when one ends that was not asked to. Errors: those of the factory, with the session's place.
 */
export async function openSessions(
  sessions: readonly LoadedSession[],
  factory: SessionFactory,
  options: { readonly signal: AbortSignal; readonly log: NodeLog; readonly onLost: (error: SluiceError) => void },
): Promise<OpenSessions> {
  const { signal, log, onLost } = options;
  const joining = new AbortController();
  const all = AbortSignal.any([signal, joining.signal]);
  const open = new Map<string, { session: RunningSession; forget: () => void }>();
  const leave: OpenSessions['leave'] = async (onError) => {
    await Promise.all(
      [...open].map(async ([id, { session, forget }]) => {
        forget();
        try {
          await session.disconnect();
        } catch (error) {
          onError(error, id);
        }
      }),
    );
  };
  let failure: SluiceError | undefined;
  const join = async ({ id, config, place }: LoadedSession): Promise<void> => {
    try {
      const session = await factory(id, config, { signal: all, log, place });
      const lost = (): void => {
        onLost(
          new SluiceError('SLUICE_SESSION_LOST', `session "${id}" ended`, {
            place,
            mend: 'Is the server still running?',
          }),
        );
      };
      session.on('disconnected', lost);
      open.set(id, { session, forget: () => session.off('disconnected', lost) });
    } catch (error) {
      // The first failure counts; those that it aborts only follow.
      if (!failure) failure = placed(error, place);
      joining.abort(error);
    }
  };
  await Promise.all(sessions.map(join));
  if (!failure) return { get: (id) => open.get(id)?.session, leave };
  await leave(() => undefined);
  throw failure;
}
