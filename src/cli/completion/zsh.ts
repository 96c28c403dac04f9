/** Completion for zsh. */
import { allWords, type Flag, type Words } from './words.ts';

export function zshScript(): string {
  const words = allWords();
  return `#compdef gphotosfs
# Completion of gphotosfs for zsh: put it as _gphotosfs into a folder of $fpath.
${words.map(functionOf).join('')}
if [ "$funcstack[1]" = _gphotosfs ]; then _gphotosfs "$@"; else compdef _gphotosfs gphotosfs; fi
`;
}

const functionName = (command: string): string =>
  `_gphotosfs${command === '' ? '' : `_${command.replaceAll(' ', '_')}`}`;

function functionOf({ command, next, flags, argument }: Words): string {
  const specs = flags.map(flagSpec).join(' ');
  const name = functionName(command);
  if (next.length === 0) {
    const rest =
      argument === 'directory' ? "'*:directory:_directories'" : argument === 'files' ? "'*:path:_files'" : '';
    return `${name}() { _arguments ${specs} --help ${rest} }\n`;
  }
  const described = next
    .map(({ word, summary }) => quote(summary === '' ? word : `${word}:${summary}`))
    .join(' ');
  const isLast = argument === 'none' && next.every(({ summary }) => summary === '');
  if (isLast)
    return `${name}() { local -a words=(${described}); _arguments ${specs} --help "1:value:($words)" }\n`;
  return `${name}() {
  local -a words=(${described})
  local line state
  _arguments -C ${specs} --help '1:command:->command' '*::rest:->rest'
  case $state in
    command) _describe command words ;;
    rest) (( $+functions[${name}_$line[1]] )) && ${name}_$line[1] ;;
  esac
}
`;
}

function flagSpec({ name, help, takesValue, values }: Flag): string {
  const described = `*${name}[${help.replace(/[[\]\\:]/g, '\\$&')}]`;
  if (!takesValue) return quote(described);
  const action =
    values === 'directory' ? '_directories' : values === 'anything' ? ' ' : `(${values.join(' ')})`;
  return quote(`${described}:value:${action}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
