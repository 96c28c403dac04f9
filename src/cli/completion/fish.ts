/** Completion for fish. */
import { allWords, type Flag, type Words } from './words.ts';

export function fishScript(): string {
  return `# Completion of gphotosfs for fish: put it into ~/.config/fish/completions/gphotosfs.fish
complete -c gphotosfs -f
${allWords().map(linesOf).join('')}`;
}

function linesOf({ command, next, flags, argument }: Words): string {
  const condition = conditionOf(command, next);
  const lines = [
    ...next.map(({ word, summary }) => `-a ${quote(word)}${summary === '' ? '' : ` -d ${quote(summary)}`}`),
    ...flags.map(flagLine),
    ...(argument === 'files'
      ? ['-F']
      : argument === 'directory'
        ? ["-a '(__fish_complete_directories)'"]
        : []),
  ];
  return lines.map((line) => `complete -c gphotosfs -n ${quote(condition)} ${line}\n`).join('');
}

/** Where the words so far have led to this command, and not further. */
function conditionOf(command: string, next: Words['next']): string {
  if (command === '') return '__fish_use_subcommand';
  const seen = command.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
  const further = next.map(({ word }) => word).join(' ');
  return [...seen, ...(further === '' ? [] : [`not __fish_seen_subcommand_from ${further}`])].join('; and ');
}

function flagLine({ name, help, takesValue, values }: Flag): string {
  const long = `-l ${name.slice(2)} -d ${quote(help)}`;
  if (!takesValue) return long;
  if (values === 'directory') return `${long} -x -a '(__fish_complete_directories)'`;
  return values === 'anything' ? `${long} -x` : `${long} -x -a ${quote(values.join(' '))}`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
