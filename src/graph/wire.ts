import type { Reference } from './load.js';

/** What one `from` asks for: a link between two nodes whose ports are not settled yet. */
export interface Wire {
  readonly from: string;
  readonly to: string;
  /** Where the graph names it. */
  readonly output?: string;
  readonly reference: Reference;
}
