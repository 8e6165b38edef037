import { z } from 'zod';
import { queueShape } from '../media/media-queue.js';
import { SessionSettings } from '../session/settings.js';

/** One link into a node: `id` or `id.output`. */
const Reference = z.string().min(1).describe('An id of a node, or `id.output` for one of several outputs.');

const References = z.union([Reference, z.array(Reference).min(1)]);

const From = z.union([References, z.record(z.string(), References)], {
  error: 'Expected an id, `id.output`, a list of them, or a map from inputs to them',
});

/** A queue on a link. */
export const QueueConfig = z
  .strictObject(queueShape)
  .describe(
    'Puts a queue on each link into the node. Without it there is one where live media meets a reader that waits.',
  );
export type QueueConfig = z.output<typeof QueueConfig>;

/** What to do when a node fails. */
const FAILURE_ACTIONS = ['fail', 'restart', 'end-branch'] as const;

const RestartConfig = z.strictObject({
  action: z.literal('restart').describe('Make the node anew.'),
  maxRestarts: z
    .int()
    .min(1)
    .max(1000)
    .default(5)
    .describe('How often in a row; then it counts as a failure. A node that ran for 10 s begins to count anew.'),
  backoffMs: z
    .number()
    .min(0)
    .max(60_000)
    .default(200)
    .describe('Wait before the first restart, in ms; doubled each time.'),
  maxBackoffMs: z.number().min(0).max(600_000).default(10_000).describe('Longest wait, in ms.'),
});

export const OnErrorConfig = z
  .union([z.enum(FAILURE_ACTIONS), RestartConfig], {
    error: 'Expected fail, restart, end-branch, or { action: restart, … }',
  })
  .describe(
    'When the node fails: `fail` ends the graph. `end-branch` ends the branch of a stream that it is in; elsewhere the node, what only it reads, and what reads only it, which first gets what was on its way; the rest goes on. ' +
      '`restart` makes the node anew: a subscriber subscribes again, a file begins from its start, what is written goes to another file with a number in its name; meanwhile live media waits in the queue of the link, or is dropped, counted, where there is none. ' +
      'When it fails too often, it counts as a failure of a node without `onError`. A converter that was put in does as the nodes that read it say, where they say the same. Default: `end-branch` in a branch, which makes `sluice run` end with code 1 unless it is written; otherwise `fail`.',
  );

/** What every node has besides the options of its type. */
export const NodeBase = z.looseObject({
  // YAML reads a bare `null` as nothing, and `null` is a type of node.
  type: z.preprocess((type) => (type === null ? 'null' : type), z.string().min(1)),
  from: From.optional().describe(
    'What flows in: an id, `id.output`, a list of them, or a map from the names of inputs to them. Inputs are found by format.',
  ),
  queue: QueueConfig.optional(),
  onError: OnErrorConfig.optional(),
});
export type NodeConfig = z.output<typeof NodeBase>;

/** What belongs to the graph in every node, and is no option of its type. */
export const GRAPH_KEYS = Object.keys(NodeBase.shape);

/** What happens when a node fails; how often and how soon it is made anew. */
export type OnError = { readonly action: 'fail' | 'end-branch' } | z.output<typeof RestartConfig>;

/** `onError` as it is written, in full. Pure. */
export function onErrorOf(written: z.output<typeof OnErrorConfig>): OnError {
  if (typeof written !== 'string') return written;
  return written === 'restart' ? RestartConfig.parse({ action: 'restart' }) : { action: written };
}

/** A session of a graph. What is missing comes from the environment, see load.ts. */
export const SessionConfig = z.strictObject({
  driver: z
    .enum(['webrtc', 'vonage'])
    .optional()
    .describe(
      'Backend: `webrtc` (the default) for the embedded server and LiveKit servers, `vonage` for the Vonage Video API, by the package @vonage/video-connector.',
    ),
  applicationId: z
    .string()
    .min(1)
    .optional()
    .describe('Vonage application that the session belongs to. Environment: SLUICE_APPLICATION_ID.'),
  url: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Address of the server, or several with commas between them, or `embedded` (the default) or `embedded:<port>` for one inside this process. ' +
        'Environment: SLUICE_URL.',
    ),
  sessionId: z.string().min(1).optional().describe('Session to join. Environment: SLUICE_SESSION_ID.'),
  name: z.string().min(1).default('sluice').describe('Name that other participants see.'),
  kind: z
    .enum(['standard', 'agent'])
    .optional()
    .describe(
      'What others see it as (`standard` when left out), where its token is made here: what an `agent` says about the streams of others, as in captions, is believed.',
    ),
  token: z.string().min(1).optional().describe('Access token. Environment: SLUICE_TOKEN.').meta({ secret: true }),
  apiKey: z.string().min(1).optional().describe('Key to sign a token with. Environment: SLUICE_API_KEY.'),
  apiSecret: z
    .string()
    .min(1)
    .optional()
    .describe('Secret of that key. Environment: SLUICE_API_SECRET.')
    .meta({ secret: true }),
  settings: SessionSettings.optional().describe('How the session is set up.'),
});
export type SessionConfig = z.output<typeof SessionConfig>;

/** Ids are what `from` can name: letters, digits, `_` and `-`. */
const Id = z.string().regex(/^[A-Za-z_][\w-]*$/, 'Invalid id: use letters, digits, _ and -, starting with a letter');

/** A pipeline file. */
export const GraphFile = z.strictObject({
  description: z.string().optional().describe('What the pipeline does, in one line.'),
  strict: z.boolean().default(false).describe('Refuse links whose formats differ, instead of putting converters in.'),
  sessions: z.record(Id, SessionConfig).default({}).describe('Sessions to take part in, by id.'),
  nodes: z
    .record(Id, NodeBase)
    .refine((nodes) => Object.keys(nodes).length > 0, 'Too small: a pipeline needs at least one node')
    .describe('Nodes by id.'),
});
export type GraphFile = z.output<typeof GraphFile>;
