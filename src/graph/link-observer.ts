import type { PipelineValue } from '../media/media-value.js';
import type { StreamInfo } from '../media/session-access.js';
import type { PlannedLink } from './planned.js';

/**
 * Asked for every link when it is made, in each branch anew (`branch` is its stream): what it gives is called with every value
 * that comes onto the link, before its reader has it. Values are shared and not to be changed. It must not throw.
 */
export type LinkObserver = (
  link: PlannedLink,
  branch: StreamInfo | undefined,
) => ((value: PipelineValue) => void) | undefined;
