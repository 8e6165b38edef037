import type { Environment } from '../graph/environment.js';

/** Everything that a command may touch of its process, so that tests can stand in for it. */
export interface CliIo {
  readonly stdout: {
    write(text: string): unknown;
    readonly isTTY?: boolean;
    /** Size of the terminal, in characters. */
    readonly columns?: number;
    readonly rows?: number;
  };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly env: Environment;
  /** Calls `listener` for every SIGINT and SIGTERM; returns what ends that. */
  onSignal(listener: () => void): () => void;
  /** Calls `listener` for every key that is pressed, Ctrl-C too, where there is a terminal; returns what ends that. */
  onKey(listener: (key: string) => void): () => void;
}

export interface CommandOption {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  /** What stands for the value in the help, of options that have one. */
  readonly value?: string;
  readonly description: string;
}

export interface CommandArguments {
  readonly positionals: readonly string[];
  /** Whether a boolean option was given. */
  flag(name: string): boolean;
  /** The value of an option, where it was given. */
  text(name: string): string | undefined;
  /** All values of an option that may be given several times. */
  texts(name: string): readonly string[];
}

/** One command of `sluice`. */
export interface Command {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** Positional arguments, as they are written in the help: `<file>`, `<file…>`, `[command]`. */
  readonly positionals: string;
  readonly options: Readonly<Record<string, CommandOption>>;
  /** A command line that works. */
  readonly example: string;
  /** Does it and gives the exit code. Errors are told by the caller. */
  run(args: CommandArguments, io: CliIo): Promise<number>;
}

/** Every command has these. */
export const COMMON_OPTIONS: Readonly<Record<string, CommandOption>> = {
  json: { type: 'boolean', description: 'Print the result, and errors, as JSON.' },
  help: { type: 'boolean', short: 'h', description: 'Print this.' },
};
