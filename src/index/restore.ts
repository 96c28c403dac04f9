/**
 * Restoring the library from the journal's records. They are staged in temporary tables, where of several records of
 * one thing the last one holds, and then merged in one transaction: a mount that is up sees all of it or nothing, and
 * what the index has already stays under the numbers that it has.
 *
 * What can't be reached from the root any more, for a record of a directory was lost, is left out: the next sync lists
 * it anew, and its bytes are found where they lie.
 */
import type { Content, Role, UnixSeconds } from '../model/words.ts';
import { roles } from './items.ts';
import { albumsIno, type Index, rootIno, statement, transaction, yearsIno } from './open.ts';
import { type Attributes, type InodeKind, inodeKinds } from './tree.ts';

/** Takes records, then merges them. */
export interface Restoring {
  inode(inode: {
    ino: number;
    kind: InodeKind;
    parent: number;
    cookie: number;
    target?: string | undefined;
  }): void;
  attributes(attributes: Omit<Attributes, 'kind'>): void;
  /** @param key `uniqueKey` of the name */
  entry(entry: { parent: number; cookie: number; name: string; key: string; ino: number }): void;
  file(file: Content & { ino: number; item: number; role: Role; name: string }): void;
  /** @param description as JSON; undefined when empty */
  item(item: {
    id: number;
    account: string;
    photoId: string | undefined;
    title: string;
    takenAt: UnixSeconds | undefined;
    provisional: boolean;
    factsTime: UnixSeconds;
    description: string | undefined;
  }): void;
  album(album: {
    directory: number;
    account: string;
    folder: string;
    title: string;
    date: number | null;
  }): void;
  member(member: { ino: number; directory: number; cookie: number }): void;
  place(
    place: Content & {
      ino: number;
      exportId: string;
      exportTime: UnixSeconds;
      offset: number;
      address: string;
    },
  ): void;
  cached(cached: { ino: number; size: number; sha256: Buffer }): void;
  superseded(superseded: { ino: number; sha256: Buffer; size: number; path: string }): void;
  merge(): Restored;
  /** Cached files by their records, of those that the index has now and has no such record of. */
  cachedFiles(): { ino: number; size: number; sha256: Buffer }[];
  close(): void;
}

export interface Restored {
  /** Files that the index did not have. */
  readonly files: number;
  readonly albums: number;
  /** Inodes that could not be restored: out of reach, or their name or number is another's now. */
  readonly leftOut: number;
}

const tables: Readonly<Record<string, string>> = {
  r_inode: 'ino INTEGER PRIMARY KEY, kind INTEGER, parent INTEGER, entry INTEGER, target TEXT',
  r_attributes: 'ino INTEGER PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER, nlink INTEGER',
  r_entry: 'parent INTEGER, id INTEGER PRIMARY KEY, name TEXT, unique_key TEXT, ino INTEGER',
  r_file: 'ino INTEGER PRIMARY KEY, item INTEGER, role INTEGER, name TEXT, size INTEGER, crc32 INTEGER',
  r_item:
    'id INTEGER PRIMARY KEY, account TEXT, photo_id TEXT, title TEXT, taken_at INTEGER, provisional INTEGER, facts_time INTEGER, description TEXT',
  r_album: 'directory INTEGER PRIMARY KEY, account TEXT, folder TEXT, title TEXT, date INTEGER',
  r_member: 'ino INTEGER, directory INTEGER, entry INTEGER, PRIMARY KEY (ino, directory)',
  r_place:
    'ino INTEGER, export_id TEXT, export_time INTEGER, offset INTEGER, address TEXT, size INTEGER, crc32 INTEGER, PRIMARY KEY (ino, export_id, offset, address)',
  r_cached: 'ino INTEGER PRIMARY KEY, size INTEGER, sha256 BLOB',
  r_superseded: 'ino INTEGER, sha256 BLOB, size INTEGER, path TEXT, PRIMARY KEY (ino, sha256)',
};

