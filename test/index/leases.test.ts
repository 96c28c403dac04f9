/** Leases: one owner at a time, over processes, whatever becomes of them. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Leases, openLeases } from '../../src/index/leases.ts';
import { isRunning, thisProcess } from '../../src/index/process-identity.ts';
import { canMount } from '../helpers/mount-client.ts';
import { fillDisk, mountSmallDisk } from '../promises/small-disk.ts';

let home: string;
let leases: Leases;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'gphotosfs-leases-'));
  leases = openLeases(home);
});
afterEach(() => {
  leases.close();
  rmSync(home, { recursive: true, force: true });
});

describe.runIf(canMount())('on a disk that is full', () => {
  it('they are refused, and one that could not be given back is not held for ever', () => {
    const disk = join(home, 'disk');
    mkdirSync(disk);
    mountSmallDisk(home, disk);
    const onDisk = openLeases(disk);
    try {
      expect(onDisk.acquire('a', 'partial-a')).toBeUndefined();
      fillDisk(disk);
      onDisk.beat('a', 1000);
      onDisk.release('a');
      expect(onDisk.holder('a'), 'it could not be given back').toBeDefined();
      expect(() => onDisk.acquire('b')).toThrow('full');
      rmSync(join(disk, 'filler'));
      expect(onDisk.acquire('a')).toBeUndefined();
      onDisk.release('a');
      expect(onDisk.holder('a')).toBeUndefined();
    } finally {
      onDisk.close();
      execFileSync('umount', [disk]);
    }
  });
});

/** A process that takes a lease, tells how far it is, and waits to be killed. */
async function otherOwner(keys: readonly string[], partial: string, prefix: number) {
  const script = `
    import { openLeases } from '${new URL('../../src/index/leases.ts', import.meta.url).href}';
    const leases = openLeases('${home}');
    const taken = leases.acquire(${JSON.stringify(keys)}, '${partial}') === undefined;
    leases.beat('${keys[0]}', ${prefix});
    console.log(taken ? 'taken' : 'refused');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: new URL('../..', import.meta.url),
  });
  const [said] = await once(child.stdout, 'data');
  return {
    pid: child.pid,
    said: String(said).trim(),
    async kill() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
/** Rows as another process, of another container, would have written them. */
function write(sql: string, ...values: unknown[]): void {
  const db = new Database(join(home, 'leases.db'));
  db.prepare(sql).run(...values);
  db.close();
}

describe('a lease', () => {
  it('has one owner; several are taken together or not at all', () => {
    expect(leases.acquire(['a', 'b'], 'partial')).toBeUndefined();
    expect(leases.acquire('a')).toMatchObject({ pid: process.pid, partial: 'partial', prefix: 0 });
    expect(leases.acquire(['c', 'b'])).toMatchObject({ partial: 'partial' });
    expect(leases.holder('c')).toBeUndefined();
    expect(leases.livePartials()).toEqual(new Set(['partial']));
    leases.release(['a', 'b']);
    expect(leases.acquire(['c', 'b'])).toBeUndefined();
    expect(statSync(join(home, 'leases.db')).mode & 0o777).toBe(0o600);
  });

  it('of a living process is refused, of a killed one is anyone’s', async () => {
    const other = await otherOwner(['a', 'content'], 'theirs', 500);
    expect(other.said).toBe('taken');
    expect(leases.acquire(['content', 'z'])).toMatchObject({ pid: other.pid, partial: 'theirs' });
    expect(leases.holder('a')).toMatchObject({ prefix: 500 });
    expect(leases.fate('a', 'theirs')).toBe('underway');
    await other.kill();
    expect(leases.holder('a')).toBeUndefined();
    expect(leases.livePartials()).toEqual(new Set());
    expect(leases.fate('a', 'theirs')).toBe('left');
    const shown: unknown[] = [];
    const look = (left: unknown) => void shown.push(left);
    expect(leases.acquire(['a', 'content'], 'mine', look)).toBeUndefined();
    expect(shown).toMatchObject([{ partial: 'theirs', prefix: 500 }]);
    // Nobody has verified what others may have read of it; that stays known.
    expect(leases.fate('a', 'theirs')).toBe('doubtful');
    leases.release(['a', 'content'], true);
    expect(leases.fate('a', 'mine')).toBe('verified');
  });

  it('of a killed process may be gone on with: then nothing is in doubt, and its file is the lease’s', async () => {
    const other = await otherOwner(['a', 'content'], 'theirs', 500);
    const goOn = () => ({ name: 'theirs', prefix: 400 });
    expect(leases.acquire(['a'], 'mine', goOn)).toMatchObject({ pid: other.pid });
    await other.kill();
    expect(leases.acquire(['a', 'content'], 'mine', goOn)).toBeUndefined();
    expect(leases.holder('a')).toMatchObject({ pid: process.pid, partial: 'theirs', prefix: 400 });
    leases.release(['a', 'content'], true);
    expect(leases.fate('a', 'theirs')).toBe('verified');
  });

  it('is given back with others, each with what became of its file', () => {
    for (const key of ['a', 'b']) {
      leases.acquire(key, `of ${key}`);
      leases.beat(key, 10);
    }
    leases.releaseAll([
      { keys: ['a'], verified: true },
      { keys: ['b'], verified: false },
    ]);
    expect([leases.fate('a', 'of a'), leases.fate('b', 'of b')]).toEqual(['verified', 'doubtful']);
    expect(leases.acquire(['a', 'b'])).toBeUndefined();
  });

  it('that failed leaves doubt only where others could read of it', () => {
    leases.acquire('a', 'read');
    leases.beat('a', 10);
    leases.release('a', false);
    leases.acquire('a', 'unread');
    leases.release('a', false);
    expect([leases.fate('a', 'read'), leases.fate('a', 'unread')]).toEqual(['doubtful', 'verified']);
  });

  it('is not confused by a process number that was given again, nor by another boot', () => {
    const { host, pid, started } = thisProcess();
    expect(isRunning({ host, pid, started })).toBe(true);
    const insert = 'INSERT INTO lease VALUES (?, ?, ?, ?, ?, 0, ?)';
    write(insert, 'again', host, pid, `${Number(started) - 1}`, Date.now(), 'p');
    write(insert, 'boot', 'other-boot pid:[1]', pid, started, Date.now(), 'p');
    expect(leases.holder('again')).toBeUndefined();
    expect(leases.holder('boot')).toBeUndefined();
  });

  it('of another container lives by its heartbeat', () => {
    const { host, pid, started } = thisProcess();
    const [boot] = host.split(' ');
    const insert = 'INSERT INTO lease VALUES (?, ?, ?, ?, ?, 0, ?)';
    write(insert, 'alive', `${boot} pid:[1]`, pid, started, Date.now() - 30_000, 'p');
    write(insert, 'dead', `${boot} pid:[1]`, pid, started, Date.now() - 90_000, 'p');
    expect(leases.acquire('alive')).toMatchObject({ pid });
    expect(leases.acquire('dead')).toBeUndefined();
  });
});
