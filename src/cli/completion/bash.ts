/** Completion for bash, without the package bash-completion: a NAS has none. */
import { allWords, type Flag, type Words } from './words.ts';

export function bashScript(): string {
  const words = allWords();
  const valued = [
    ...new Set(words.flatMap(({ flags }) => flags.filter((flag) => flag.takesValue)).map(({ name }) => name)),
  ];
  return `# Completion of gphotosfs for bash: source it, or put it into /etc/bash_completion.d/
_gphotosfs() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${valued.join('|')}) ((i++)) ;;
      -*) ;;
      *) case "$command $word" in ${commandPattern(words)}) command="\${command:+$command }$word" ;; esac ;;
    esac
  done
  case $command:$prev in
${valueCases(words)}  esac
  if [[ $cur == -* ]]; then
    case $command in
${words.map(({ command, flags }) => `      '${command}') COMPREPLY=($(compgen -W '${flags.map(({ name }) => name).join(' ')} --help' -- "$cur")) ;;\n`).join('')}    esac
    return
  fi
  case $command in
${words.map(argumentCase).join('')}  esac
}
complete -F _gphotosfs gphotosfs
`;
}

/** Words that lead on to a command, after what leads to them: an argument that looks like one is none. */
function commandPattern(words: readonly Words[]): string {
  return words
    .filter(({ command }) => command !== '')
    .map(({ command }) => `'${command.includes(' ') ? command : ` ${command}`}'`)
    .join('|');
}

function valueCases(words: readonly Words[]): string {
  const cases = words.flatMap(({ command, flags }) =>
    flags
      .filter(({ takesValue }) => takesValue)
      .map((flag) => `    '${command}:${flag.name}') ${valueReply(flag)}return ;;\n`),
  );
  return cases.join('');
}

function valueReply({ values }: Flag): string {
  if (values === 'directory') return 'COMPREPLY=($(compgen -d -- "$cur")); ';
  return values === 'anything' ? '' : `COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$cur")); `;
}

function argumentCase({ command, next, argument }: Words): string {
  const kind =
    argument === 'directory'
      ? '-d'
      : argument === 'files'
        ? '-f'
        : `-W '${next.map(({ word }) => word).join(' ')}'`;
  return `    '${command}') COMPREPLY=($(compgen ${kind} -- "$cur")) ;;\n`;
}
