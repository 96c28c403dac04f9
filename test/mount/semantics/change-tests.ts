import { describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/mount-client.ts';
import { hashesOf, type Subject } from './subject.ts';

/** How late a change may show where the kernel can't be told of it: the driver's time-out, and one more look. */
const lateMs = 8000;
/** Where it is told: the time until a commit is noticed, and the look. */
const soonMs = 2000;

export function changeTests(get: () => Subject): void {
  describe('photos that another process finds', () => {
    it('appear without a remount, also where their absence had been seen', async () => {
      const { hands, library, server, at } = get();
      const names = ['later-1.jpg', 'later-2.jpg'];
      // The kernel shall have something to forget.
      for (const name of names) expect((await hands.run('stat', at(`years/2021/${name}`))).status).toBe(1);
      const before = await hands.text('stat', '-c', '%Y %Z', at('years/2021'));
      expect(await hands.text('ls', at('years/2021'))).not.toContain('later');
      await library.addLater(names);
      const limit = server.features.invalidation ? soonMs : lateMs;
      const listing = await eventually(
        () => hands.text('ls', at('years/2021')),
        (text) => names.every((name) => text.includes(name)),
        limit,
      );
      for (const name of names) expect(listing).toContain(name);
      for (const name of names) {
        const inode = library.node(`years/2021/${name}`);
        expect(await hands.text('stat', '-c', '%i %s', at(`years/2021/${name}`))).toBe(
          `${inode.ino} ${inode.size}\n`,
        );
      }
      const after = await eventually(
        () => hands.text('stat', '-c', '%Y %Z', at('years/2021')),
        (text) => text !== before,
        limit,
      );
      const { mtime, ctime } = library.node('years/2021');
      expect(after).toBe(`${mtime} ${ctime}\n`);
      expect(Object.keys(await hands.python(hashesOf, at('years/2021')))).toEqual(
        expect.arrayContaining(names),
      );
    });
  });
}
