/** What runs gphotosfs by itself: units that systemd accepts, lines that cron and mount(8) understand. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { translateMount } from '../../src/cli/mount-helper.ts';
import { cronCommand, fstabField, shellArgument, unitArgument, unitPath } from '../../src/cli/setup/quote.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { createPlace, type Place, until } from './run-program.ts';

let place: Place;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

const program = new URL('../../dist/bin.cjs', import.meta.url).pathname;
const has = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
const isRoot = process.getuid?.() === 0;

async function syncedHome(home: string): Promise<void> {
  const entries = [{ folder: 'Photos from 2021', name: 'IMG_1.jpg', bytes: photo(1, 3000) }];
  const parts = await buildTakeout(join(place.folder, 'takeout'), { entries, albums: [] });
  expect((await place.run('--home', home, 'add', 'takeout', ...parts)).code).toBe(0);
  expect((await place.run('--home', home, 'sync')).code).toBe(0);
}

/** Runs with DESTDIR, as a packager would, and gives the files that came. */
async function install(...args: string[]): Promise<Map<string, string>> {
  const root = join(place.folder, 'installed');
  const { status, stderr } = spawnSync(process.execPath, [program, ...args, '--install'], {
    env: { PATH: process.env.PATH, HOME: join(place.folder, 'user'), DESTDIR: root },
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile());
  return new Map(files.map((path) => [path.slice(root.length), readFileSync(path, 'utf8')]));
}

describe.runIf(isRoot)('setup systemd', () => {
  it.runIf(has('systemd-analyze'))(
    'writes units that systemd accepts, also for paths that need quoting',
    async () => {
      const home = join(place.folder, 'my $home "50%"');
      mkdirSync(home);
      const mountPoint = join(place.folder, 'my photos');
      const units = await install('--home', home, 'setup', 'systemd', mountPoint);
      expect([...units.keys()].sort()).toEqual([
        '/etc/systemd/system/gphotosfs-prefetch.service',
        '/etc/systemd/system/gphotosfs-prefetch.timer',
        '/etc/systemd/system/gphotosfs.service',
      ]);
      const paths = [...units.keys()].map((path) => join(place.folder, 'installed', path));
      const checked = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], { encoding: 'utf8' });
      expect({ status: checked.status, said: checked.stderr }).toEqual({ status: 0, said: '' });
      // Proof that it would complain.
      const [first = ''] = paths;
      writeFileSync(
        first,
        readFileSync(first, 'utf8').replace('ProtectSystem=strict', 'ProtectSystem=strictly'),
      );
      const broken = spawnSync('systemd-analyze', ['verify', '--man=no', first], { encoding: 'utf8' });
      expect(broken.stderr).toContain('strictly');
    },
  );

  it('has the owner of the home as user, absolute paths, a timer that makes up for lost nights', async () => {
    const home = join(place.folder, 'home of another');
    mkdirSync(home);
    chownSync(home, 65534, 65534);
    const units = await install('--home', home, 'setup', 'systemd', '--at', '2:30', '/srv/photos');
    const at = (name: string) => units.get(`/etc/systemd/system/${name}`) ?? '';
    expect(at('gphotosfs.service')).toContain('\nUser=nobody\n');
    expect(at('gphotosfs.service')).toContain('\nType=notify\n');
    expect(at('gphotosfs.service')).toContain(
      `ExecStart=${process.execPath} ${program} --home "${home}" mount /srv/photos\n`,
    );
    expect(at('gphotosfs-prefetch.service')).toContain(`\nReadWritePaths="-${home}" "-${home}/cache"\n`);
    expect(at('gphotosfs-prefetch.timer')).toContain(
      '\nOnCalendar=*-*-* 02:30:00\nRandomizedDelaySec=15min\nPersistent=true\n',
    );
    const wrong = await place.run('setup', 'systemd', '--at', '25:00');
    expect(wrong.code).toBe(2);
  });

  it('says what the other user lacks: a program they can read, a mount point that is theirs', async () => {
    mkdirSync(place.home);
    chownSync(place.home, 65534, 65534);
    chmodSync(place.folder, 0o755);
    // As "npm install -g ." makes it from a clone in /root.
    const locked = join(place.folder, 'locked');
    cpSync(join(program, '..'), join(locked, 'dist'), { recursive: true });
    symlinkSync(join(program, '../../node_modules'), join(locked, 'node_modules'));
    cpSync(join(program, '../../package.json'), join(locked, 'package.json'));
    const setUp = (...args: string[]) =>
      spawnSync(process.execPath, [join(locked, 'dist/bin.cjs'), '--home', place.home, 'setup', ...args], {
        env: { PATH: process.env.PATH, DESTDIR: join(place.folder, 'packaged') },
        encoding: 'utf8',
      });
    chmodSync(locked, 0o700);
    const own = join(place.folder, 'own');
    const closed = setUp('systemd', '--install', own);
    expect(closed.status).toBe(0);
    expect(closed.stderr).toContain(
      `warning: nobody cannot run ${locked}/dist/bin.cjs: install gphotosfs where`,
    );
    expect(closed.stdout).toContain(`Next:\n  install -d -o nobody ${own}\n  systemctl daemon-reload`);
    expect(setUp('cron').stderr).toContain('warning: nobody cannot run');
    // Mended, it says nothing.
    chmodSync(locked, 0o755);
    execFileSync('install', ['-d', '-o', 'nobody', own]);
    const open = setUp('systemd', '--install', own);
    expect(open.stderr).toBe('');
    expect(open.stdout).not.toContain('install -d');
    expect(setUp('fstab', '--install', own).stdout).not.toContain('install -d');
    expect(setUp('fstab', '--install', place.mountPoint).stdout).toContain(
      `Before the first mount:\n  install -d -o nobody ${place.mountPoint}`,
    );
  });

  it.runIf(has('systemd-analyze'))('shuts the nightly run off from what it does not need', async () => {
    mkdirSync(place.home);
    chownSync(place.home, 65534, 65534);
    await install('--home', place.home, 'setup', 'systemd');
    const path = join(place.folder, 'installed/etc/systemd/system/gphotosfs-prefetch.service');
    // systemd's own judgement: 0 is perfect, 10 none; it calls less than 5 "OK".
    const judged = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=30', path], {
      encoding: 'utf8',
    });
    expect(judged.stdout + judged.stderr).toMatch(
      /Overall exposure level for gphotosfs-prefetch.service: [0-2]\.\d OK/,
    );
    expect(judged.status).toBe(0);
  });
});

