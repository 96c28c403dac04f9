import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { GphotosfsError } from '../../src/model/errors.ts';
import { errnoOf } from '../../src/mount/errno.ts';

describe('errnoOf', () => {
  it('says EIO where bytes cannot be had, and what a program can act on where it can', () => {
    expect(errnoOf(new GphotosfsError('unavailable', 'gone'))).toBe(constants.errno.EIO);
    expect(errnoOf(new GphotosfsError('bad-content', 'wrong'))).toBe(constants.errno.EIO);
    expect(errnoOf(new GphotosfsError('not-found', 'none'))).toBe(constants.errno.ENOENT);
    expect(errnoOf(new GphotosfsError('interrupted', 'killed'))).toBe(constants.errno.EINTR);
    expect(errnoOf(new GphotosfsError('no-space', 'full'))).toBe(constants.errno.ENOSPC);
  });

  it('translates errors of the system by their kind', () => {
    const thrownBy = (work: () => void): unknown => {
      try {
        work();
      } catch (error) {
        return error;
      }
      throw new Error('nothing was thrown');
    };
    expect(errnoOf(thrownBy(() => readFileSync('/nowhere')))).toBe(constants.errno.ENOENT);
    expect(errnoOf(thrownBy(() => readFileSync('/')))).toBe(constants.errno.EIO);
    expect(errnoOf(Object.assign(new Error('too many'), { code: 'EMFILE', errno: -24 }))).toBe(24);
    expect(errnoOf('no error at all')).toBe(constants.errno.EIO);
  });
});
