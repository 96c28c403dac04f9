/**
 * Takeout keeps the contract of a source. An unpacked folder holds each file to its own size and time instead of
 * the archive to its fingerprint, so that `folder.test.ts` and `scan.test.ts` have the like for it.
 */
import { mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTakeoutSource } from '../../../src/sources/takeout/takeout-source.ts';
import { buildTakeout, photo } from '../../helpers/takeout-builder.ts';
import { describeSource } from '../contract.ts';

const year = 'Photos from 2021';
const files = new Map([
  ['a.jpg', photo('a', 300_000)],
  ['a-edited.jpg', photo('a, better', 90_000)],
  ['b.heic', photo('b', 5000)],
  ['b.mp4', photo('clip of b', 120_001)],
  ['empty.jpg', Buffer.alloc(0)],
]);
const withoutSidecar = new Set(['a-edited.jpg', 'b.mp4']);

for (const format of ['zip', 'tgz'] as const)
  describeSource(`a Takeout as ${format}`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'takeout-contract-'));
    const build = (seed: string) =>
      buildTakeout(dir, {
        format,
        parts: 2,
        compress: true,
        entries: [...files]
          .map(([name, bytes]) => ({
            folder: year,
            name,
            bytes: seed === '' ? bytes : photo(seed + name, bytes.length + 10),
            ...(withoutSidecar.has(name) ? { sidecar: false as const } : undefined),
          }))
          .concat([{ folder: 'Trash', name: 'old.jpg', bytes: photo('old') }])
          .flatMap((entry) =>
            entry.name.startsWith('b.') ? [entry, { ...entry, folder: 'Summer' }] : [entry],
          ),
        albums: [{ folder: 'Summer' }],
      });
    const paths = await build('');
    return {
      source: createTakeoutSource({ id: 'takeout', account: 'me', paths }),
      files,
      trashed: ['old.jpg'],
      albums: new Map([['Summer', ['b.heic', 'b.mp4']]]),
      vanish: () => renameSync(dir, `${dir}.away`),
      change: async () => {
        for (const path of paths) rmSync(path, { recursive: true });
        await build('changed ');
      },
      ...(platform() === 'linux' ? { openNow: () => surplusFiles(dir) } : undefined),
      dispose: () => {
        for (const each of [dir, `${dir}.away`]) rmSync(each, { recursive: true, force: true });
      },
    };
  });

/** Descriptors of files below `dir` beyond one for each: an archive stays open between reads, but only once. */
function surplusFiles(dir: string): number {
  const open = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // The descriptor of the listing itself.
    }
  });
  const below = open.filter((path) => path.startsWith(dir));
  return below.length - new Set(below).size;
}
