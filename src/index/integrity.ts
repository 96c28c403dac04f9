/** Whether the index is sound: its file as a database, and its rows as a tree. Read only; seconds for a million files. */
import Database from 'better-sqlite3';
import { addonError } from './addon-error.ts';
import { type Index, rawStatement } from './open.ts';
import { migrations } from './schema.ts';

/** So many complaints of SQLite's own check are enough. */
const mostComplaints = 5;

/** What no sound index has, by a query that counts it. */
const contradictions: readonly (readonly [what: string, count: string])[] = [
  [
    'entries that lead to no inode',
    'SELECT count(*) FROM entry e WHERE NOT EXISTS (SELECT 1 FROM inode i WHERE i.ino = e.ino)',
  ],
  [
    'inodes without an entry',
    `SELECT count(*) FROM inode i WHERE i.ino <> 1
     AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.parent = i.parent AND e.id = i.entry AND e.ino = i.ino)`,
  ],
  [
    'files without an inode',
    'SELECT count(*) FROM file f WHERE NOT EXISTS (SELECT 1 FROM inode i WHERE i.ino = f.ino AND i.kind = 0)',
  ],
  [
    'files whose size differs from their inode',
    'SELECT count(*) FROM file f JOIN inode i ON i.ino = f.ino WHERE i.size <> f.size',
  ],
  [
    'files without an item',
    'SELECT count(*) FROM file f WHERE NOT EXISTS (SELECT 1 FROM item i WHERE i.id = f.item)',
  ],
  [
    'cached records of no file',
    'SELECT count(*) FROM cached c WHERE NOT EXISTS (SELECT 1 FROM file f WHERE f.ino = c.ino)',
  ],
];

/** The version of SQLite. Loads its addon, or throws whatever keeps Node from that. */
export function sqliteVersion(): string {
  try {
    const db = new Database(':memory:');
    const version = String(db.prepare('SELECT sqlite_version()').pluck().get());
    db.close();
    return version;
  } catch (error) {
    throw addonError(error);
  }
}

/** Whether the tables are those that this program works with: a database opened for reading is not migrated. */
export function isCurrent(index: Index): boolean {
  return index.db.pragma('user_version', { simple: true }) === migrations.length;
}

/** What is wrong with the index, a line each; empty for a sound one. */
export function findDamage(index: Index): string[] {
  const rows = index.db.pragma(`quick_check(${mostComplaints})`) as { readonly quick_check: string }[];
  const complaints = rows.map(({ quick_check }) => quick_check).filter((text) => text !== 'ok');
  // A database whose pages are wrong answers nothing that could be believed.
  if (complaints.length > 0) return complaints;
  return contradictions.flatMap(([what, sql]) => {
    const [count] = rawStatement(index, sql).get() as [number];
    return count === 0 ? [] : [`${count} ${what}`];
  });
}
