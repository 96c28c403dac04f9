/** Revisions: newer bytes of a file, which it shows once they are in the cache. */

import { sameContent } from '../model/content.ts';
import type { Content, UnixSeconds } from '../model/words.ts';
import { getFile } from './items.ts';
import { type Index, rawStatement, statement } from './open.ts';

export interface Revision extends Content {
  /** The newest export that has these bytes. */
  readonly exportTime: UnixSeconds;
}

export function getRevision(index: Index, ino: number): Revision | undefined {
  const row = rawStatement(index, 'SELECT size, crc32, export_time FROM revision WHERE ino = ?').get(ino) as
    | unknown[]
    | undefined;
  if (row === undefined) return undefined;
  return {
    size: row[0] as number,
    crc32: (row[1] as number | null) ?? undefined,
    exportTime: row[2] as number,
  };
}

export function putRevision(index: Index, ino: number, revision: Revision): void {
  statement(index, 'INSERT OR REPLACE INTO revision (ino, size, crc32, export_time) VALUES (?, ?, ?, ?)').run(
    ino,
    revision.size,
    revision.crc32 ?? null,
    revision.exportTime,
  );
}

/** The revision is what the file shows now, or is given up: nothing from before it is newer from here on. */
export function dropRevision(index: Index, ino: number): void {
  const revision = getRevision(index, ino);
  if (revision === undefined) return;
  raiseContentTime(index, ino, revision.exportTime);
  statement(index, 'DELETE FROM revision WHERE ino = ?').run(ino);
}

/** Whether a file shows this content, or shall show it: a sync may have made it another one while this was being fetched. */
export function isWanted(index: Index, ino: number, content: Content): boolean {
  const shown = getFile(index, ino);
  if (shown === undefined || sameContent(shown, content)) return true;
  const revision = getRevision(index, ino);
  return revision !== undefined && sameContent(revision, content);
}

/** The newest export known to have the content that a file shows; 0 where none is known. */
export function contentTimeOf(index: Index, ino: number): UnixSeconds {
  const row = rawStatement(index, 'SELECT content_time FROM file WHERE ino = ?').get(ino) as
    | unknown[]
    | undefined;
  return (row?.[0] as number | undefined) ?? 0;
}

/** A newer export has the content shown as well. */
export function raiseContentTime(index: Index, ino: number, time: UnixSeconds): void {
  statement(index, 'UPDATE file SET content_time = @time WHERE ino = @ino AND content_time < @time').run({
    time,
    ino,
  });
}