/** Starts to take records. `close` it in any case. */
export function beginRestore(index: Index): Restoring {
  const { db } = index;
  drop(index);
  for (const [name, columns] of Object.entries(tables)) db.exec(`CREATE TEMP TABLE ${name} (${columns})`);
  // One transaction for all of it; temporary tables are of this connection only, so it keeps nobody waiting.
  db.exec('BEGIN');
  const put = Object.fromEntries(
    Object.entries(tables).map(([name, columns]) => {
      const marks = columns
        .replace(/, PRIMARY KEY \(.*\)$/, '')
        .split(', ')
        .map(() => '?');
      return [name, db.prepare(`INSERT OR REPLACE INTO temp.${name} VALUES (${marks.join(', ')})`)];
    }),
  );
  const insert = (table: keyof typeof tables, ...values: unknown[]) => void put[table]?.run(...values);
  const end = () => {
    if (db.inTransaction) db.exec('COMMIT');
  };
  return {
    inode: ({ ino, kind, parent, cookie, target }) =>
      insert('r_inode', ino, inodeKinds.indexOf(kind), parent, cookie, target ?? null),
    attributes: ({ ino, size, mtime, ctime, nlink }) =>
      insert('r_attributes', ino, size, mtime, ctime, nlink),
    entry: ({ parent, cookie, name, key, ino }) => insert('r_entry', parent, cookie, name, key, ino),
    file: ({ ino, item, role, name, size, crc32 }) =>
      insert('r_file', ino, item, roles.indexOf(role), name, size, crc32 ?? null),
    item: ({ id, account, photoId, title, takenAt, provisional, factsTime, description }) =>
      insert(
        'r_item',
        id,
        account,
        photoId ?? null,
        title,
        takenAt ?? null,
        provisional ? 1 : 0,
        factsTime,
        description ?? null,
      ),
    album: ({ directory, account, folder, title, date }) =>
      insert('r_album', directory, account, folder, title, date),
    member: ({ ino, directory, cookie }) => insert('r_member', ino, directory, cookie),
    place: ({ ino, exportId, exportTime, offset, address, size, crc32 }) =>
      insert('r_place', ino, exportId, exportTime, offset, address, size, crc32 ?? null),
    cached: ({ ino, size, sha256 }) => insert('r_cached', ino, size, sha256),
    superseded: ({ ino, sha256, size, path }) => insert('r_superseded', ino, sha256, size, path),
    merge() {
      end();
      return transaction(index, () => merge(index));
    },
    cachedFiles() {
      return db
        .prepare(
          `SELECT r.ino, r.size, r.sha256 FROM temp.r_cached r JOIN file f ON f.ino = r.ino
           WHERE NOT EXISTS (SELECT 1 FROM cached c WHERE c.ino = r.ino AND c.sha256 = r.sha256) ORDER BY r.ino`,
        )
        .all() as { ino: number; size: number; sha256: Buffer }[];
    },
    close() {
      end();
      drop(index);
    },
  };
}

function drop({ db }: Index): void {
  for (const name of Object.keys(tables)) db.exec(`DROP TABLE IF EXISTS temp.${name}`);
}

/** Directories of the journal on a way down from the root. */
const reachable = `WITH RECURSIVE reached (ino) AS (
    VALUES (${rootIno}), (${yearsIno}), (${albumsIno})
    UNION SELECT r.ino FROM temp.r_inode r JOIN reached ON r.parent = reached.ino WHERE r.kind = 1
  )`;

