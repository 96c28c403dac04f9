/** Another file in the place of the index: a mount goes over to the one it is told of, and to no other. */
import { renameSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { closeIndex, fileAt, openIndex } from '../../../src/index/open.ts';
import { changeInode, getInode } from '../../../src/index/tree.ts';
import { canMount, eventually, mountTree, stopServer } from '../../helpers/mount-client.ts';
import { createTestTree } from '../../helpers/mount-tree.ts';

it.runIf(canMount())(
  'opens the index that it is told of and no other, and tells the kernel if that was late',
  async () => {
    const tree = createTestTree();
    const server = await mountTree(tree).catch((error) => {
      tree.remove();
      throw error;
    });
    const ino = tree.addFile(2, 'photo', { size: 1 });
    const change = { inodes: [ino], entries: [] };
    const path = (name: string) => join(tree.folder, 'home', name);
    /** A copy in which the photo is of another size. */
    const copy = async (name: string, size: number) => {
      await tree.index.db.backup(path(name));
      const index = openIndex(path(name));
      changeInode(index, { ...(getInode(index, ino) ?? expect.fail()), size });
      closeIndex(index);
      return fileAt(path(name)) ?? expect.fail();
    };
    const shown = async () => (await stat(join(tree.mountPoint, 'years', 'photo'))).size;
    try {
      expect(await shown()).toBe(1);
      const wanted = await copy('wanted', 22);
      await copy('unknown', 333);
      // What is beside it is the former one's.
      for (const end of ['-wal', '-shm']) rmSync(`${tree.indexPath}${end}`);
      renameSync(path('unknown'), tree.indexPath);
      await server.tell({ do: 'reopen', file: wanted });
      await server.tell({ do: 'invalidate', change });
      expect(await shown()).toBe(1);
      expect((await server.state()).log.join('\n')).toMatch('was replaced by another one');
      renameSync(path('wanted'), tree.indexPath);
      // Any request lets it try again, and what the kernel got since it was told is asked for once more.
      await stat(join(tree.mountPoint, 'nothing')).catch(() => {});
      expect(await eventually(shown, (size) => size === 22)).toBe(22);
    } finally {
      await stopServer(server);
      tree.remove();
    }
  },
);
