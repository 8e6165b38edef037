import type { CommandSlots, OptionSlot, Slot } from './slots.js';

/** A script that completes `sluice` in fish. Pure. */
export function fishScript(commands: readonly CommandSlots[]): string {
  const lines = commands.map(({ name, summary }) => {
    return `complete -c sluice -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`;
  });
  return `# Completes sluice in fish. Written by \`sluice completion fish\`.
complete -c sluice -f
${[...lines, ...commands.flatMap(commandLines)].join('\n')}
`;
}

function commandLines({ name, options, positionals }: CommandSlots): string[] {
  const begin = `complete -c sluice -n '__fish_seen_subcommand_from ${name}'`;
  return [
    ...options.map((option) => `${begin} ${optionArguments(option)}`),
    ...positionals.flatMap((slot) => {
      const found = candidates(slot);
      return found === undefined ? [] : [`${begin} -k -a ${found}`];
    }),
  ];
}

function optionArguments({ names, description, value }: OptionSlot): string {
  const spelled = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const found = value && candidates(value);
  const follows = value ? ['-x', ...(found === undefined ? [] : ['-a', found])] : [];
  return [...spelled, ...follows, '-d', quoted(description)].join(' ');
}

function candidates(slot: Slot): string | undefined {
  switch (slot.kind) {
    case 'words':
      return quoted(slot.words.join(' '));
    case 'files':
      return slot.extensions.length === 0
        ? "'(__fish_complete_path (commandline -ct))'"
        : quoted(`(__fish_complete_suffix ${slot.extensions.map((extension) => `.${extension}`).join(' ')})`);
    case 'anything':
      return undefined;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, (sign) => `\\${sign}`)}'`;
}
