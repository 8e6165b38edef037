/** Something outside of the program that a node cannot work without. Named without secrets; `mend` says how it is had. */
export type Need =
  /** A program that is started: a name that is looked for in PATH, or a path. */
  | { readonly kind: 'program'; readonly name: string; readonly mend?: string }
  /** A file or folder that has to be there, by its absolute path. */
  | { readonly kind: 'file'; readonly path: string; readonly mend?: string }
  /** A package of Node.js that is loaded when it is needed. */
  | { readonly kind: 'package'; readonly name: string; readonly mend?: string }
  /** A server that answers to HTTP: any answer will do but that it does not know the one who asks. */
  | {
      readonly kind: 'service';
      readonly url: string;
      /** May hold secrets: never print them. */
      readonly headers?: Readonly<Record<string, string>>;
      /** How a key is had that it does not refuse. */
      readonly mend?: string;
    };
