import type { Clock } from '../media/clock.js';
import { SluiceError, type Place } from '../media/errors.js';
import type { NodeContext, NodeLog } from '../media/node.js';
import type { SessionAccess, StreamInfo } from '../media/session-access.js';
import type { GivenToRun } from './given-streams.js';
import type { Plan, PlannedNode } from './planned.js';
import type { RunCounts } from './report.js';

/** How far the long work of a node has come. */
export interface Progress {
  readonly node: string;
  readonly text: string;
  /** 0 to 1, where it is known. */
  readonly fraction?: number;
}

/** What a run has for all its nodes. */
export interface RunParts {
  readonly plan: Plan;
  readonly clock: Clock;
  readonly log: NodeLog;
  readonly counts: RunCounts;
  readonly given: GivenToRun;
  readonly session: (id: string) => SessionAccess | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What one making of a node is for. */
export interface Making {
  /** The stream of its branch. */
  readonly branch?: StreamInfo;
  readonly onBranchUpdated?: NonNullable<NodeContext['onBranchUpdated']>;
  /** Aborted when what is made is over. */
  readonly signal: AbortSignal;
  readonly isRestart: boolean;
}

/** What a node is given to run with. */
export function nodeContext({ id, place }: PlannedNode, making: Making, parts: RunParts): NodeContext {
  const { plan, clock, log, counts, given, session, onProgress } = parts;
  return {
    id,
    clock,
    log,
    baseDir: plan.baseDir,
    ...making,
    session: (name) => session(name) ?? unknownSession(name, place),
    given: { input: () => given.input(id, place), output: () => given.output(id, place) },
    dropped: (reason, count = 1) => {
      counts.dropped(id, reason, count);
    },
    measured: (name, ms) => {
      counts.measured(id, name, ms);
    },
    progress: (text, fraction) => {
      onProgress?.({ node: id, text, ...(fraction !== undefined && { fraction }) });
    },
  };
}

function unknownSession(id: string, place: Place): never {
  throw new SluiceError('SLUICE_SESSION_UNKNOWN', `there is no session "${id}"`, { place });
}
