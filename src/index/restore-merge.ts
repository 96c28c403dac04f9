/**
 * Merges the records that `restore.ts` has staged, to be called in one transaction: a mount that is up sees all of it or
 * nothing, and what the index has already stays under the numbers that it has.
 *
 * What can't be reached from the root any more, for a record of a directory was lost, is left out: the next sync lists
 * it anew, and its bytes are found where they lie.
 */
import { albumsIno, type Index, rootIno, statement, yearsIno } from './open.ts';

export interface Restored {
  /** Files that the index did not have. */
  readonly files: number;
  readonly albums: number;
  /** Inodes that could not be restored: out of reach, or their name or number is another's now. */
  readonly leftOut: number;
}

/** Directories of the journal on a way down from the root. */
const reachable = `WITH RECURSIVE reached (ino) AS (
    VALUES (${rootIno}), (${yearsIno}), (${albumsIno})
    UNION SELECT r.ino FROM temp.r_inode r JOIN reached ON r.parent = reached.ino WHERE r.kind = 1
  )`;

const run = ({ db }: Index, sql: string): number => db.prepare(sql).run().changes;
const count = ({ db }: Index, sql: string): number => (db.prepare(sql).raw().get() as number[])[0] ?? 0;

export function mergeStaged(index: Index): Restored {
  const before = sizes(index);
  // Numbers were given for good, also those of what can't be restored.
  const highest = count(
    index,
    'SELECT max(coalesce((SELECT max(ino) FROM temp.r_inode), 0), coalesce((SELECT max(ino) FROM temp.r_attributes), 0))',
  );
  const leftOut = dropTaken(index) + dropUnreachable(index);
  mergeTree(index);
  statement(index, `UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'inode'`).run(highest);
  mergeFiles(index);
  mergePlaces(index);
  const after = sizes(index);
  return { files: after.files - before.files, albums: after.albums - before.albums, leftOut };
}

const sizes = (index: Index) => ({
  files: count(index, 'SELECT count(*) FROM file'),
  albums: count(index, 'SELECT count(*) FROM album'),
});

/** Leaves out what is another's here: its number, or its name. Gives how many inodes that are. */
function dropTaken(index: Index): number {
  let leftOut = run(
    index,
    `DELETE FROM temp.r_inode WHERE EXISTS (
       SELECT 1 FROM main.inode i WHERE i.ino = r_inode.ino
       AND (i.kind <> r_inode.kind OR i.parent <> r_inode.parent OR i.entry <> r_inode.entry))`,
  );
  run(
    index,
    `DELETE FROM temp.r_entry WHERE EXISTS (
       SELECT 1 FROM main.entry e
       WHERE (e.id = r_entry.id OR (e.parent = r_entry.parent AND e.unique_key = r_entry.unique_key))
       AND (e.id <> r_entry.id OR e.parent <> r_entry.parent OR e.ino <> r_entry.ino OR e.name <> r_entry.name))`,
  );
  run(
    index,
    `DELETE FROM temp.r_entry WHERE id NOT IN (SELECT max(id) FROM temp.r_entry GROUP BY parent, unique_key)`,
  );
  leftOut += run(
    index,
    `DELETE FROM temp.r_inode WHERE ino NOT IN (
       SELECT r.ino FROM temp.r_inode r JOIN temp.r_entry e ON e.id = r.entry AND e.parent = r.parent AND e.ino = r.ino)`,
  );
  return leftOut;
}

/**
 * Leaves out what can't be reached, and files and albums of which it isn't known what they are: a sync lists them anew.
 * Gives how many inodes that are.
 */
function dropUnreachable(index: Index): number {
  let leftOut = 0;
  leftOut += run(
    index,
    `DELETE FROM temp.r_inode WHERE kind = 0 AND NOT EXISTS (
       SELECT 1 FROM temp.r_file f JOIN temp.r_item i ON i.id = f.item WHERE f.ino = r_inode.ino)`,
  );
  leftOut += run(
    index,
    `DELETE FROM temp.r_inode WHERE kind = 1 AND parent = ${albumsIno}
       AND ino NOT IN (SELECT directory FROM temp.r_album)`,
  );
  leftOut += run(
    index,
    `DELETE FROM temp.r_inode WHERE ino NOT IN (
       ${reachable} SELECT r.ino FROM temp.r_inode r JOIN reached ON r.parent = reached.ino)`,
  );
  leftOut += run(
    index,
    `DELETE FROM temp.r_inode WHERE kind = 2 AND ino NOT IN (
       SELECT e.ino FROM temp.r_entry e JOIN temp.r_member m ON m.entry = e.id AND m.directory = e.parent
       JOIN temp.r_inode t ON t.ino = m.ino)`,
  );
  // Further names of a file, in albums that don't know of it: they would be given a second time.
  run(
    index,
    `DELETE FROM temp.r_entry WHERE id NOT IN (SELECT entry FROM temp.r_inode)
       AND id NOT IN (SELECT entry FROM temp.r_member)`,
  );
  run(index, 'DELETE FROM temp.r_entry WHERE ino NOT IN (SELECT ino FROM temp.r_inode)');
  run(index, `DELETE FROM temp.r_entry WHERE parent NOT IN (${reachable} SELECT ino FROM reached)`);
  return leftOut;
}