describe.runIf(isRoot && has('systemd-analyze') && has('strace'))('the filter of system calls', () => {
  /** The names of a set of systemd's, with those of the sets in it. */
  function namesOf(set: string): string[] {
    const { stdout } = spawnSync('systemd-analyze', ['syscall-filter', set], { encoding: 'utf8' });
    const words = stdout
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
    return words.flatMap((word) => (word.startsWith('@') ? namesOf(word) : /^\w+$/.test(word) ? [word] : []));
  }

  it('refuses nothing that a nightly run cannot do without', async () => {
    await syncedHome(place.home);
    const units = await install('--home', place.home, 'setup', 'systemd');
    const service = units.get('/etc/systemd/system/gphotosfs-prefetch.service') ?? '';
    expect(service).toContain('\nSystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM\n');
    const allowed = new Set(namesOf('@system-service'));
    expect(allowed.size).toBeGreaterThan(200);
    const traced = join(place.folder, 'traced');
    const run = (options: readonly string[]) =>
      spawnSync(
        'strace',
        ['-f', '-qq', ...options, process.execPath, program, '--home', place.home, 'prefetch'],
        {
          encoding: 'utf8',
        },
      );
    expect(run(['-o', traced, '-e', 'signal=none']).status).toBe(0);
    const calls = [...readFileSync(traced, 'utf8').matchAll(/^\d+ +(\w+)\(/gm)].map(([, name = '']) => name);
    const refused = [...new Set(calls)].filter((name) => !allowed.has(name));
    expect(calls.length).toBeGreaterThan(100);
    // The same again, with these refused as the unit would.
    rmSync(join(place.home, 'cache', 'years'), { recursive: true });
    const injected = refused.flatMap((name) => ['-e', `inject=${name}:error=EPERM`]);
    const ended = run(['-o', '/dev/null', '-e', `trace=${[...refused, 'execve'].join(',')}`, ...injected]);
    expect({ status: ended.status, stdout: ended.stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Complete: 1 file') as unknown,
    });
  });
});

describe('setup cron', () => {
  it.runIf(isRoot)('writes a line that runs sync and prefetch, in spite of what is in a path', async () => {
    const home = join(place.folder, "it's 50%");
    await syncedHome(home);
    const files = await install('--home', home, 'setup', 'cron');
    const line = files.get('/etc/cron.d/gphotosfs')?.trim().split('\n').at(-1) ?? '';
    const [, user, command = ''] = /^15 3 \* \* \* {2}(\S+) {2}(.*)$/.exec(line) ?? [];
    expect(user).toBe('root');
    // As cron does it: an escaped % is a %, the rest goes to sh.
    expect(command).toContain('50\\%');
    execFileSync('sh', ['-c', command.replaceAll('\\%', '%')]);
    const status = await place.run('--home', home, '--json', 'status');
    expect(JSON.parse(status.stdout)).toMatchObject({ complete: true });
  });
});

describe.runIf(isRoot)('setup fstab', () => {
  it('mounts by mount(8), for both types, and umount(8) ends it', async () => {
    const home = join(place.folder, 'the home');
    await syncedHome(home);
    const files = await install('--home', home, 'setup', 'fstab', place.mountPoint);
    expect([...files.keys()].sort()).toEqual(['/sbin/mount.fuse.gphotosfs', '/sbin/mount.gphotosfs']);
    // The helpers' place is built into mount(8): in a mount name space of its own they are laid over it.
    const script = `
      set -e
      sbin=$(readlink -f /sbin)
      mount -t tmpfs tmpfs '${place.folder}/over'
      mkdir '${place.folder}/over/upper' '${place.folder}/over/work'
      cp '${place.folder}'/installed/sbin/* '${place.folder}/over/upper'
      mount -t overlay overlay -o "lowerdir=$sbin,upperdir=${place.folder}/over/upper,workdir=${place.folder}/over/work" "$sbin"
      for type in gphotosfs fuse.gphotosfs; do
        mount -t $type -o ro,nofail,umask=027,x-systemd.automount '${home}' '${place.mountPoint}'
        stat -c '%a %n' '${place.mountPoint}/years/2021/IMG_1.jpg'
        umount '${place.mountPoint}'
      done`;
    mkdirSync(join(place.folder, 'over'));
    const ran = spawnSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    const line = `440 ${place.mountPoint}/years/2021/IMG_1.jpg`;
    expect(ran.stdout.split('\n').filter((one) => one === line)).toHaveLength(2);
  });

  it('leaves another user’s home to that user', async () => {
    mkdirSync(place.home);
    chownSync(place.home, 65534, 65534);
    const { stdout } = await place.run('setup', 'fstab', '/srv/my photos');
    expect(stdout).toContain('  /srv/my\\040photos  fuse.gphotosfs  ro,nofail,_netdev,setuid=nobody  0  0\n');
  });

  it.runIf(has('fusermount3'))('mounts as that user where the line says so', async () => {
    await syncedHome(place.home);
    chmodSync(place.folder, 0o755);
    execFileSync('chown', ['-R', '65534:65534', place.home, place.mountPoint]);
    const mounted = await place.run('mount-helper', place.home, place.mountPoint, '-o', 'ro,setuid=nobody');
    expect(mounted).toMatchObject({ code: 0, stderr: '' });
    const pid = Number(/process (\d+)/.exec(mounted.stdout)?.[1]);
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    execFileSync('umount', [place.mountPoint]);
    await until(() => !existsSync(`/proc/${pid}`));
  });
});

describe('the words of mount(8)', () => {
  it('become those of mount', () => {
    const options = 'rw,noauto,x-systemd.requires=/mnt,sync_every=6h,cache=/a\\,b,allow_other,setuid=anna';
    expect(
      translateMount(['/srv/home', '/srv/photos', '-sv', '-t', 'fuse.gphotosfs', '-o', options]),
    ).toEqual({
      words: [
        ...['--home', '/srv/home', 'mount', '--daemon', '--sync-every=6h', '--cache=/a,b', '--allow-other'],
        ...['--', '/srv/photos'],
      ],
      user: 'anna',
    });
    expect(translateMount(['none', '/srv/photos']).words).toEqual(['mount', '--daemon', '--', '/srv/photos']);
    expect(() => translateMount(['none', '/x', '-o', 'sync_evry=6h'])).toThrow('"sync_evry" is unknown');
    expect(() => translateMount(['/x'])).toThrow('takes a home and a directory');
  });
});

describe('what goes into files of other programs', () => {
  it('is quoted as each of them wants it', () => {
    expect(unitArgument('/usr/bin/node')).toBe('/usr/bin/node');
    expect(unitArgument('a b"c\\d%e$f')).toBe('"a b\\"c\\\\d%%e$$f"');
    expect(unitPath('/a $b')).toBe('"/a $b"');
    expect(shellArgument("it's")).toBe("'it'\\''s'");
    expect(cronCommand('50%')).toBe('50\\%');
    expect(fstabField('/my photos#1')).toBe('/my\\040photos\\0431');
  });
});

describe('readiness', () => {
  it.runIf(has('systemd-notify') && has('python3'))(
    'is told to systemd when the mount answers, not before',
    async () => {
      await syncedHome(place.home);
      const socket = join(place.folder, 'notify');
      // Node has no Unix datagram sockets.
      const listener = spawn('python3', [
        '-c',
        `import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('bound', flush=True)
while True:
    message = s.recv(4096).decode()
    print(message.replace(chr(10), ' '), sorted(os.listdir(sys.argv[2])), flush=True)`,
        socket,
        place.mountPoint,
      ]);
      try {
        let heard = '';
        listener.stdout.setEncoding('utf8').on('data', (text: string) => {
          heard += text;
        });
        await until(() => heard.includes('bound'));
        const notified = createPlace({ NOTIFY_SOCKET: socket });
        const server = notified.start('--home', place.home, 'mount', place.mountPoint);
        await until(() => heard.includes('READY=1'));
        expect(heard).toContain(`MAINPID=${server.child.pid}`);
        expect(heard).toContain("['albums', 'years']");
        server.child.kill('SIGTERM');
        expect((await server.ended).code).toBe(0);
        expect(server.stderr()).toBe('');
        await notified.clean();
      } finally {
        listener.kill();
      }
    },
  );
});

describe('hooks', () => {
  const script = (name: string) => {
    const path = join(place.folder, name);
    writeFileSync(
      path,
      `#!/bin/sh\nprintf '%s\\n' "$0" "$@" > '${path}.args'\nenv | grep ^GPHOTOSFS_RUN_ | sort > '${path}.env'\n`,
    );
    chmodSync(path, 0o755);
    return path;
  };

  it('run as lists of arguments with data in the environment, one for each ending', async () => {
    const good = script('good');
    const bad = script('bad');
    const hooks = ['--on-success', good, '--on-success', 'it is; rm -rf $HOME', '--on-failure', bad];
    const early = await place.run('prefetch', ...hooks);
    expect(early.code).toBe(2);
    expect(existsSync(`${good}.args`)).toBe(false);
    expect(readFileSync(`${bad}.env`, 'utf8')).toBe(
      [
        `GPHOTOSFS_RUN_CACHE=${place.cache}`,
        'GPHOTOSFS_RUN_COMMAND=prefetch',
        'GPHOTOSFS_RUN_EXIT_CODE=2',
        'GPHOTOSFS_RUN_MESSAGE=nothing has been synced yet',
        'GPHOTOSFS_RUN_RESULT=failure\n',
      ].join('\n'),
    );
    await syncedHome(place.home);
    expect((await place.run('prefetch', ...hooks)).code).toBe(0);
    expect(readFileSync(`${good}.args`, 'utf8')).toBe(`${good}\nit is; rm -rf $HOME\n`);
    expect(readFileSync(`${good}.env`, 'utf8')).toContain('GPHOTOSFS_RUN_RESULT=success\n');
  });

  it('change nothing by failing', async () => {
    await syncedHome(place.home);
    const ended = await place.run('prefetch', '--on-success', 'false');
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr).toContain('the hook false ended with 1');
    const missing = await place.run('prefetch', '--on-success', '/nowhere/hook');
    expect(missing).toMatchObject({ code: 0 });
    expect(missing.stderr).toContain('could not be started');
  });

  it.runIf(isRoot)(
    'are refused by root from a configuration that others can change, before anything is done',
    async () => {
      await syncedHome(place.home);
      const config = join(place.home, 'config.json');
      const before: unknown = JSON.parse(readFileSync(config, 'utf8'));
      const good = script('good');
      writeFileSync(config, JSON.stringify({ ...(before as object), onSuccess: [good] }));
      // The folder of the test is in /tmp, which is sticky, and root's otherwise.
      expect((await place.run('prefetch')).code).toBe(0);
      expect(existsSync(`${good}.args`)).toBe(true);
      for (const change of [
        () => chmodSync(config, 0o620),
        () => chownSync(config, 65534, 0),
        () => chmodSync(place.home, 0o777),
      ]) {
        change();
        const refused = await place.run('verify');
        expect(refused.code).toBe(1);
        expect(refused.stderr).toContain('they are not run as root');
        expect(refused.stdout).toBe('');
        chmodSync(config, 0o600);
        chownSync(config, 0, 0);
        chmodSync(place.home, 0o700);
      }
      // As a flag they are root's own word.
      chmodSync(config, 0o620);
      expect((await place.run('prefetch', '--on-success', good, '--on-failure', good)).code).toBe(0);
    },
  );
});
