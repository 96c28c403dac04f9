/** `manual`: the manual page, made of the same tables as `--help`: `gphotosfs manual | man -l -`. */
import { flagOf, type Option, type OptionName, optionNames, options } from '../model/options.ts';
import { type Command, commands } from './commands.ts';
import { exitCodes } from './exit-codes.ts';
import { questions } from './manual-questions.ts';
import { readVersion } from './parse.ts';
import type { Run } from './run.ts';

export const run: Run = async ({ output }) => {
  const page = manualPage(readVersion());
  output.result({ type: 'manual', page }, page.trimEnd().split('\n'));
  return exitCodes.done;
};

/** The page in roff (groff_man(7)). */
export function manualPage(version: string): string {
  return [
    `.TH GPHOTOSFS 1 "" "gphotosfs ${roff(version)}" "User commands"`,
    '.SH NAME',
    'gphotosfs \\- your Google Photos as plain folders, with a cache that backups can copy',
    '.SH SYNOPSIS',
    '.B gphotosfs',
    'COMMAND [OPTIONS] [ARGUMENTS]',
    '.SH DESCRIPTION',
    roff(
      'Shows a Google Photos library as folders by year and by album. It reads Takeout archives (zip, tgz, unpacked) and, with an account, what Google\'s APIs give. A file that is opened is fetched once, verified, and kept for ever in the cache, which holds the same folders as real files. "prefetch" fills the cache completely.',
    ),
    '.PP',
    roff(
      'A first run: add sources, sync, then mount or prefetch. "gphotosfs status" says what to do next, "gphotosfs doctor" what is wrong.',
    ),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH OPTIONS OF ALL COMMANDS',
    ...optionLines((option) => option.commands === 'all'),
    '.SH ENVIRONMENT AND CONFIGURATION',
    roff(
      'Each option is also an environment variable and a key of config.json; a flag wins over the environment, that over the file. "gphotosfs config" shows what is in force. Of options that may be repeated the environment has one value a line, the file a list. A flag that is on is taken back by --no-FLAG.',
    ),
    ...optionNames.flatMap((name) => {
      const { env, key }: Option = options[name];
      return [
        '.TP',
        `.B ${roff(env)}`,
        `${roff(flagOf(name))}${key === undefined ? '' : `, key ${roff(key)}`}`,
      ];
    }),
    '.SH FILES',
    ...files.flatMap(([path, what]) => ['.TP', `.I ${roff(path)}`, roff(what)]),
    '.SH EXIT STATUS',
    ...statuses.flatMap(([code, what]) => ['.TP', `.B ${code}`, roff(what)]),
    '.SH WHAT IF',
    ...questions.flatMap(([question, answer]) => ['.SS', roff(question), ...paragraphs(answer)]),
    '.SH SEE ALSO',
    '.BR mount (8),',
    '.BR fusermount3 (1),',
    '.BR restic (1),',
    '.BR borg (1)',
    '',
  ].join('\n');
}

const files: readonly (readonly [string, string])[] = [
  [
    '~/.config/gphotosfs/config.json',
    'sources and options; client_secret.json and token.json beside it, for you alone',
  ],
  ['~/.local/share/gphotosfs/index.db', 'the index; leases and logs are beside it'],
  ['~/.local/share/gphotosfs/cache', 'the photos, unless --cache or the key "cache" names another place'],
  [
    'cache/.gphotosfs/journal',
    'names and inode numbers; worth a backup, for a lost index is made again from it',
  ],
  ['cache/.gphotosfs/superseded', 'bytes that gave way to newer ones'],
];

const statuses: readonly (readonly [number, string])[] = [
  [0, 'done'],
  [1, 'failed'],
  [2, 'wrong usage'],
  [3, 'done in part; the rest is listed'],
  [4, 'sign-in needed'],
  [5, 'source unreachable or out of quota: try later'],
  [6, 'the cache can take no more: full, read-only or failing'],
  [7, 'cannot mount'],
  [130, 'interrupted'],
];

function commandLines(command: Command): string[] {
  const [syntax, help] = command.argument ?? [];
  const title = syntax === undefined ? command.name : `${command.name} ${syntax}`;
  const summary = `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`;
  return [
    '.SS',
    roff(title),
    roff(summary),
    ...(help === undefined ? [] : [roff(`The argument: ${help}.`)]),
    ...(command.more === undefined ? [] : ['.PP', ...moreLines(command.more)]),
    ...optionLines(({ commands: of }) => of !== 'all' && of.includes(command.name)),
  ];
}

/** Indented lines are examples, which keep their line ends. */
function moreLines(text: string): string[] {
  const lines: string[] = [];
  let isExample = false;
  for (const line of text.split('\n')) {
    if (/^ {2}/.test(line) !== isExample && line !== '') {
      isExample = !isExample;
      lines.push(isExample ? '.PP\n.nf\n.RS' : '.RE\n.fi\n.PP');
    }
    if (line === '') lines.push(isExample ? '' : '.PP');
    else lines.push(roff(line.trim()));
  }
  if (isExample) lines.push('.RE\n.fi');
  // A paragraph that begins twice is one.
  return lines
    .join('\n')
    .split('\n')
    .filter((line, at, all) => line !== '' && !(line === '.PP' && all[at - 1] === '.PP'));
}

function optionLines(belongs: (option: Option) => boolean): string[] {
  return optionNames
    .map((name): [OptionName, Option] => [name, options[name]])
    .filter(([, option]) => belongs(option))
    .flatMap(([name, { value, help, default: standard, defaultHelp }]) => {
      const shown = defaultHelp ?? standard;
      const text = `${help}${shown === undefined ? '' : ` (default: ${shown})`}`.replaceAll('`', '');
      const flag = `.B ${roff(flagOf(name))}`;
      return ['.TP', value === undefined ? flag : `${flag} \\fI${roff(value)}\\fR`, `${roff(text)}.`];
    });
}

function paragraphs(text: string): string[] {
  return text
    .split('\n\n')
    .flatMap((one, at) => [...(at > 0 ? ['.PP'] : []), roff(one.replaceAll('\n', ' '))]);
}

/** Text that means nothing to roff: a minus is one (to be copied), a dot or a quote at the beginning no request. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('~', '\\(ti')
    .replace(/^(?=[.'])/gm, '\\&');
}
