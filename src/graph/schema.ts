import { z } from 'zod';
import { SessionSettings } from '../session/settings.js';

/** One link into a node: `id` or `id.output`. */
const Reference = z.string().min(1).describe('An id of a node, or `id.output` for one of several outputs.');

const References = z.union([Reference, z.array(Reference).min(1)]);

const From = z.union([References, z.record(z.string(), References)], {
  error: 'Expected an id, `id.output`, a list of them, or a map from inputs to them',
});

/** What every node has besides the options of its type. */
export const NodeBase = z.looseObject({
  // YAML reads a bare `null` as nothing, and `null` is a type of node.
  type: z.preprocess((type) => (type === null ? 'null' : type), z.string().min(1)),
  from: From.optional().describe(
    'What flows in: an id, `id.output`, a list of them, or a map from the names of inputs to them. Inputs are found by format.',
  ),
});
export type NodeConfig = z.output<typeof NodeBase>;

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
      'Address of the server, or several with commas between them, or `embedded` (the default) for one inside this process. ' +
        'Environment: SLUICE_URL.',
    ),
  sessionId: z.string().min(1).optional().describe('Session to join. Environment: SLUICE_SESSION_ID.'),
  name: z.string().min(1).default('sluice').describe('Name that other participants see.'),
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
  sessions: z.record(Id, SessionConfig).default({}).describe('Sessions to take part in, by id.'),
  nodes: z
    .record(Id, NodeBase)
    .refine((nodes) => Object.keys(nodes).length > 0, 'Too small: a pipeline needs at least one node')
    .describe('Nodes by id.'),
});
export type GraphFile = z.output<typeof GraphFile>;
