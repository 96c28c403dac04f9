import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mountAt } from '../../../src/mount/mount-table.ts';
import { eventually } from '../../helpers/mount-client.ts';
import { walked } from './attribute-tests.ts';
import { serveLibrary } from './client.ts';
import type { Subject } from './subject.ts';

/** Ctrl-C to prompt, with nothing in the way. */
const endsWithinMs = 3000;

export function lifecycleTests(get: () => Subject): void {
  const device = () => mountAt(get().library.mountPoint)?.device;

  describe('the mount', () => {
    it('shows the same after it was mounted again', async () => {
      const { hands, server, remount, at } = get();
      const before = await hands.python(walked, at(''));
      expect(await server.stop()).toBe(0);
      await remount();
      expect(await hands.python(walked, at(''))).toEqual(before);
    });

    it('goes away on SIGTERM, and leaves an empty directory', async () => {
      const { server, library, remount } = get();
      const began = performance.now();
      expect(await server.stop()).toBe(0);
      expect(performance.now() - began).toBeLessThan(endsWithinMs);
      expect(device()).toBeUndefined();
      expect(readdirSync(library.mountPoint)).toEqual([]);
      await remount();
    });

    it('is refused on itself, and stays', async () => {
      const { library, driver, hands, at } = get();
      await expect(serveLibrary(library, driver, hands)).rejects.toMatchObject({
        kind: 'mount',
        message: expect.stringContaining('mounted already'),
      });
      await hands.text('ls', at(''));
    });

    it('that a killed server left is cleared by the next one', async () => {
      const { hands, server, remount, at } = get();
      const before = await hands.python(walked, at(''));
      server.child.kill('SIGKILL');
      expect(await server.exited).toBe('SIGKILL');
      const { status, stderr } = await hands.run('ls', at(''));
      expect(status, 'a dead mount is in the way').not.toBe(0);
      expect(stderr).toContain('Transport endpoint');
      await remount();
      expect(await hands.python(walked, at(''))).toEqual(before);
    });

    it('goes away also while programs use it, and readers that wait get an error', async () => {
      const { hands, library, server, remount, at } = get();
      const path = 'years/2022/far.mp4';
      await server.hold(library.placeOf(path), 1000);
      const readers = Array.from({ length: 8 }, () => hands.run('cat', at(path)));
      const shell = hands.start('sh', '-c', 'cd "$1" && exec sleep 60', 'sh', at('years/2021'));
      const opens = await eventually(
        async () => (await server.state()).opens[library.placeOf(path)],
        (count) => count !== undefined,
      );
      expect(opens, 'the readers wait').toBe(1);
      const began = performance.now();
      expect(await server.stop()).toBe(0);
      expect(performance.now() - began).toBeLessThan(endsWithinMs);
      expect(device()).toBeUndefined();
      for (const reader of readers) expect((await reader).status).not.toBe(0);
      shell.kill('SIGKILL');
      await remount();
    });

    it('that somebody else takes away ends the server', async () => {
      const { hands, server, library, remount } = get();
      const unmount = hands.uid === 0 ? ['umount'] : ['fusermount3', '-u'];
      await hands.text(unmount[0] ?? '', ...unmount.slice(1), library.mountPoint);
      expect(await server.exited).toBe(0);
      await remount();
    });
  });
}
