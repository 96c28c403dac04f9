/**
 * The units under a real systemd: this machine's own system, booted in a container whose writes are thrown away. What
 * systemd-analyze can't tell: does the sandbox leave enough, does the mount come up, and again after a kill?
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { createPlace, type Place, until } from './run-program.ts';

const repository = new URL('../..', import.meta.url).pathname;
const has = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
const possible = process.getuid?.() === 0 && has('systemd-nspawn') && has('fusermount3');

describe.runIf(possible)('units of setup systemd, run by systemd', () => {
  let place: Place;
  let container: ChildProcess;
  let said = '';

  /** The first process of the container: systemd itself. */
  const leader = () =>
    spawnSync('pgrep', ['-P', String(container.pid), 'systemd'], { encoding: 'utf8' }).stdout.trim();
  const inside = (script: string) =>
    spawnSync(
      'nsenter',
      ['-t', leader(), '-m', '-u', '-i', '-p', 'bash', '-c', `set -eo pipefail; ${script}`],
      {
        encoding: 'utf8',
        env: {
          PATH: process.env.PATH,
          g: `${process.execPath} ${repository}dist/bin.cjs --home /srv/home`,
          as: 'runuser -u nobody --',
        },
      },
    );
  const done = (script: string) => {
    const { status, stdout, stderr } = inside(script);
    const journal = status === 0 ? '' : inside('journalctl --no-pager -n 40 -u "gphotosfs*"').stdout;
    expect({ status, stderr: status === 0 ? '' : stderr, journal }).toEqual({
      status: 0,
      stderr: '',
      journal: '',
    });
    return stdout;
  };

  beforeAll(async () => {
    place = createPlace();
    const given = join(place.folder, 'given');
    mkdirSync(given);
    const entries = [1, 2].map((n) => ({
      folder: 'Photos from 2021',
      name: `IMG_${n}.jpg`,
      bytes: photo(n, 3000),
    }));
    await buildTakeout(given, { entries, albums: [] });
    execFileSync('chmod', ['-R', 'a+rX', place.folder]);
    const boot = join(place.folder, 'boot');
    // nspawn will not take "/" itself, and wants a /run that it may move things in. Mounts of other tests are copied by
    // unshare, and would live as long as the copy.
    writeFileSync(
      boot,
      `#!/bin/sh -e
umount --all --lazy --types fuse,fuse.gphotosfs || true
mkdir -p '${place.folder}/view'
mount --bind / '${place.folder}/view'
mount -t tmpfs tmpfs /run
exec systemd-nspawn --quiet --register=no --keep-unit --directory='${place.folder}/view' --volatile=overlay \\
  --link-journal=no --capability=all --bind=/dev/fuse --bind-ro='${repository}' --bind-ro='${given}:/given' --console=pipe --boot systemd.unified_cgroup_hierarchy=0 systemd.unit=basic.target\n`,
    );
    chmodSync(boot, 0o755);
    container = spawn('unshare', ['--mount', boot], { stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [container.stdout, container.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    // No further than basic.target: what else this machine starts has no place in a container.
    const up = () => leader() !== '' && inside('systemctl is-active basic.target').status === 0;
    await until(() => up() || container.exitCode !== null, 90_000);
    expect({ exitCode: container.exitCode, said: container.exitCode === null ? '' : said }).toEqual({
      exitCode: null,
      said: '',
    });
    done(
      'install -d -o nobody /srv/home /srv/photos; $as $g add takeout /given; $as $g sync; $g setup systemd --install /srv/photos; systemctl daemon-reload',
    );
  });

  afterAll(async () => {
    const ended = container.exitCode === null ? once(container, 'close') : undefined;
    const first = leader();
    container.kill('SIGKILL');
    if (first !== '') process.kill(Number(first), 'SIGKILL');
    await ended;
    await place.clean();
  });

  it('the mount is there when its start is done, and again after a kill', async () => {
    done('systemctl start gphotosfs.service');
    const list = 'cd /; $as ls /srv/photos/years/2021';
    expect(done(list)).toBe('IMG_1.jpg\nIMG_2.jpg\n');
    expect(done('systemctl show -p StatusText gphotosfs.service')).toContain('Serving /srv/photos');
    const pid = () => done('systemctl show -P MainPID gphotosfs.service').trim();
    const first = pid();
    done('systemctl kill -s KILL gphotosfs.service');
    await until(() => !['0', first].includes(pid()) && inside(list).status === 0, 60_000);
    done('systemctl stop gphotosfs.service');
    expect(inside('mountpoint -q /srv/photos').status).not.toBe(0);
  });

  it('the nightly run has all it needs in its sandbox', () => {
    done('systemctl start gphotosfs-prefetch.service');
    done('$as $g status --check complete');
    const hashes = [1, 2].map((n) => createHash('sha256').update(photo(n, 3000)).digest('hex'));
    expect(done('sha256sum /srv/home/cache/years/2021/* | cut -d " " -f 1').trim().split('\n')).toEqual(
      hashes,
    );
    done('systemctl start gphotosfs-prefetch.timer');
    expect(done('systemctl list-timers --no-pager')).toMatch(
      /gphotosfs-prefetch\.timer +gphotosfs-prefetch\.service/,
    );
  });
});
