/**
 * An index that was deleted and made again while it is open: what lies at its path is another file then, and who has the
 * old one open sees nothing of what others write. Before the new one is taken in its place it is compared with it: it
 * must be whole, of the same library, and every number must still mean the same.
 */
import { errorCode, GphotosfsError } from '../model/errors.ts';
import { fileAt, type Index, rawStatement, reopenIndex, statement } from './open.ts';
import { migrations } from './schema.ts';
import { type ChangeMark, changeMark, type TreeChange } from './tree.ts';

/** The setting that an index has as long as it is being made again: `journal`, then `sources`. */
const key = 'rebuilding';

/** How far a rebuild is: its records are being restored; then places of its photos are still to be found. */
export type RebuildStage = 'journal' | 'sources';

export function putRebuildStage(index: Index, stage: RebuildStage | undefined): void {
  if (stage === undefined) statement(index, 'DELETE FROM setting WHERE key = ?').run(key);
  else statement(index, 'INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)').run(key, stage);
}

export function rebuildStage(index: Index): RebuildStage | undefined {
  const row = rawStatement(index, 'SELECT value FROM setting WHERE key = ?').get(key) as [string] | undefined;
  return row?.[0] as RebuildStage | undefined;
}

/**
 * Makes sure that the index is the one at its path: what is written to another one is lost, and numbers that it gives are
 * given twice.
 * @throws `not-found`, `busy`
 */
export function requireInPlace({ path, file }: Index): void {
  const found = fileAt(path);
  if (found === file) return;
  throw found === undefined
    ? new GphotosfsError('not-found', `${path} was deleted`, {
        hint: 'Run "gphotosfs sync --rebuild": it is made again from the cache.',
      })
    : new GphotosfsError('busy', `${path} was replaced by another one`, {
        hint: 'Nothing was changed; try again.',
      });
}

/**
 * What became of an index: it is in its place; it is gone, or its replacement isn't finished; the replacement has numbers
 * of its own and can't be taken; or it was taken, and these are the differences, with how far in it they go: others write
 * to it meanwhile.
 */
export type Replacement =
  | 'in-place'
  | 'unfinished'
  | 'renumbered'
  | (TreeChange & { readonly mark: ChangeMark });

/** Takes the index at the path of this one in its place, for all who hold it, if that is another and can be taken. */
export function takeReplacement(index: Index): Replacement {
  const found = fileAt(index.path);
  if (found === index.file) return 'in-place';
  if (found === undefined) return 'unfinished';
  try {
    const compared = compareWithReplacement(index);
    if (typeof compared === 'object') reopenIndex(index);
    return compared;
  } catch (error) {
    // Deleted again, no database, damaged: whoever else opens it says so.
    if (errorCode(error)?.startsWith('SQLITE_') || error instanceof GphotosfsError) return 'unfinished';
    throw error;
  }
}

function compareWithReplacement(index: Index): Exclude<Replacement, 'in-place'> {
  const { db, path } = index;
  db.prepare('ATTACH ? AS fresh').run(path);
  try {
    return db.transaction(() => {
      if (!isWhole(index)) return 'unfinished';
      if (isRenumbered(index)) return 'renumbered';
      return { ...differences(index), mark: changeMark(index, 'fresh') };
    })();
  } finally {
    db.exec('DETACH fresh');
  }
}

const isTrue = ({ db }: Index, sql: string): boolean => db.prepare(sql).pluck().get() === 1;

function isWhole(index: Index): boolean {
  return (
    index.db.pragma('fresh.user_version', { simple: true }) === migrations.length &&
    isTrue(
      index,
      `SELECT NOT EXISTS (SELECT 1 FROM fresh.setting WHERE key = '${key}') AND EXISTS (
         SELECT 1 FROM fresh.setting n JOIN main.setting o ON o.key = n.key AND o.value = n.value WHERE n.key = 'cacheId')`,
    )
  );
}

/** A number that was given must mean the same, or nothing, and not be given again. */
function isRenumbered(index: Index): boolean {
  const seq = (schema: string) => `(SELECT seq FROM ${schema}.sqlite_sequence WHERE name = 'inode')`;
  return isTrue(
    index,
    `SELECT ${seq('fresh')} < ${seq('main')}
       OR EXISTS (SELECT 1 FROM main.inode o JOIN fresh.inode n ON n.ino = o.ino
         WHERE n.kind <> o.kind OR n.parent <> o.parent OR n.entry <> o.entry OR n.target IS NOT o.target)
       OR EXISTS (SELECT 1 FROM main.entry o JOIN fresh.entry n ON n.parent = o.parent AND n.id = o.id
         WHERE n.name <> o.name OR n.ino <> o.ino)`,
  );
}

function differences({ db }: Index): TreeChange {
  const missing = (from: string, other: string) =>
    `SELECT parent, name FROM ${from}.entry e
     WHERE NOT EXISTS (SELECT 1 FROM ${other}.entry o WHERE o.parent = e.parent AND o.id = e.id)`;
  const entries = db.prepare(`${missing('fresh', 'main')} UNION ALL ${missing('main', 'fresh')}`).all();
  const inodes = db
    .prepare(
      `SELECT o.ino FROM main.inode o LEFT JOIN fresh.inode n ON n.ino = o.ino
         LEFT JOIN main.file f ON f.ino = o.ino LEFT JOIN fresh.file nf ON nf.ino = o.ino
       WHERE n.ino IS NULL OR n.size <> o.size OR n.mtime <> o.mtime OR n.ctime <> o.ctime OR n.nlink <> o.nlink
         OR nf.crc32 IS NOT f.crc32`,
    )
    .pluck()
    .all();
  return { entries: entries as TreeChange['entries'], inodes: inodes as number[] };
}
