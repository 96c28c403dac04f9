import { describe, expect, it } from 'vitest';
import { GphotosfsError } from '../../src/model/errors.ts';
import {
  parseChoice,
  parseCount,
  parseDuration,
  parseFlag,
  parseId,
  parseMode,
  parseShare,
  parseText,
} from '../../src/model/option-values.ts';

function refused(parse: () => unknown): boolean {
  try {
    parse();
    return false;
  } catch (error) {
    return error instanceof GphotosfsError && error.kind === 'usage';
  }
}

describe('values of options', () => {
  it.each([
    ['90s', 90_000],
    ['1500ms', 1500],
    ['15m', 900_000],
    ['6h', 21_600_000],
    ['1d', 86_400_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    [' 6h ', 21_600_000],
    ['24d', 24 * 86_400_000],
  ])('%s is a duration', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '6', 'h', '6 h', '-6h', '6hours', '0s', '999ms', '25d', 'xx6h', '6hxx', '1e9s'])(
    '"%s" is no duration',
    (text) => expect(refused(() => parseDuration(text))).toBe(true),
  );

  it('a share may be none, but not all', () => {
    expect(['0', '5', '0.5', '5%', '99.9'].map(parseShare)).toEqual([0, 5, 0.5, 5, 99.9]);
    for (const text of ['', '100', '-1', '1e1', 'five']) expect(refused(() => parseShare(text))).toBe(true);
  });

  it('a count is whole and at least 1', () => {
    expect(parseCount('1')).toBe(1);
    expect(parseCount('64')).toBe(64);
    for (const text of ['', '0', '-1', '1.5', '1e3', '0x10', '9999999999']) {
      expect(refused(() => parseCount(text))).toBe(true);
    }
  });

  it('an id is 0 to 2^32 - 2', () => {
    expect(parseId('0')).toBe(0);
    expect(parseId('4294967294')).toBe(4_294_967_294);
    for (const text of ['', 'root', '-1', '4294967295', '99999999999']) {
      expect(refused(() => parseId(text))).toBe(true);
    }
  });

  it('a mode is octal, with or without its prefix', () => {
    expect(parseMode('022')).toBe(0o022);
    expect(parseMode('22')).toBe(0o022);
    expect(parseMode('0o077')).toBe(0o077);
    expect(parseMode('0')).toBe(0);
    for (const text of ['', '8', '0x1f', '1777', '-22']) expect(refused(() => parseMode(text))).toBe(true);
  });

  it('a flag is on or off in the usual words', () => {
    for (const text of ['1', 'true', 'YES', 'on']) expect(parseFlag(text)).toBe(true);
    for (const text of ['0', 'false', 'No', 'off', '']) expect(parseFlag(text)).toBe(false);
    expect(refused(() => parseFlag('maybe'))).toBe(true);
  });

  it('a choice is one of its words, and the complaint lists them', () => {
    expect(parseChoice('kernel', ['kernel', 'fuse-native'])).toBe('kernel');
    expect(() => parseChoice('fuse', ['kernel', 'fuse-native'])).toThrow('kernel, fuse-native');
  });

  it('a text is not empty and has no NUL', () => {
    expect(parseText(' a ')).toBe(' a ');
    expect(refused(() => parseText(''))).toBe(true);
    expect(refused(() => parseText('a\0b'))).toBe(true);
  });
});
