import { COMMON_OPTIONS, type Command } from '../command.js';

/** What can stand at one place of a command line. */
export type Slot =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** Files with one of these extensions, any where there are none. */
  | { readonly kind: 'files'; readonly extensions: readonly string[] }
  | { readonly kind: 'anything' };

/** An option of a command as shells complete it. */
export interface OptionSlot {
  /** `--name`, and `-n` where there is one. */
  readonly names: readonly string[];
  readonly description: string;
  /** What follows it, where something does. */
  readonly value?: Slot;
}

/** A command as shells complete it. */
export interface CommandSlots {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionSlot[];
  readonly positionals: readonly Slot[];
  /** The last of the positionals stands for any number of them. */
  readonly repeats: boolean;
}

const PIPELINES = ['yaml', 'yml', 'json', 'js', 'mjs', 'ts', 'mts'];
const MODULES = ['js', 'mjs', 'ts', 'mts'];

/** What can stand where, of every command. `nodes`: types of node. Pure. */
export function slotsOf(commands: readonly Command[], nodes: readonly string[]): readonly CommandSlots[] {
  const names = commands.map((command) => command.name);
  return commands.map(({ name, summary, options, positionals }) => {
    const words = positionals.split(' ').filter((word) => word !== '');
    return {
      name,
      summary,
      options: Object.entries({ ...options, ...COMMON_OPTIONS }).map(([long, { short, value, description }]) => ({
        names: [`--${long}`, ...(short === undefined ? [] : [`-${short}`])],
        description,
        ...(value !== undefined && { value: valueSlot(value) }),
      })),
      positionals: words.map((word) => positionalSlot(word.replaceAll(/[<>[\]…]/g, ''), names, nodes)),
      repeats: words.at(-1)?.includes('…') === true,
    };
  });
}

function positionalSlot(word: string, commands: readonly string[], nodes: readonly string[]): Slot {
  switch (word) {
    case 'file':
    case 'files':
      return { kind: 'files', extensions: PIPELINES };
    case 'node':
    case 'line':
      return { kind: 'words', words: nodes };
    case 'command':
      return { kind: 'words', words: commands };
    default:
      return valueSlot(word);
  }
}

function valueSlot(value: string): Slot {
  if (value.includes('|')) return { kind: 'words', words: value.split('|') };
  if (value === 'file') return { kind: 'files', extensions: [] };
  return value === 'module' ? { kind: 'files', extensions: MODULES } : { kind: 'anything' };
}
