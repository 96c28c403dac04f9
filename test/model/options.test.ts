import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { flagOf, type Option, optionNames, options, parseOption } from '../../src/model/options.ts';
import { optionsTable } from '../../src/model/options-table.ts';

const all: readonly (readonly [string, Option])[] = optionNames.map((name) => [name, options[name]]);

describe('the list of options', () => {
  it('gives each its own variable, key and flag', () => {
    const variables = all.map(([, { env }]) => env);
    const keys = all.flatMap(([, { key }]) => key ?? []);
    expect(new Set(variables).size).toBe(all.length);
    // Only `home` has no key: it says where the configuration is.
    expect(new Set(keys).size).toBe(all.length - 1);
    expect(variables.filter((name) => !/^GPHOTOSFS_[A-Z_]+$/.test(name))).toEqual([]);
  });

  it('names a value for all but flags', () => {
    expect(all.filter(([, { kind, value }]) => (kind === 'flag') !== (value === undefined))).toEqual([]);
  });

  it('has only defaults that it would take from a user', () => {
    const withDefault = all.filter(([, option]) => option.default !== undefined);
    expect(withDefault.length).toBeGreaterThan(3);
    for (const [, option] of withDefault) expect(parseOption(option, [option.default ?? ''])).toBeDefined();
  });

  it('writes flags with hyphens', () => {
    expect(flagOf('logLevel')).toBe('--log-level');
    expect(flagOf('home')).toBe('--home');
  });
});

describe('the table of options', () => {
  it('has a row for each, with all its names', () => {
    const rows = optionsTable().split('\n').slice(2);
    expect(rows).toHaveLength(all.length);
    for (const [at, [, option]] of all.entries()) {
      expect(rows[at]).toContain(option.env);
      expect(rows[at]).toContain(option.help);
      expect(rows[at]?.split('|')).toHaveLength(8);
    }
  });

  const page = new URL('../../native-notes/options.md', import.meta.url);

  /** `UPDATE_DOCS=1 npx vitest run test/model/options.test.ts` puts it there. */
  it.skipIf(!existsSync(page))('is the one in the notes', () => {
    const text = readFileSync(page, 'utf8');
    const section = /(<!-- options -->\n)[\s\S]*?(\n<!-- \/options -->)/;
    const wanted = text.replace(section, (_, before, after) => `${before}${optionsTable()}${after}`);
    if (process.env.UPDATE_DOCS !== undefined) writeFileSync(page, wanted);
    else expect(text).toBe(wanted);
    expect(wanted).toContain(optionsTable());
  });
});