/** The tree: attributes, inodes, entries, and the numbers of links, which are fewer where names were left out. */
function mergeTree(index: Index): void {
  run(
    index,
    `INSERT INTO main.change (ino)
     SELECT r.ino FROM temp.r_attributes r JOIN main.inode i ON i.ino = r.ino
     WHERE (i.ino <= ${albumsIno} OR i.ino IN (SELECT ino FROM temp.r_inode))
       AND (i.size <> r.size OR i.mtime <> r.mtime OR i.ctime <> r.ctime OR i.nlink <> r.nlink)`,
  );
  run(
    index,
    `UPDATE main.inode SET (size, mtime, ctime, nlink) =
       (SELECT r.size, r.mtime, r.ctime, r.nlink FROM temp.r_attributes r WHERE r.ino = inode.ino)
     WHERE ino IN (SELECT ino FROM temp.r_attributes)
       AND (ino <= ${albumsIno} OR ino IN (SELECT ino FROM temp.r_inode))`,
  );
  run(
    index,
    `INSERT OR IGNORE INTO main.inode (ino, kind, size, mtime, ctime, nlink, parent, entry, target)
     SELECT r.ino, r.kind, a.size, a.mtime, a.ctime, a.nlink, r.parent, r.entry, r.target
     FROM temp.r_inode r JOIN temp.r_attributes a ON a.ino = r.ino`,
  );
  run(
    index,
    `INSERT OR IGNORE INTO main.entry (parent, id, name, unique_key, ino)
     SELECT parent, id, name, unique_key, ino FROM temp.r_entry ORDER BY id`,
  );
  // Where names were left out, there are fewer links than the journal says.
  run(
    index,
    `UPDATE main.inode SET nlink = e.names FROM (SELECT ino, count(*) AS names FROM main.entry GROUP BY ino) e
     WHERE e.ino = inode.ino AND inode.kind = 0 AND inode.nlink <> e.names`,
  );
  run(
    index,
    `UPDATE main.inode SET nlink = 2 + d.directories
     FROM (SELECT p.ino, count(c.ino) AS directories FROM main.inode p
           LEFT JOIN (SELECT ino, parent FROM main.inode WHERE kind = 1 AND ino <> ${rootIno}) c ON c.parent = p.ino
           WHERE p.kind = 1 GROUP BY p.ino) d
     WHERE d.ino = inode.ino AND inode.nlink <> 2 + d.directories`,
  );
}

/** What the files are. */
function mergeFiles(index: Index): void {
  run(index, 'DELETE FROM temp.r_file WHERE ino NOT IN (SELECT ino FROM temp.r_inode)');
  run(
    index,
    `INSERT INTO main.item (id, account, photo_id, title, taken_at, provisional, facts_time, description)
     SELECT id, account, photo_id, title, taken_at, provisional, facts_time, description FROM temp.r_item
     WHERE id IN (SELECT item FROM temp.r_file)
     ON CONFLICT (id) DO UPDATE SET account = excluded.account, photo_id = excluded.photo_id,
       title = excluded.title, taken_at = excluded.taken_at, provisional = excluded.provisional,
       facts_time = excluded.facts_time, description = excluded.description`,
  );
  run(
    index,
    `INSERT INTO main.file (ino, item, role, name, size, crc32, content_time)
     SELECT f.ino, f.item, f.role, f.name, f.size, f.crc32, coalesce((
       SELECT max(p.export_time) FROM temp.r_place p
       WHERE p.ino = f.ino AND p.size = f.size AND coalesce(p.crc32 = f.crc32, 1)), 0)
     FROM temp.r_file f WHERE 1
     ON CONFLICT (ino) DO UPDATE SET item = excluded.item, role = excluded.role, name = excluded.name,
       size = excluded.size, content_time = max(content_time, excluded.content_time),
       crc32 = CASE WHEN size = excluded.size THEN coalesce(excluded.crc32, crc32) ELSE excluded.crc32 END`,
  );
  // A crash may have cut off one of the two records of a revision.
  const otherSize = `FROM main.file f JOIN temp.r_inode r ON r.ino = f.ino WHERE f.ino = i.ino AND f.size <> i.size`;
  run(
    index,
    `INSERT INTO main.change (ino) SELECT i.ino FROM main.inode i WHERE EXISTS (SELECT 1 ${otherSize})`,
  );
  run(index, `UPDATE main.inode AS i SET size = f.size ${otherSize}`);
  run(
    index,
    `INSERT INTO main.album (account, folder, title, date, directory)
     SELECT account, folder, title, date, directory FROM temp.r_album r
     WHERE directory IN (SELECT ino FROM temp.r_inode)
       AND NOT EXISTS (SELECT 1 FROM main.album a WHERE a.directory = r.directory) ORDER BY directory`,
  );
  run(
    index,
    `INSERT OR IGNORE INTO main.membership (ino, album, entry)
     SELECT m.ino, a.id, m.entry FROM temp.r_member m JOIN main.album a ON a.directory = m.directory
     JOIN main.entry e ON e.id = m.entry AND e.parent = m.directory JOIN main.file f ON f.ino = m.ino`,
  );
}

/** By what they are known again, and what is kept of them. */
function mergePlaces(index: Index): void {
  run(
    index,
    `INSERT OR IGNORE INTO main.former (ino, export_id, offset, address, size, crc32)
     SELECT p.ino, p.export_id, p.offset, p.address, p.size, p.crc32
     FROM temp.r_place p JOIN temp.r_file f ON f.ino = p.ino
     WHERE NOT EXISTS (
       SELECT 1 FROM main.location l JOIN main.archive a ON a.id = l.archive
       WHERE l.ino = p.ino AND a.export_id = p.export_id AND l.offset = p.offset AND l.address = p.address)`,
  );
  run(
    index,
    `INSERT OR IGNORE INTO main.correction (ino, was)
     SELECT c.ino, c.was FROM temp.r_correction c JOIN temp.r_file f ON f.ino = c.ino`,
  );
  run(
    index,
    `INSERT OR IGNORE INTO main.superseded (ino, sha256, size, path, at)
     SELECT s.ino, s.sha256, s.size, s.path, unixepoch() FROM temp.r_superseded s JOIN main.file f ON f.ino = s.ino`,
  );
}
