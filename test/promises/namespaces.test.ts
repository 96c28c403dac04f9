/**
 * A mount that another mount namespace has a copy of (`unshare`, a container, a systemd unit) ends when it is told to,
 * although unmounting it takes away only one of the two. Without fusectl in its usual place it never ended.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mountAt } from '../../src/mount/mount-table.ts';
import { createPlace, type Place, until } from '../cli/run-program.ts';
import { canMount } from '../helpers/mount-client.ts';
import { buildLibrary } from './library.ts';
import { endMount, mount } from './mounting.ts';

let place: Place;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

describe.runIf(canMount() && process.geteuid?.() === 0)('a mount with a copy in another namespace', () => {
  it('ends when it is told to', async () => {
    const { archives } = await buildLibrary(join(place.folder, 'takeout'), { photos: 4, size: 1000 });
    await place.run('add', 'takeout', ...archives);
    expect((await place.run('sync')).code).toBe(0);
    const mounted = await mount(place);
    const other = spawn('unshare', ['-m', 'sleep', '300'], { stdio: 'ignore' });
    const namespaceOf = (pid: number | 'self') => readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
    try {
      await until(() => readFileSync(`/proc/${other.pid}/comm`, 'utf8').trim() === 'sleep');
      expect(namespaceOf(other.pid ?? 0), 'it has a copy').toContain(place.mountPoint);
      await endMount(mounted);
      expect(mountAt(place.mountPoint)).toBeUndefined();
    } finally {
      other.kill('SIGKILL');
    }
  });
});
