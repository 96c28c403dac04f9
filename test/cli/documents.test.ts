/** What the documents and help texts have people type exists: every command, and every flag with it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands, groups } from '../../src/cli/commands.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { flagOf, type Option, optionNames, options } from '../../src/model/options.ts';

const top = join(import.meta.dirname, '../..');
const notes = readdirSync(join(top, 'native-notes')).filter((name) => name.endsWith('.md'));
const files = ['README.md', 'CHANGELOG.md', ...notes.map((name) => `native-notes/${name}`)];
const texts = new Map([
  ...files.map((name) => [name, readFileSync(join(top, name), 'utf8')] as const),
  ...commands.map(({ name, more = '' }) => [`--help of ${name}`, more] as const),
]);

const flagsOf = (command: string | undefined): Set<string> =>
  new Set(
    optionNames.flatMap((name) => {
      const option: Option = options[name];
      const isMeant = option.commands === 'all' || command === undefined || isOneOf(option.commands, command);
      return isMeant ? [flagOf(name)] : [];
    }),
  );
const isOneOf = (names: readonly string[], name: string): boolean => names.includes(name);
const allFlags = flagsOf(undefined).add('--help').add('--version');

/** Flags of other programs, of which the documents tell. */
const others = /^--(no-check-device|isolation|security-opt|device)$/;

/** Code in a text: fenced or indented, or between backticks or quotes; there `prefetch --year` stands for the program's. */
function codeIn(text: string): string[] {
  const fenced = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, code = '']) => code.split('\n'));
  const indented = text.split('\n').filter((line) => /^ {2,}(sudo )?gphotosfs /.test(line));
  const spans = [...text.matchAll(/`([^`\n]+)`|"(gphotosfs [^"\n]+)"/g)].map(
    ([, code, quoted]) => code ?? quoted ?? '',
  );
  const names = new Set(commands.map(({ name }) => name.split(' ')[0]));
  const short = spans.filter((span) => names.has(span.split(' ')[0] ?? '') && span.includes(' --'));
  return [...fenced, ...indented, ...spans, ...short.map((span) => `gphotosfs ${span}`)];
}

/** The calls of gphotosfs in a piece of code, as words: up to what the shell makes the end of it, or a remark. */
function callsIn(code: string): string[][] {
  return [...code.matchAll(/(?<![^\s(]|-t )gphotosfs ([^|;&#`"()]*)/g)].map(
    ([, words = '']) =>
      words
        .split(/\s{2,}\S/)[0]
        ?.trim()
        .split(/\s+/) ?? [],
  );
}

/** The command of a call: its first words that are no flags; a global flag's value stands before it. */
function commandOf(words: readonly string[]): string | undefined {
  const rest = words.filter(
    (word, at) => !word.startsWith('-') && !/^--(home|cache|log-level)$/.test(words[at - 1] ?? ''),
  );
  const [first = '', second = ''] = rest;
  if (first in groups) return commands.find(({ name }) => name === `${first} ${second}`)?.name ?? first;
  return commands.find(({ name }) => name === first)?.name;
}

const calls = [...texts].flatMap(([where, text]) =>
  codeIn(text).flatMap((code) => callsIn(code).map((words) => ({ where, words }))),
);

describe('what the documents have people type', () => {
  it('exists', () => {
    expect(calls.length).toBeGreaterThan(70);
    const unknown = calls.flatMap(({ where, words }) => {
      const command = commandOf(words);
      if (command === undefined) return [`${where}: gphotosfs ${words.join(' ')}`];
      const known = flagsOf(command in groups ? undefined : command);
      const flags = words.flatMap((word) => /^\[?(--[a-z-]+)/.exec(word)?.[1] ?? []);
      return flags
        .filter((flag) => !known.has(flag) && flag !== '--help')
        .map((flag) => `${where}: ${command} has no ${flag}`);
    });
    expect(unknown).toEqual([]);
  });

  it('has no flag that no command has', () => {
    const unknown = [...texts].flatMap(([where, text]) =>
      [...text.matchAll(/`(--[a-z][a-z-]*[a-z])\b(?!-)/g)].flatMap(([, flag = '']) =>
        allFlags.has(flag) || others.test(flag) ? [] : [`${where}: ${flag}`],
      ),
    );
    expect(unknown).toEqual([]);
  });

  it('ends with the exit codes that the README lists', () => {
    const listed = /Exit codes: ([\s\S]*?)\n\n/.exec(texts.get('README.md') ?? '')?.[1] ?? '';
    const numbers = [...listed.matchAll(/(?:^|· *|\n)(\d+) [a-z]/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Object.values(exitCodes));
  });
});
