/** A new item's record of the journal, taken apart, for those that know records of single things. */
import type { JournalRecord } from './journal-record.ts';
import type { NewItemRecord } from './new-item-record.ts';

/** The records of its item, and of each file's inode, identity and places. */
export function spellOut(record: NewItemRecord): Exclude<JournalRecord, NewItemRecord>[] {
  const { type: _, exportId, exportTime, files, ...item } = record;
  return [
    { type: 'item', ...item, factsTime: exportTime },
    ...files.flatMap(({ role, sourceName, crc32, places, ...inode }) => {
      const { ino, name, size, mtime } = inode;
      return [
        { type: 'inode', kind: 'file', ...inode, ctime: mtime } as const,
        { type: 'file', ino, item: item.item, role, name: sourceName ?? name, size, crc32 } as const,
        ...places.map(
          ([offset, address]) =>
            ({ type: 'place', ino, exportId, exportTime, offset, address, size, crc32 }) as const,
        ),
      ];
    }),
  ];
}
