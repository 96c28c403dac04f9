import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareMountPoint, refuseNesting, resolveMountPoint } from '../../src/mount/mount-point.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'gphotosfs-point-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('prepareMountPoint', () => {
  it('gives an empty directory absolute and without links', async () => {
    mkdirSync(join(folder, 'real'));
    symlinkSync('real', join(folder, 'link'));
    expect(await prepareMountPoint(join(folder, 'link'))).toBe(join(folder, 'real'));
  });

  it.each([
    ['is missing', () => {}, /does not exist/, /mkdir -p/],
    ['is a file', (at: string) => writeFileSync(at, ''), /not a directory/, /empty directory/],
    [
      'is not empty',
      (at: string) => {
        mkdirSync(at);
        writeFileSync(join(at, 'file'), '');
      },
      /not empty/,
      /empty directory/,
    ],
  ])('refuses one that %s', async (_what, make, message, hint) => {
    const at = join(folder, 'mnt');
    make(at);
    await expect(prepareMountPoint(at)).rejects.toThrow(
      expect.objectContaining({
        kind: 'mount',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      }),
    );
  });

  it('resolves a relative path', () => {
    expect(resolveMountPoint('.')).toBe(realpathSync('.'));
  });
});

describe('refuseNesting', () => {
  const paths = (change: Partial<Parameters<typeof refuseNesting>[0]>) => ({
    mountPoint: join(folder, 'mnt'),
    home: join(folder, 'home'),
    cache: join(folder, 'cache'),
    archives: [join(folder, 'takeout.zip')],
    ...change,
  });

  it('accepts places beside each other, and names that only start alike', () => {
    expect(() => refuseNesting(paths({}))).not.toThrow();
    expect(() => refuseNesting(paths({ cache: join(folder, 'mnt-cache') }))).not.toThrow();
    expect(() => refuseNesting(paths({ cache: join(folder, 'mnt', '..', '..b') }))).not.toThrow();
    expect(() => refuseNesting(paths({ mountPoint: join(folder, 'home', 'mnt') }))).not.toThrow();
  });

  it.each([
    ['a home below it', { home: 'mnt/home' }, /home .* inside the mount point/],
    ['a cache at it', { cache: 'mnt' }, /cache .* inside the mount point/],
    ['a cache whose name starts with dots', { cache: 'mnt/..cache' }, /cache .* inside the mount point/],
    ['an archive below it', { archives: ['mnt/x/takeout.zip'] }, /archive .* inside the mount point/],
    ['a mount point in the cache', { mountPoint: 'cache/years/mnt' }, /inside the cache/],
    ['a mount point in an unpacked archive', { mountPoint: 'takeout.zip/mnt' }, /inside the archive/],
  ])('refuses %s', (_what, change, message) => {
    const below = (value: string | string[]) =>
      Array.isArray(value) ? value.map((path) => join(folder, path)) : join(folder, value);
    const changed = Object.fromEntries(Object.entries(change).map(([key, value]) => [key, below(value)]));
    expect(() => refuseNesting(paths(changed))).toThrow(
      expect.objectContaining({ kind: 'usage', message: expect.stringMatching(message) }),
    );
  });

  it('sees through links', () => {
    mkdirSync(join(folder, 'mnt'));
    symlinkSync('mnt', join(folder, 'alias'));
    expect(() => refuseNesting(paths({ cache: join(folder, 'alias', 'new', 'cache') }))).toThrow(/inside/);
  });
});
