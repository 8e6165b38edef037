import type { CommandSlots, OptionSlot, Slot } from './slots.js';

/** A script that completes `sluice` in zsh; a file `_sluice` in `fpath`, or sourced. Pure. */
export function zshScript(commands: readonly CommandSlots[]): string {
  return `#compdef sluice
# Completes sluice in zsh. Written by \`sluice completion zsh\`.
_sluice() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _sluice ]]; then
  _sluice "$@"
else
  compdef _sluice sluice
fi
`;
}

function commandCase({ name, options, positionals, repeats }: CommandSlots): string {
  const places = positionals.map((slot, index) => {
    const place = repeats && index === positionals.length - 1 ? '*' : String(index + 1);
    return quoted(`${place}:${name}:${action(slot)}`);
  });
  const lines = [...options.flatMap(optionSpecs), ...places].map((spec) => `        ${spec}`);
  return `    ${name})\n      _arguments \\\n${lines.join(' \\\n')}\n      ;;`;
}

/** An option may stand there once. */
function optionSpecs({ names, description, value }: OptionSlot): string[] {
  const told = description.replaceAll(/[[\]\\:]/g, (sign) => `\\${sign}`);
  const follows = value ? `:value:${action(value)}` : '';
  return names.map((name) =>
    quoted(`(${names.join(' ')})${name}${value && name.startsWith('--') ? '=' : ''}[${told}]${follows}`),
  );
}

function action(slot: Slot): string {
  switch (slot.kind) {
    case 'words':
      return `(${slot.words.join(' ')})`;
    case 'files':
      return slot.extensions.length === 0 ? '_files' : `_files -g "*.(${slot.extensions.join('|')})"`;
    case 'anything':
      return ' ';
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
