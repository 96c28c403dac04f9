/** From the words of a command line to a command, its arguments and its flags; commander does the reading. */
import { readFileSync } from 'node:fs';
import { Command as Commander, CommanderError, Option as CommanderOption } from 'commander';
import { GphotosfsError } from '../model/errors.ts';
import {
  type CommandName,
  flagOf,
  type Option,
  type OptionName,
  optionNames,
  options,
} from '../model/options.ts';
import { type Command, commands, groups } from './commands.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Flags } from './settings.ts';

export interface Parsed {
  readonly command: Command;
  readonly args: readonly string[];
  readonly flags: Flags;
}

/** What commander's callbacks found. */
interface ParseState {
  parsed: Parsed | undefined;
  /** The command whose words were wrong. */
  failedIn: CommandName | undefined;
}

/** Where help goes when it was asked for, and when it wasn't. */
export interface HelpSinks {
  readonly asked: (text: string) => void;
  readonly unasked: (text: string) => void;
}

/** What is to be done; or, where only help was wanted, the exit code. @throws `usage` */
export function parseCommandLine(argv: readonly string[], help: HelpSinks): Parsed | ExitCode {
  const state: ParseState = { parsed: undefined, failedIn: undefined };
  const program = createProgram(help, state);
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return afterCommander(error, state);
    throw error;
  }
  return state.parsed ?? exitCodes.usage;
}

/** commander "exits" by throwing: for help and the version that was all, anything else is a wrong usage. */
function afterCommander(error: CommanderError, { failedIn }: ParseState): ExitCode {
  if (error.exitCode === 0) return exitCodes.done;
  // No command was given: the help has been shown.
  if (error.code === 'commander.help') return exitCodes.usage;
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const hint = `See "gphotosfs ${failedIn === undefined ? '' : `${failedIn} `}--help".`;
  throw new GphotosfsError('usage', first, { hint: [...more, hint].join(' ') });
}

function createProgram(help: HelpSinks, state: ParseState): Commander {
  const program = new Commander('gphotosfs');
  program
    .description(
      'Your Google Photos as plain folders, from Takeout archives, with a cache that backups can copy.',
    )
    .version(readVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: help.asked, writeErr: help.unasked, outputError: () => {} })
    .addHelpText('after', optionsHelp)
    .exitOverride();
  addOptions(program, (option) => option.commands === 'all');
  for (const command of commands) addCommand(program, command, state);
  return program;
}

const optionsHelp = `
Every option is also an environment variable (GPHOTOSFS_LOG_LEVEL) and a key of config.json (logLevel): see "gphotosfs manual | man -l -".

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done in part, 4 sign-in needed, 5 source unreachable,
6 cache full, read-only or failing, 7 cannot mount, 130 interrupted.`;

function addCommand(program: Commander, command: Command, state: ParseState): void {
  const words = command.name.split(' ');
  const last = words.pop() ?? '';
  const parent = words.reduce(
    (above, word) => above.commands.find((one) => one.name() === word) ?? addGroup(above, word),
    program,
  );
  const described = parent.command(last).summary(command.summary).description(sentence(command.summary));
  if (command.argument !== undefined) described.argument(...command.argument);
  if (command.more !== undefined) described.addHelpText('after', `\n${command.more}`);
  addOptions(described, (option) => option.commands !== 'all' && option.commands.includes(command.name));
  described.exitOverride((error) => {
    state.failedIn = command.name;
    throw error;
  });
  described.action(() => {
    const flags = readFlags(described.optsWithGlobals(), command.name);
    state.parsed = { command, args: described.args, flags };
  });
}

function addGroup(above: Commander, word: string): Commander {
  const summary = groups[word] ?? '';
  return above.command(word).summary(summary).description(sentence(summary));
}

function addOptions(to: Commander, belongs: (option: Option) => boolean): void {
  for (const name of optionNames) {
    const option: Option = options[name];
    if (!belongs(option)) continue;
    const flag = flagOf(name);
    const standard = option.defaultHelp?.replaceAll('`', '') ?? option.default;
    const help = standard === undefined ? option.help : `${option.help} (default: ${standard})`;
    const made = new CommanderOption(option.value === undefined ? flag : `${flag} <${option.value}>`, help);
    // All texts are kept, also of an option that has one value; the last one counts.
    if (option.value !== undefined)
      made.argParser((text, before: string[] | undefined) => [...(before ?? []), text]);
    if (option.rare === true) made.hideHelp();
    const isNegative = flag.startsWith('--no-');
    // commander would take it for the opposite of a "--browser".
    if (isNegative) made.negate = false;
    to.addOption(made);
    // Takes back what the environment or the configuration switched on.
    if (option.kind === 'flag' && !isNegative) {
      to.addOption(new CommanderOption(`--no-${flag.slice(2)}`).hideHelp());
    }
  }
}

function readFlags(values: Readonly<Record<string, unknown>>, command: CommandName): Flags {
  const flags = new Map<OptionName, readonly string[]>();
  for (const name of optionNames) {
    const { commands: of }: Option = options[name];
    const value = values[name];
    if (value === undefined || (of !== 'all' && !of.includes(command))) continue;
    flags.set(name, Array.isArray(value) ? value.map(String) : [String(value)]);
  }
  return flags;
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

/** As package.json has it. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version);
}
