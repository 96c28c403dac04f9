/** The home: whose it is, who else can read or change it, and whether the index in it is sound. */
import { type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { findDamage } from '../../index/integrity.ts';
import { readStatus } from '../../index/status.ts';
import { formatCounted } from '../format.ts';
import { type Check, type Finding, failed, ok, warning } from './check.ts';

/** Files that hold what gives access to the account. */
const secrets = ['client_secret.json', 'token.json'];

export const permissions: Check = {
  name: 'permissions',
  look({ context: { paths } }) {
    const folders = [...new Set([paths.configFolder, paths.dataFolder])];
    const wanted: [path: string, mode: number][] = [
      ...folders.map((folder): [string, number] => [folder, 0o700]),
      ...secrets.map((name): [string, number] => [join(paths.configFolder, name), 0o600]),
    ];
    const present = wanted.flatMap(([path, mode]) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats === undefined ? [] : [{ path, mode, stats }];
    });
    if (present.length === 0) return [ok('there is no home yet')];
    const wrong = present.flatMap(({ path, mode, stats }) => judge(path, mode, stats));
    const config = statSync(paths.config, { throwIfNoEntry: false });
    if (config !== undefined && (config.mode & 0o022) !== 0) {
      // What it may hold is run: hooks.
      wrong.push(failed(`${paths.config} can be changed by others`, `Run: chmod go-w ${paths.config}`));
    }
    return wrong.length > 0 ? wrong : [ok('home and secrets are yours alone')];
  },
};

function judge(path: string, mode: number, stats: Stats): Finding[] {
  const uid = process.geteuid?.();
  if (uid !== undefined && uid !== 0 && stats.uid !== uid) {
    return [failed(`${path} belongs to another user`, `Run as root: chown -h ${uid} ${path}`)];
  }
  const isOpen = (stats.mode & 0o077) !== 0;
  if (!isOpen) return [];
  const says = `${path} can be seen by others`;
  const remedy = `Run: chmod ${mode.toString(8)} ${path}`;
  return [stats.isDirectory() ? warning(says, remedy) : failed(says, remedy)];
}

export const index: Check = {
  name: 'index',
  look({ index: opened }) {
    if (opened === undefined) return [ok('there is none yet; the first sync makes it')];
    const damage = findDamage(opened);
    const [first] = damage;
    if (first === undefined) return [ok(`sound, with ${formatCounted(readStatus(opened).files, 'file')}`)];
    return [
      failed(
        `damaged: ${damage.join('; ')}`,
        'Move index.db away, with its -wal and -shm files, and run "gphotosfs sync --rebuild": it is made again from the cache.',
      ),
    ];
  },
};
