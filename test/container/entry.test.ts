/**
 * What starts in the container: as whom, and what of the volumes it touches. Here in a root directory of its own, with this machine's
 * programs; in place of gphotosfs runs a script that says who it is.
 */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const top = join(import.meta.dirname, '../..');
let root: string;
const inRoot = (path: string) => join(root, path);

const program = `console.log(JSON.stringify({
  user: process.getuid(), group: process.getgid(), groups: process.getgroups(), words: process.argv.slice(2) }))`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gphotosfs-container-'));
  // Where the package has it: the image is made of the same folders.
  const { bin } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
  const main = join('opt/gphotosfs', bin.gphotosfs);
  for (const path of ['usr', 'config', 'storage', dirname(main), dirname(process.execPath)])
    mkdirSync(inRoot(path), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, inRoot(name));
  copyFileSync(join(top, '.container/entry'), inRoot('entry'));
  writeFileSync(inRoot(main), program);
  chmodSync(root, 0o755);
});
afterEach(() => rmSync(root, { recursive: true }));

interface Started {
  readonly user: number;
  readonly group: number;
  readonly groups: readonly number[];
  readonly words: readonly string[];
}

/** Starts the container's program with these variables. @param as the user and group that it is started as */
async function start(env: Record<string, string>, as = 0, words: readonly string[] = []): Promise<Started> {
  // The bind mounts end with the namespace.
  const script = `mount --bind /usr "$0/usr"
    [ "\${1#/usr/}" != "$1" ] || mount --bind "$1" "$0/$1"
    root=$0 as=$2 path=$1:/usr/bin; shift 2
    exec chroot --userspec "$as:$as" --groups "$as" "$root" /usr/bin/env PATH="$path" "$@"`;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const { stdout } = await run('unshare', [
    ...['--mount', 'bash', '-ec', script, root, dirname(process.execPath), String(as)],
    ...[...variables, '/entry', ...words],
  ]);
  return JSON.parse(stdout);
}

const ownerOf = (path: string) => {
  const { uid, gid } = statSync(inRoot(path));
  return [uid, gid];
};

describe.runIf(process.getuid?.() === 0)('in the container', () => {
  it('root with PUID and PGID goes on as these, with no other group, and is given new volumes', async () => {
    const words = ['add', 'takeout', '/a b/*.zip', "it's"];
    expect(await start({ PUID: '1234', PGID: '2345' }, 0, words)).toEqual({
      ...{ user: 1234, group: 2345, words },
      groups: [2345],
    });
    expect([ownerOf('config'), ownerOf('storage')]).toEqual([
      [1234, 2345],
      [1234, 2345],
    ]);
  });

  it('the group is the number of the user where only that is said', async () => {
    expect(await start({ PUID: '1234' })).toMatchObject({ user: 1234, group: 1234 });
  });

  it('a volume that holds something keeps its owner, and so does what it holds', async () => {
    mkdirSync(inRoot('storage/years'));
    writeFileSync(inRoot('storage/years/photo.jpg'), '');
    writeFileSync(inRoot('config/.hidden'), '');
    chownSync(inRoot('storage/years/photo.jpg'), 77, 78);
    await start({ PUID: '1234' });
    for (const path of ['config', 'config/.hidden', 'storage', 'storage/years'])
      expect([path, ownerOf(path)]).toEqual([path, [0, 0]]);
    expect(ownerOf('storage/years/photo.jpg')).toEqual([77, 78]);
  });

  it('without PUID it stays who it is, and touches nothing', async () => {
    expect(await start({})).toMatchObject({ user: 0 });
    expect(await start({ PUID: '1234' }, 4321)).toMatchObject({ user: 4321, group: 4321 });
    expect([ownerOf('config'), ownerOf('storage')]).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});
