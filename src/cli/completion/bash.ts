import type { CommandSlots, Slot } from './slots.js';

/** A script that completes `sluice` in bash 3.2 and later. Pure. */
export function bashScript(commands: readonly CommandSlots[]): string {
  return `# Completes sluice in bash. Written by \`sluice completion bash\`.
_sluice_words() { COMPREPLY+=($(compgen -W "$1" -- "$word")); }
_sluice_files() {
  local IFS=$'\\n' extension
  compopt -o filenames 2>/dev/null
  if [[ $# -eq 0 ]]; then
    COMPREPLY+=($(compgen -f -- "$word"))
    return
  fi
  COMPREPLY+=($(compgen -d -- "$word"))
  for extension; do COMPREPLY+=($(compgen -f -X "!*.$extension" -- "$word")); done
}
_sluice() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" position=0 i
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _sluice_words '${commands.map(({ name }) => name).join(' ')} --help --version'
    return
  fi
  # --name=value comes as three words.
  if [[ $word == '=' ]]; then
    word=''
  elif [[ $before == '=' ]]; then
    before="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  case "$command $before" in
${commands.flatMap(valueCases).join('\n')}
  esac
  if [[ $word == -* ]]; then
    case "$command" in
${commands.map(({ name, options }) => `      ${name}) _sluice_words '${options.flatMap((option) => option.names).join(' ')}' ;;`).join('\n')}
    esac
    return
  fi
  for ((i = 2; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i]}" in
${commands.flatMap(skipCases).join('\n')}
      *' -'*) ;;
      *) ((position++)) ;;
    esac
  done
  case "$command $position" in
${commands.flatMap(positionCases).join('\n')}
  esac
}
complete -F _sluice sluice
`;
}

/** What follows an option that has a value. */
function valueCases({ name, options }: CommandSlots): string[] {
  return options.flatMap(({ names, value }) =>
    value ? [`    ${patterns(name, names)}) ${fill(value)}; return ;;`] : [],
  );
}

/** A value in another word than its option is no positional. */
function skipCases({ name, options }: CommandSlots): string[] {
  const names = options.flatMap((option) => (option.value ? option.names : []));
  return names.length === 0
    ? []
    : [`      ${patterns(name, names)}) [[ \${COMP_WORDS[i+1]} == '=' ]] && ((i += 2)) || ((i++)) ;;`];
}

function positionCases({ name, positionals, repeats }: CommandSlots): string[] {
  return positionals.map((slot, index) => {
    const any = repeats && index === positionals.length - 1;
    return `    '${name} '${any ? '*' : index}) ${fill(slot)} ;;`;
  });
}

function patterns(command: string, options: readonly string[]): string {
  return options.map((option) => `'${command} ${option}'`).join(' | ');
}

function fill(slot: Slot): string {
  switch (slot.kind) {
    case 'words':
      return `_sluice_words '${slot.words.join(' ')}'`;
    case 'files':
      return ['_sluice_files', ...slot.extensions].join(' ');
    case 'anything':
      return ':';
  }
}