function merge(index: Index): Restored {
  const run = (sql: string) => index.db.prepare(sql).run().changes;
  const count = (sql: string) => (index.db.prepare(sql).raw().get() as number[])[0] ?? 0;
  const [files, albums] = [count('SELECT count(*) FROM file'), count('SELECT count(*) FROM album')];

  // Numbers were given for good, also those of what can't be restored.
  const highest = count(
    'SELECT max(coalesce((SELECT max(ino) FROM temp.r_inode), 0), coalesce((SELECT max(ino) FROM temp.r_attributes), 0))',
  );

  // 1. What is another's here: its number, or its name.
  let leftOut = run(
    `DELETE FROM temp.r_inode WHERE EXISTS (
       SELECT 1 FROM main.inode i WHERE i.ino = r_inode.ino
       AND (i.kind <> r_inode.kind OR i.parent <> r_inode.parent OR i.entry <> r_inode.entry))`,
  );
  run(
    `DELETE FROM temp.r_entry WHERE EXISTS (
       SELECT 1 FROM main.entry e
       WHERE (e.id = r_entry.id OR (e.parent = r_entry.parent AND e.unique_key = r_entry.unique_key))
       AND (e.id <> r_entry.id OR e.parent <> r_entry.parent OR e.ino <> r_entry.ino OR e.name <> r_entry.name))`,
  );
  run(
    `DELETE FROM temp.r_entry WHERE id NOT IN (SELECT max(id) FROM temp.r_entry GROUP BY parent, unique_key)`,
  );
  leftOut += run(
    `DELETE FROM temp.r_inode WHERE ino NOT IN (
       SELECT r.ino FROM temp.r_inode r JOIN temp.r_entry e ON e.id = r.entry AND e.parent = r.parent AND e.ino = r.ino)`,
  );
  // 2. What can't be reached, and files and albums of which it isn't known what they are: a sync lists them anew.
  leftOut += run(
    `DELETE FROM temp.r_inode WHERE kind = 0 AND NOT EXISTS (
       SELECT 1 FROM temp.r_file f JOIN temp.r_item i ON i.id = f.item WHERE f.ino = r_inode.ino)`,
  );
  leftOut += run(
    `DELETE FROM temp.r_inode WHERE kind = 1 AND parent = ${albumsIno}
       AND ino NOT IN (SELECT directory FROM temp.r_album)`,
  );
  leftOut += run(
    `DELETE FROM temp.r_inode WHERE ino NOT IN (
       ${reachable} SELECT r.ino FROM temp.r_inode r JOIN reached ON r.parent = reached.ino)`,
  );
  leftOut += run(
    `DELETE FROM temp.r_inode WHERE kind = 2 AND ino NOT IN (
       SELECT e.ino FROM temp.r_entry e JOIN temp.r_member m ON m.entry = e.id AND m.directory = e.parent
       JOIN temp.r_inode t ON t.ino = m.ino)`,
  );
  // Further names of a file, in albums that don't know of it: they would be given a second time.
  run(
    `DELETE FROM temp.r_entry WHERE id NOT IN (SELECT entry FROM temp.r_inode)
       AND id NOT IN (SELECT entry FROM temp.r_member)`,
  );
  run('DELETE FROM temp.r_entry WHERE ino NOT IN (SELECT ino FROM temp.r_inode)');
  run(`DELETE FROM temp.r_entry WHERE parent NOT IN (${reachable} SELECT ino FROM reached)`);

  // 3. The tree.
  run(
    `INSERT INTO main.change (ino)
     SELECT r.ino FROM temp.r_attributes r JOIN main.inode i ON i.ino = r.ino
     WHERE (i.ino <= ${albumsIno} OR i.ino IN (SELECT ino FROM temp.r_inode))
       AND (i.size <> r.size OR i.mtime <> r.mtime OR i.ctime <> r.ctime OR i.nlink <> r.nlink)`,
  );
  run(
    `UPDATE main.inode SET (size, mtime, ctime, nlink) =
       (SELECT r.size, r.mtime, r.ctime, r.nlink FROM temp.r_attributes r WHERE r.ino = inode.ino)
     WHERE ino IN (SELECT ino FROM temp.r_attributes)
       AND (ino <= ${albumsIno} OR ino IN (SELECT ino FROM temp.r_inode))`,
  );
  run(
    `INSERT OR IGNORE INTO main.inode (ino, kind, size, mtime, ctime, nlink, parent, entry, target)
     SELECT r.ino, r.kind, a.size, a.mtime, a.ctime, a.nlink, r.parent, r.entry, r.target
     FROM temp.r_inode r JOIN temp.r_attributes a ON a.ino = r.ino`,
  );
  run(
    `INSERT OR IGNORE INTO main.entry (parent, id, name, unique_key, ino)
     SELECT parent, id, name, unique_key, ino FROM temp.r_entry ORDER BY id`,
  );
  // Where names were left out, there are fewer links than the journal says.
  run(
    `UPDATE main.inode SET nlink = e.names FROM (SELECT ino, count(*) AS names FROM main.entry GROUP BY ino) e
     WHERE e.ino = inode.ino AND inode.kind = 0 AND inode.nlink <> e.names`,
  );
  run(
    `UPDATE main.inode SET nlink = 2 + d.directories
     FROM (SELECT p.ino, count(c.ino) AS directories FROM main.inode p
           LEFT JOIN (SELECT ino, parent FROM main.inode WHERE kind = 1 AND ino <> ${rootIno}) c ON c.parent = p.ino
           WHERE p.kind = 1 GROUP BY p.ino) d
     WHERE d.ino = inode.ino AND inode.nlink <> 2 + d.directories`,
  );
  statement(index, `UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'inode'`).run(highest);

  // 4. What the files are.
  run('DELETE FROM temp.r_file WHERE ino NOT IN (SELECT ino FROM temp.r_inode)');
  run(
    `INSERT INTO main.item (id, account, photo_id, title, taken_at, provisional, facts_time, description)
     SELECT id, account, photo_id, title, taken_at, provisional, facts_time, description FROM temp.r_item
     WHERE id IN (SELECT item FROM temp.r_file)
     ON CONFLICT (id) DO UPDATE SET account = excluded.account, photo_id = excluded.photo_id,
       title = excluded.title, taken_at = excluded.taken_at, provisional = excluded.provisional,
       facts_time = excluded.facts_time, description = excluded.description`,
  );
  run(
    `INSERT INTO main.file (ino, item, role, name, size, crc32, content_time)
     SELECT f.ino, f.item, f.role, f.name, f.size, f.crc32, coalesce((
       SELECT max(p.export_time) FROM temp.r_place p
       WHERE p.ino = f.ino AND p.size = f.size AND coalesce(p.crc32 = f.crc32, 1)), 0)
     FROM temp.r_file f WHERE 1
     ON CONFLICT (ino) DO UPDATE SET item = excluded.item, role = excluded.role, name = excluded.name,
       size = excluded.size, content_time = max(content_time, excluded.content_time),
       crc32 = CASE WHEN size = excluded.size THEN coalesce(excluded.crc32, crc32) ELSE excluded.crc32 END`,
  );
  run(
    `INSERT INTO main.album (account, folder, title, date, directory)
     SELECT account, folder, title, date, directory FROM temp.r_album r
     WHERE directory IN (SELECT ino FROM temp.r_inode)
       AND NOT EXISTS (SELECT 1 FROM main.album a WHERE a.directory = r.directory) ORDER BY directory`,
  );
  run(
    `INSERT OR IGNORE INTO main.membership (ino, album, entry)
     SELECT m.ino, a.id, m.entry FROM temp.r_member m JOIN main.album a ON a.directory = m.directory
     JOIN main.entry e ON e.id = m.entry AND e.parent = m.directory JOIN main.file f ON f.ino = m.ino`,
  );

  // 5. By what they are known again, and what is kept of them.
  run(
    `INSERT OR IGNORE INTO main.former (ino, export_id, offset, address, size, crc32)
     SELECT p.ino, p.export_id, p.offset, p.address, p.size, p.crc32
     FROM temp.r_place p JOIN temp.r_file f ON f.ino = p.ino
     WHERE NOT EXISTS (
       SELECT 1 FROM main.location l JOIN main.archive a ON a.id = l.archive
       WHERE l.ino = p.ino AND a.export_id = p.export_id AND l.offset = p.offset AND l.address = p.address)`,
  );
  run(
    `INSERT OR IGNORE INTO main.superseded (ino, sha256, size, path, at)
     SELECT s.ino, s.sha256, s.size, s.path, unixepoch() FROM temp.r_superseded s JOIN main.file f ON f.ino = s.ino`,
  );
  return {
    files: count('SELECT count(*) FROM file') - files,
    albums: count('SELECT count(*) FROM album') - albums,
    leftOut,
  };
}
