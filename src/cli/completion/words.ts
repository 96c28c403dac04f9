/** The command line as data for shells: what can follow what. */
import { flagOf, type Option, type OptionName, optionNames, options } from '../../model/options.ts';
import { type Command, commands, groups } from '../commands.ts';

export interface Flag {
  /** With its hyphens. */
  readonly name: string;
  readonly help: string;
  readonly takesValue: boolean;
  /** What its value may be: words, a directory, or anything. */
  readonly values: readonly string[] | 'directory' | 'anything';
}

export interface Words {
  /** As typed: `add takeout`; empty for the program itself. */
  readonly command: string;
  readonly summary: string;
  /** Words that may come next. */
  readonly next: readonly { readonly word: string; readonly summary: string }[];
  readonly flags: readonly Flag[];
  /** What its arguments are. */
  readonly argument: 'files' | 'directory' | 'none';
}

/** Every place in a command line where something can be completed. */
export function allWords(): Words[] {
  const global = flagsOf((option) => option.commands === 'all');
  const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))];
  const next = firsts.map((word) => ({
    word,
    summary: groups[word] ?? commands.find(({ name }) => name === word)?.summary ?? '',
  }));
  return [
    { command: '', summary: '', next, flags: global, argument: 'none' },
    ...Object.entries(groups).map(([group, summary]): Words => {
      const own = commands.filter(({ name }) => name.startsWith(`${group} `));
      const words = own.map(({ name, summary }) => ({ word: name.slice(group.length + 1), summary }));
      return { command: group, summary, next: words, flags: global, argument: 'none' };
    }),
    ...commands.map((command) => wordsOf(command, global)),
  ];
}

function wordsOf({ name, summary, argument }: Command, global: readonly Flag[]): Words {
  const own = flagsOf(({ commands: of }) => of !== 'all' && of.includes(name));
  const [syntax = ''] = argument ?? [];
  const kind =
    syntax === '' ? 'none' : /dir/.test(syntax) ? 'directory' : /path/.test(syntax) ? 'files' : 'none';
  const choices = /shell/.test(syntax) ? ['bash', 'zsh', 'fish'] : [];
  const next = choices.map((word) => ({ word, summary: '' }));
  return { command: name, summary, next, flags: [...own, ...global], argument: kind };
}

function flagsOf(belongs: (option: Option) => boolean): Flag[] {
  return optionNames
    .map((name): [OptionName, Option] => [name, options[name]])
    .filter(([, option]) => belongs(option) && option.rare !== true)
    .map(([name, { kind, help, value }]) => ({
      name: flagOf(name),
      help,
      takesValue: value !== undefined,
      values: typeof kind !== 'string' ? kind : kind === 'path' ? 'directory' : 'anything',
    }));
}
