/** What gphotosfs runs on: Node, kernel, clock, packages that may be missing. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, endianness, release, type } from 'node:os';
import { dirname, join } from 'node:path';
import { sqliteVersion } from '../../index/integrity.ts';
import { getSetting } from '../../index/settings.ts';
import { type Check, failed, ok, warning } from './check.ts';
import { isAtLeast, isInstalled, numbersOf } from './installed.ts';

/** package.json's `engines`. */
const oldestNode: readonly [number, number] = [20, 15];
/** READDIRPLUS, parallel directory operations and 1 MiB reads are all there from 4.20 on (its changelog: FUSE max_pages). */
const oldestKernel: readonly [number, number] = [4, 20];
/** A clock that is slow by less than this is a time zone's or a daylight saving's mistake at worst, ms. */
const slackMs = 5 * 60_000;
/** This release is younger than that. */
const firstPossible = Date.UTC(2026, 0, 1);

export const node: Check = {
  name: 'node',
  look() {
    const { node: version } = process.versions;
    return isAtLeast(numbersOf(version), oldestNode)
      ? [ok(`Node ${version} on ${arch()}`)]
      : [failed(`Node ${version} is too old`, `Install Node ${oldestNode.join('.')} or later.`)];
  },
};

export const kernel: Check = {
  name: 'kernel',
  look() {
    const says = `${type()} ${release()}`;
    if (process.platform !== 'linux') {
      return [
        warning(
          `${says}: mounting was tried on Linux only`,
          'sync, prefetch and verify work without a mount.',
        ),
      ];
    }
    if (endianness() !== 'LE') {
      return [warning(`${says}, big-endian`, 'Mount with --driver fuse-native.')];
    }
    return isAtLeast(numbersOf(release()), oldestKernel)
      ? [ok(says)]
      : [
          warning(
            `${says} is older than was tried (${oldestKernel.join('.')})`,
            'Try a mount before you rely on it.',
          ),
        ];
  },
};

const remedyOfHeaders =
  'Where gphotosfs is installed, run: npm rebuild better-sqlite3 --target=24.18.0. Or use Node 22.';

/**
 * From 24.19 on Node 24's headers make every object of an addon take a hook back when it is collected, which aborts where no
 * JavaScript runs (nodejs/node#65446): seen in a sync. An addon that was compiled so imports that function.
 */
function abortsOnGarbage(): boolean {
  if (!process.versions.node.startsWith('24.')) return false;
  const folder = dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json'));
  const path = join(folder, 'build', 'Release', 'better_sqlite3.node');
  return existsSync(path) && readFileSync(path).includes('RemoveEnvironmentCleanupHook');
}

/** The one addon that nothing works without. */
export const database: Check = {
  name: 'database',
  look() {
    const version = sqliteVersion();
    if (abortsOnGarbage())
      return [
        failed('better-sqlite3 was compiled with headers of Node 24.19 or later: it aborts', remedyOfHeaders),
      ];
    return [ok(`SQLite ${version}`)];
  },
};

export const clock: Check = {
  name: 'clock',
  look({ index }) {
    const now = Date.now();
    const says = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
    const remedy = 'Set the clock (timedatectl set-ntp true): sign-in and backups depend on it.';
    if (now < firstPossible) return [failed(`${says} is before this program was made`, remedy)];
    const lastSync = 1000 * Number((index && getSetting(index, 'lastSync')) ?? 0);
    if (now < lastSync - slackMs) {
      return [warning(`${says} is before the last sync, ${new Date(lastSync).toISOString()}`, remedy)];
    }
    return [ok(says)];
  },
};

/** Why each is wanted. */
const optionalPackages = {
  koffi: 'mounts of ordinary users need it',
  'fuse-native': '--driver fuse-native needs it',
} as const;

export const packages: Check = {
  name: 'packages',
  look({ context: { settings } }) {
    const isRoot = process.geteuid?.() === 0;
    const needed = settings.driver === 'fuse-native' ? 'fuse-native' : isRoot ? undefined : 'koffi';
    return Object.entries(optionalPackages).map(([name, why]) => {
      if (isInstalled(name)) return ok(`${name} is installed (${why})`);
      const says = `${name} is not installed (${why})`;
      return name === needed
        ? failed(says, `Where gphotosfs is installed, run: npm install ${name}`)
        : ok(`${says}; it is not needed here`);
    });
  },
};
