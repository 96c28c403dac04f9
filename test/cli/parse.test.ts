import { describe, expect, it } from 'vitest';
import { addPaths } from '../../src/cli/add-takeout.ts';
import { commands } from '../../src/cli/commands.ts';
import { type Parsed, parseCommandLine } from '../../src/cli/parse.ts';
import { GphotosfsError } from '../../src/model/errors.ts';
import { flagOf, type Option, optionNames, options } from '../../src/model/options.ts';
import type { SourceEntry } from '../../src/sources/all.ts';

function parse(...argv: string[]): {
  parsed: Parsed | undefined;
  code: number | undefined;
  asked: string;
  unasked: string;
} {
  let asked = '';
  let unasked = '';
  const result = parseCommandLine(argv, {
    asked: (text) => {
      asked += text;
    },
    unasked: (text) => {
      unasked += text;
    },
  });
  const isCode = typeof result === 'number';
  return { parsed: isCode ? undefined : result, code: isCode ? result : undefined, asked, unasked };
}

function refusal(...argv: string[]): GphotosfsError {
  try {
    parse(...argv);
  } catch (error) {
    if (error instanceof GphotosfsError) return error;
    throw error;
  }
  throw new Error(`taken: ${argv.join(' ')}`);
}

describe('the command line', () => {
  it('is a command, its arguments and flags as texts', () => {
    const { parsed } = parse('--json', 'add', 'takeout', 'a.zip', '--account', 'mum', 'b.zip');
    expect(parsed?.command.name).toBe('add takeout');
    expect(parsed?.args).toEqual(['a.zip', 'b.zip']);
    expect(Object.fromEntries(parsed?.flags ?? [])).toEqual({ json: ['true'], account: ['mum'] });
  });

  it('takes what all commands have before and after the command', () => {
    for (const argv of [
      ['--home', '/h', 'status', '--json'],
      ['status', '--json', '--home', '/h'],
    ]) {
      expect(Object.fromEntries(parse(...argv).parsed?.flags ?? [])).toEqual({
        home: ['/h'],
        json: ['true'],
      });
    }
  });

  it('keeps every value of a repeated flag', () => {
    const { parsed } = parse(
      'prefetch',
      '--year',
      '2020',
      '--album',
      '-x-',
      '--year',
      '2021',
      '--no-dry-run',
    );
    expect(Object.fromEntries(parsed?.flags ?? [])).toEqual({
      year: ['2020', '2021'],
      album: ['-x-'],
      dryRun: ['false'],
    });
  });

  it('takes anything after -- for an argument', () => {
    expect(parse('mount', '--', '--json').parsed?.args).toEqual(['--json']);
  });

  it.each([
    [['moun', '/x'], "unknown command 'moun'", 'Did you mean mount?'],
    [['prefetch', '--jbos', '2'], "unknown option '--jbos'", 'gphotosfs prefetch --help'],
    [['mount'], "missing required argument 'dir'", 'gphotosfs mount --help'],
    [['mount', 'a', 'b'], 'too many arguments', 'gphotosfs mount --help'],
    [['add', 'takeout'], "missing required argument 'path'", 'gphotosfs add takeout --help'],
    [['prefetch', '--jobs'], 'argument missing', 'gphotosfs prefetch --help'],
    [['status', '--jobs', '2'], "unknown option '--jobs'", 'gphotosfs status --help'],
  ])('refuses %j', (argv, message, hint) => {
    const error = refusal(...argv);
    expect(error.kind).toBe('usage');
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('error:');
    expect(error.hint).toContain(hint);
  });

  it('shows help when asked, and when nothing was said', () => {
    expect(parse('--help')).toMatchObject({ code: 0, unasked: '' });
    expect(parse('--version')).toMatchObject({ code: 0 });
    expect(parse('--version').asked).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(parse('help', 'mount').code).toBe(0);
    for (const argv of [[], ['add']]) {
      expect(parse(...argv)).toMatchObject({ code: 2, asked: '' });
      expect(parse(...argv).unasked).toContain('Usage: gphotosfs');
    }
  });

  it('explains every option where it belongs', () => {
    for (const command of commands) {
      const help = parse(...command.name.split(' '), '--help').asked;
      for (const name of optionNames) {
        const { commands: of, rare = false }: Option = options[name];
        const belongs = !rare && (of === 'all' || of.includes(command.name));
        expect(new RegExp(`^ +${flagOf(name)}\\b(?!-)`, 'm').test(help), `${command.name} ${name}`).toBe(
          belongs,
        );
      }
    }
  });
});

describe('adding paths', () => {
  const mine: SourceEntry = { id: 'takeout', kind: 'takeout', account: 'default', paths: ['/a.zip'] };

  it('extends the account’s source, once for each path', () => {
    const added = addPaths([mine], 'default', ['/a.zip', '/b.zip']);
    expect(added.sources).toEqual([{ ...mine, paths: ['/a.zip', '/b.zip'] }]);
    expect(added).toMatchObject({ id: 'takeout', newPaths: ['/b.zip'], known: 1 });
  });

  it('makes another source for another account', () => {
    const added = addPaths([mine], 'partner', ['/a.zip']);
    expect(added.sources[1]).toEqual({
      id: 'takeout-2',
      kind: 'takeout',
      account: 'partner',
      paths: ['/a.zip'],
    });
    expect(added.sources[0]).toBe(mine);
  });

  it('gives an id that is free', () => {
    expect(addPaths([{ ...mine, id: 'takeout-2' }], 'x', ['/a.zip']).id).toBe('takeout');
  });
});
