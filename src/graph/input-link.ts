import type { InputLink } from '../media/node.js';
import type { StreamInfo } from '../media/session-access.js';
import type { PlannedLink } from './planned.js';

/** What a node is told of a link into it. `stream`: that of the branch that it comes from. Pure. */
export function inputLink({ source, flow, queue }: PlannedLink, stream?: StreamInfo): InputLink {
  // What is behind a queue does not come by the clock any more.
  const pace = queue ? 'pull' : flow;
  if (stream) return { name: stream.name, branch: stream.streamId, flow: pace, from: source };
  return { name: source.split('.')[0] ?? source, flow: pace, from: source };
}
