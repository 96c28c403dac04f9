import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mountAt, readMountTable } from '../../../src/mount/mount-table.ts';
import { bytesOf } from '../../helpers/mount-bytes.ts';
import {
  canMount,
  eventually,
  mountTree,
  nobody,
  requestFor,
  runProgram,
  runPython,
  type ServerProcess,
  startServer,
  stopServer,
} from '../../helpers/mount-client.ts';
import { createTestTree, type TestTree } from '../../helpers/mount-tree.ts';

/** The longest that taking a mount away may take, whatever readers do. */
const unmountLimitMs = 5000;

describe.runIf(canMount())('the life of a mount', () => {
  let tree: TestTree;
  let servers: ServerProcess[];
  let directory: number;
  let ino: number;
  const at = (name: string) => join(tree.mountPoint, 'years', '2021', name);

  beforeEach(() => {
    servers = [];
    tree = createTestTree();
    directory = tree.addDirectory(2, '2021');
    ino = tree.addFile(directory, 'photo.jpg', { size: 100_000 });
  });
  afterEach(async () => {
    for (const server of servers) await stopServer(server);
    while (mountAt(tree.mountPoint) !== undefined) await runProgram('umount', '-l', tree.mountPoint);
    tree.remove();
  });

  async function mounted(options: Parameters<typeof mountTree>[1] = {}): Promise<ServerProcess> {
    const server = await mountTree(tree, options);
    servers.push(server);
    return server;
  }

  it('is in the mount table as what it is, and gone after unmount', async () => {
    const server = await mounted();
    expect(mountAt(tree.mountPoint)).toMatchObject({ fsType: 'fuse.gphotosfs', source: 'gphotosfs' });
    expect(await readdir(tree.mountPoint)).toEqual(['albums', 'years']);
    await server.tell({ do: 'unmount' });
    expect(mountAt(tree.mountPoint)).toBeUndefined();
    expect(await readdir(tree.mountPoint)).toEqual([]);
    expect((await server.state()).closed).toBe('yes');
    // Idempotent, and the process has nothing left that keeps it.
    await server.tell({ do: 'unmount' });
    server.child.disconnect();
    expect(await server.exited).toBe(0);
  });

  it('can be mounted again by the same process', async () => {
    const server = await mounted();
    const before = (await server.state()).openDescriptors;
    for (let n = 0; n < 3; n++) {
      await server.tell({ do: 'unmount' });
      await server.tell({ do: 'mount', request: requestFor(tree) });
    }
    expect((await readFile(at('photo.jpg'))).equals(bytesOf(ino, 0, 100_000))).toBe(true);
    expect((await server.state()).openDescriptors).toBeLessThanOrEqual(before);
  });

  it('notices that somebody else unmounted it', async () => {
    const server = await mounted();
    expect((await runProgram('umount', tree.mountPoint)).status).toBe(0);
    const state = await eventually(server.state, ({ closed }) => closed !== 'no');
    expect(state.closed).toBe('yes');
    expect(state.log).toEqual([]);
  });

  it('goes away lazily while a program has a file open, whose reads then fail', async () => {
    const server = await mounted();
    const file = await open(at('photo.jpg'));
    await file.read(Buffer.alloc(10), 0, 10, 0);
    const begin = Date.now();
    await server.tell({ do: 'unmount' });
    expect(Date.now() - begin).toBeLessThan(unmountLimitMs);
    expect(mountAt(tree.mountPoint)).toBeUndefined();
    expect((await server.state()).closed).toBe('yes');
    expect((await server.state()).log.join('\n')).toMatch('is in use');
    await expect(file.read(Buffer.alloc(10), 0, 10, 90_000)).rejects.toThrow(/ENOTCONN|ECONNABORTED/);
    // FLUSH has nobody to go to, either.
    await file.close().catch(() => {});
    server.child.disconnect();
    expect(await server.exited).toBe(0);
  });

  it('goes away while readers wait for bytes that never come', async () => {
    const server = await mounted();
    await server.tell({ do: 'behave', ino, behaviour: { end: 'never' } });
    const readers = [runProgram('cat', at('photo.jpg')), runProgram('cat', at('photo.jpg'))];
    // A reader that starts later finds nothing there.
    await eventually(server.state, ({ reads, stats }) => (reads[ino] ?? 0) > 0 && stats.openFiles === 2);
    const begin = Date.now();
    await server.tell({ do: 'unmount' });
    expect(Date.now() - begin).toBeLessThan(unmountLimitMs);
    for (const { status, stderr } of await Promise.all(readers)) {
      expect(status).toBe(1);
      expect(stderr).toMatch(/Input\/output error|not connected/);
    }
    expect((await server.state()).aborted).toBeGreaterThan(0);
    server.child.disconnect();
    expect(await server.exited).toBe(0);
  });

  it('lets the process exit that forgets to unmount, and the next one clears what is left', async () => {
    const server = await mounted();
    const file = await open(at('photo.jpg'));
    server.tell({ do: 'exit' }).catch(() => {});
    expect(await Promise.race([server.exited, new Promise((resolve) => setTimeout(resolve, 4000))])).toBe(0);
    await file.close().catch(() => {});
    await expect(stat(tree.mountPoint)).rejects.toThrow('ENOTCONN');
    const next = await mounted();
    expect((await next.state()).log.join('\n')).toMatch('cleared the mount that an earlier gphotosfs left');
    expect((await readFile(at('photo.jpg'))).length).toBe(100_000);
  });

  it('is cleared after SIGKILL', async () => {
    const first = await mounted();
    expect((await runProgram('cat', at('photo.jpg'))).status).toBe(0);
    first.child.kill('SIGKILL');
    await first.exited;
    await expect(stat(tree.mountPoint)).rejects.toThrow('ENOTCONN');
    await mounted();
    expect(await readdir(tree.mountPoint)).toEqual(['albums', 'years']);
    expect(readMountTable().filter((entry) => entry.mountPoint === tree.mountPoint).length).toBe(1);
  });

  it('is refused where another one is mounted already', async () => {
    await mounted();
    const second = startServer();
    servers.push(second);
    await expect(second.tell({ do: 'mount', request: requestFor(tree) })).rejects.toMatchObject({
      kind: 'mount',
      message: expect.stringContaining('is mounted already'),
    });
    expect((await readFile(at('photo.jpg'))).length).toBe(100_000);
  });

  it('leaves nothing mounted when the index cannot be opened', async () => {
    const server = startServer();
    servers.push(server);
    const request = requestFor(tree, { indexPath: join(tree.folder, 'nowhere.db') });
    await expect(server.tell({ do: 'mount', request })).rejects.toMatchObject({
      kind: 'not-found',
      message: expect.stringContaining('nowhere.db'),
      hint: expect.stringContaining('gphotosfs sync'),
    });
    expect(mountAt(tree.mountPoint)).toBeUndefined();
    server.child.disconnect();
    expect(await server.exited).toBe(0);
  });

  it('ends with an error, unmounted, when its thread fails', async () => {
    const server = await mounted();
    await server.tell({ do: 'break' });
    await expect(stat(at('photo.jpg'))).rejects.toThrow();
    const state = await eventually(server.state, ({ closed }) => closed !== 'no');
    expect(state.closed).toMatch(/EBADF/);
    expect(state.log.join('\n')).toMatch(/warn: the mount's thread failed/);
    await eventually(
      () => mountAt(tree.mountPoint),
      (entry) => entry === undefined,
    );
    expect(mountAt(tree.mountPoint)).toBeUndefined();
    server.child.disconnect();
    expect(await server.exited).toBe(0);
  });

  it('keeps others out unless they are allowed in', async () => {
    for (const path of [tree.folder, tree.mountPoint]) chmodSync(path, 0o755);
    const as = (...command: string[]) =>
      runProgram('setpriv', `--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, '--clear-groups', ...command);
    const server = await mounted({ allowOther: false });
    expect((await as('ls', tree.mountPoint)).stderr).toMatch('Permission denied');
    await server.tell({ do: 'unmount' });
    await server.tell({ do: 'mount', request: requestFor(tree, { umask: 0o027, gid: nobody.gid }) });
    expect((await as('cat', at('photo.jpg'))).stdout.length).toBe(100_000);
    await server.tell({ do: 'unmount' });
    await server.tell({ do: 'mount', request: requestFor(tree, { umask: 0o027 }) });
    expect((await as('ls', tree.mountPoint)).stderr).toMatch('Permission denied');
  });

  it('uses no CPU while nobody asks', async () => {
    const server = await mounted();
    const ticks = async () =>
      (await runProgram('sh', '-c', `cut -d' ' -f14,15 /proc/${server.child.pid}/stat`)).stdout
        .toString()
        .trim()
        .split(' ')
        .reduce((sum, part) => sum + Number(part), 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = await ticks();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    // One tick is 10 ms; V8's own housekeeping may take one or two.
    expect((await ticks()) - before).toBeLessThanOrEqual(2);
  });

  describe.runIf(existsSync('/usr/bin/fusermount3'))('for an ordinary user', () => {
    /** Gives the tree to nobody, for whom fusermount3 then mounts. */
    async function giveAway(): Promise<void> {
      chmodSync(tree.folder, 0o755);
      await runProgram('chown', '-R', `${nobody.uid}:${nobody.gid}`, tree.folder);
      chownSync(tree.folder, nobody.uid, nobody.gid);
    }
    const request = () => requestFor(tree, { ...nobody, allowOther: false });
    /** Programs of the system only: root's own Python may be out of reach. */
    const asNobody = (...command: string[]) =>
      runProgram('setpriv', `--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, '--clear-groups', ...command);

    async function mountedByNobody(): Promise<ServerProcess> {
      const server = startServer(nobody);
      servers.push(server);
      await server.tell({ do: 'mount', request: request() });
      return server;
    }

    it('mounts, reads and unmounts through fusermount3', async () => {
      await giveAway();
      const server = await mountedByNobody();
      expect(mountAt(tree.mountPoint)).toMatchObject({ fsType: 'fuse.gphotosfs', source: 'gphotosfs' });
      const read = await asNobody('cat', at('photo.jpg'));
      expect([read.stdout.equals(bytesOf(ino, 0, 100_000)), read.stderr]).toEqual([true, '']);
      // Without allow_other not even root gets in.
      await expect(stat(at('photo.jpg'))).rejects.toThrow('EACCES');
      await server.tell({ do: 'unmount' });
      expect(mountAt(tree.mountPoint)).toBeUndefined();
      server.child.disconnect();
      expect(await server.exited).toBe(0);
    });

    it('unmounts lazily while in use, and ends', async () => {
      await giveAway();
      const server = await mountedByNobody();
      const code = 'exec 3< "$1"; head -c 10 <&3 > /dev/null && echo open; exec sleep 30';
      const holder = spawn('sh', ['-c', code, 'sh', at('photo.jpg')], {
        ...nobody,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => holder.stdout.once('data', resolve));
      const begin = Date.now();
      await server.tell({ do: 'unmount' });
      expect(Date.now() - begin).toBeLessThan(unmountLimitMs);
      expect(mountAt(tree.mountPoint)).toBeUndefined();
      server.child.disconnect();
      expect(await server.exited).toBe(0);
      holder.kill('SIGKILL');
    });

    it('clears what a killed process of this user left', async () => {
      await giveAway();
      const first = await mountedByNobody();
      first.child.kill('SIGKILL');
      await first.exited;
      const second = await mountedByNobody();
      expect((await second.state()).log.join('\n')).toMatch('cleared the mount');
      const listed = await asNobody('ls', tree.mountPoint);
      expect([listed.stdout.toString(), listed.stderr]).toEqual(['albums\nyears\n', '']);
    });

    it('says what to do where the device is closed to this user', async () => {
      await giveAway();
      chmodSync('/dev/fuse', 0o600);
      try {
        await expect(mountedByNobody()).rejects.toMatchObject({
          kind: 'mount',
          hint: expect.stringContaining('chmod 666 /dev/fuse'),
        });
      } finally {
        chmodSync('/dev/fuse', 0o666);
      }
    });

    it('says what to do where the mount point cannot be read', async () => {
      await giveAway();
      chmodSync(tree.mountPoint, 0o311);
      await expect(mountedByNobody()).rejects.toMatchObject({
        kind: 'mount',
        message: expect.stringMatching(/cannot be read: access is denied/),
        hint: expect.stringMatching(/directory of your own/),
      });
    });

    it('passes on what fusermount3 says', async () => {
      await giveAway();
      // A mount point that this user may not write to.
      chownSync(tree.mountPoint, 0, 0);
      await expect(mountedByNobody()).rejects.toMatchObject({
        kind: 'mount',
        message: expect.stringMatching(/fusermount3: user has no write access/),
      });
    });
  });

  it('refuses what is no empty directory', async () => {
    writeFileSync(join(tree.mountPoint, 'file'), '');
    const server = startServer();
    servers.push(server);
    const request = requestFor(tree);
    await expect(server.tell({ do: 'mount', request })).rejects.toMatchObject({ kind: 'mount' });
    rmSync(tree.mountPoint, { recursive: true });
    await expect(server.tell({ do: 'mount', request })).rejects.toMatchObject({
      hint: expect.stringContaining('mkdir'),
    });
    mkdirSync(tree.mountPoint);
    await server.tell({ do: 'mount', request });
    expect(
      (
        await runPython('import os,sys\nprint(len(os.listdir(sys.argv[1])))', tree.mountPoint)
      ).stdout.toString(),
    ).toBe('2\n');
  });
});
