/** Hands the journal's records to a restore of the index. */
import type { JournalRecord } from '../cache/journal-record.ts';
import { spellOut } from '../cache/spell-out.ts';
import type { Restoring } from '../index/restore.ts';
import { uniqueKey } from '../tree/names.ts';

export function stageRecord(restoring: Restoring, record: Exclude<JournalRecord, { type: 'layout' }>): void {
  switch (record.type) {
    case 'new':
      for (const one of spellOut(record)) if (one.type !== 'layout') stageRecord(restoring, one);
      return;
    case 'inode': {
      const { ino, kind, parent, cookie, name, size, mtime, ctime, target } = record;
      restoring.inode({ ino, kind, parent, cookie, target });
      restoring.attributes({ ino, size, mtime, ctime, nlink: kind === 'directory' ? 2 : 1 });
      restoring.entry({ parent, cookie, name, key: uniqueKey(name), ino });
      return;
    }
    case 'entry':
      restoring.entry({ ...record, key: uniqueKey(record.name) });
      return;
    case 'attributes':
      restoring.attributes(record);
      return;
    case 'file':
      restoring.file({ ...record, crc32: record.crc32 });
      return;
    case 'item': {
      const { item: id, description, photoId, takenAt } = record;
      const text = JSON.stringify(description);
      restoring.item({
        ...record,
        id,
        photoId,
        takenAt,
        description: text === '{}' ? undefined : text,
      });
      return;
    }
    case 'album':
      restoring.album(record);
      return;
    case 'member':
      restoring.member(record);
      return;
    case 'place':
      restoring.place({ ...record, crc32: record.crc32 });
      return;
    case 'correction':
      restoring.correction(record);
      return;
    case 'cached':
      restoring.cached({ ...record, sha256: Buffer.from(record.sha256, 'hex') });
      return;
    case 'superseded':
      restoring.superseded({ ...record, sha256: Buffer.from(record.sha256, 'hex') });
      return;
  }
}
