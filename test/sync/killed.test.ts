/** Syncs that are killed, and syncs of two processes: no page is ever there by half. */
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Index } from '../../src/index/open.ts';
import { failureOf } from '../helpers/archive-reading.ts';
import { viewItems } from '../helpers/library-view.ts';
import { memorySource } from '../helpers/memory-source.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';
import { killedExport, pageSize, startSyncProcess } from '../helpers/sync-process.ts';

let home: SyncHome;
beforeEach(() => {
  home = openSyncHome();
});
afterEach(() => home.dispose());

/** What would be left of a page that came by half; an empty list each. */
const halves: Readonly<Record<string, string>> = {
  'an entry without an inode': 'SELECT * FROM entry WHERE ino NOT IN (SELECT ino FROM inode)',
  'an inode without an entry':
    'SELECT * FROM inode i WHERE ino > 1 AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.ino = i.ino AND e.id = i.entry)',
  'a file without an inode': 'SELECT * FROM file WHERE ino NOT IN (SELECT ino FROM inode WHERE kind = 0)',
  'a file inode without a file': 'SELECT * FROM inode WHERE kind = 0 AND ino NOT IN (SELECT ino FROM file)',
  'a file without an item': 'SELECT * FROM file WHERE item NOT IN (SELECT id FROM item)',
  'an item without files': 'SELECT * FROM item WHERE id NOT IN (SELECT item FROM file)',
  'a file without a place': 'SELECT * FROM file WHERE ino NOT IN (SELECT ino FROM location)',
  'a place without an archive': 'SELECT * FROM location WHERE archive NOT IN (SELECT id FROM archive)',
  'a member without its link': 'SELECT * FROM membership WHERE entry NOT IN (SELECT id FROM entry)',
};

function expectWhole(index: Index): void {
  expect(index.db.pragma('integrity_check', { simple: true })).toBe('ok');
  for (const [what, sql] of Object.entries(halves))
    expect([what, index.db.prepare(sql).all()]).toEqual([what, []]);
}

describe('a sync that is killed', () => {
  it('leaves whole pages, each in the journal, and the next one goes on', async () => {
    const photos = 600;
    let before = 0;
    let kills = 0;
    for (const page of [1, 4, 9, 15, 22]) {
      const { child, saw } = startSyncProcess({ home: home.home, photos });
      await saw(`page ${page}`);
      child.kill('SIGKILL');
      const [, killedBy] = await once(child, 'close');
      if (killedBy === 'SIGKILL') kills += 1;
      expectWhole(home.index);
      const items = viewItems(home.index);
      expect(items.length % pageSize).toBe(0);
      expect(items.length).toBeGreaterThan(before);
      before = items.length;
      const recorded = new Map(
        home.journal().flatMap((record) => (record.type === 'inode' ? [[record.ino, record.name]] : [])),
      );
      for (const file of items.flatMap((item) => item.files))
        expect(recorded.get(file.ino)).toBe(file.path.split('/').at(-1));
    }
    expect(kills).toBe(5);
    const [report] = (await home.sync(memorySource({ pageSize, exports: [killedExport(photos)] }))).sources;
    expect(report).toMatchObject({ newItems: photos - before, newAlbums: 1, error: undefined });
    expectWhole(home.index);
    expect(viewItems(home.index)).toHaveLength(photos);
    expect(home.albums()).toHaveLength(2 * photos);
  }, 60_000);
});

describe('syncs of two processes', () => {
  it('exclude each other, until the first one is dead', async () => {
    const photos = 100;
    const { child, saw } = startSyncProcess({ home: home.home, photos, fault: { kind: 'stall', pages: 2 } });
    await saw('stall scan');
    const source = memorySource({ pageSize, exports: [killedExport(photos)] });
    const refused = await failureOf(home.sync(source));
    expect(refused.kind).toBe('busy');
    expect(refused.message).toContain(`${child.pid}`);
    expect([viewItems(home.index).length, source.scans]).toEqual([2 * pageSize, 0]);
    child.kill('SIGKILL');
    await once(child, 'close');
    const [report] = (await home.sync(source)).sources;
    expect(report).toMatchObject({ newItems: photos - 2 * pageSize, error: undefined });
  }, 60_000);
});
