/**
 * The index's tables, as a list of migrations: the version of a database is how many of them it has seen.
 * A migration that has been released is never edited; a change is a new one.
 *
 * Layout follows the hottest query, listing a directory: `entry` is stored in the order (directory, cookie), so a
 * READDIRPLUS is one range of it and one look-up by primary key for each inode.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE setting (key TEXT PRIMARY KEY, value ANY NOT NULL) WITHOUT ROWID, STRICT;

  CREATE TABLE source (id TEXT PRIMARY KEY, account TEXT NOT NULL, last_scan INTEGER) WITHOUT ROWID, STRICT;

  -- What a source wants to find again at its next scan (the catalog of an archive).
  CREATE TABLE memo (
    source TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (source, key)
  ) STRICT;

  CREATE TABLE archive (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    export_id TEXT NOT NULL,
    export_time INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    sequential INTEGER NOT NULL,   -- reading a file costs reading all that precedes it
    UNIQUE (source, name)
  ) STRICT;

  CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    photo_id TEXT,
    title TEXT NOT NULL,
    taken_at INTEGER,
    provisional INTEGER NOT NULL,
    facts_time INTEGER NOT NULL,   -- time of the export that title and description come from
    description TEXT               -- JSON of sources/source.ts Description, NULL when empty
  ) STRICT;
  CREATE INDEX item_by_photo_id ON item (photo_id) WHERE photo_id IS NOT NULL;

  -- AUTOINCREMENT: an inode number is never used again, also after its owner forgot the file.
  CREATE TABLE inode (
    ino INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,         -- 0 file, 1 directory, 2 symlink
    size INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    ctime INTEGER NOT NULL,
    nlink INTEGER NOT NULL,
    parent INTEGER NOT NULL,       -- its first entry: the directory …
    entry INTEGER NOT NULL,        -- … and the cookie there
    target TEXT                    -- of a symlink
  ) STRICT;

  CREATE TABLE entry (
    parent INTEGER NOT NULL,
    id INTEGER NOT NULL,           -- the cookie: counted up over all directories
    name TEXT NOT NULL,
    unique_key TEXT NOT NULL,      -- tree/names.ts uniqueKey(name)
    ino INTEGER NOT NULL,
    PRIMARY KEY (parent, id)
  ) WITHOUT ROWID, STRICT;
  CREATE UNIQUE INDEX entry_by_key ON entry (parent, unique_key);
  CREATE UNIQUE INDEX entry_by_id ON entry (id);

  CREATE TABLE file (
    ino INTEGER PRIMARY KEY,
    item INTEGER NOT NULL,
    role INTEGER NOT NULL,         -- 0 original, 1 edited, 2 motion
    name TEXT NOT NULL,            -- as the source has it
    size INTEGER NOT NULL,         -- of the content shown
    crc32 INTEGER,
    content_time INTEGER NOT NULL  -- the newest export known to have this content
  ) STRICT;
  CREATE INDEX file_by_item ON file (item);
  CREATE INDEX file_by_content ON file (size, crc32);

  -- Newer bytes of a file, shown once they are in the cache.
  CREATE TABLE revision (
    ino INTEGER PRIMARY KEY, size INTEGER NOT NULL, crc32 INTEGER, export_time INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE location (
    archive INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    address TEXT NOT NULL,
    seekable INTEGER NOT NULL,
    size INTEGER NOT NULL,
    crc32 INTEGER,
    PRIMARY KEY (archive, offset)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX location_by_file ON location (ino);

  -- Where files lay in archives that have changed or were removed: by this they are known again.
  CREATE TABLE former (
    ino INTEGER NOT NULL,
    export_id TEXT NOT NULL,
    offset INTEGER NOT NULL,
    address TEXT NOT NULL,
    size INTEGER NOT NULL,
    crc32 INTEGER,
    PRIMARY KEY (ino, export_id, offset, address)
  ) WITHOUT ROWID, STRICT;

  CREATE TABLE album (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    folder TEXT NOT NULL,
    title TEXT NOT NULL,
    date INTEGER,
    directory INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX album_by_folder ON album (account, folder);

  CREATE TABLE membership (
    ino INTEGER NOT NULL,          -- the file
    album INTEGER NOT NULL,
    entry INTEGER NOT NULL,        -- its name in the album's directory
    PRIMARY KEY (ino, album)
  ) WITHOUT ROWID, STRICT;

  -- A file whose bytes are in the cache, with what stat said of them when they were last known to be right.
  CREATE TABLE cached (
    ino INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    mtime_ms REAL NOT NULL,
    ctime_ms REAL NOT NULL,
    cache_ino INTEGER NOT NULL,
    at INTEGER NOT NULL            -- when they were hashed last
  ) STRICT;

  CREATE TABLE superseded (
    ino INTEGER NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL, path TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (ino, sha256)
  ) WITHOUT ROWID, STRICT;

  -- Inodes whose attributes changed after they were made; a mount reads on from where it stopped.
  CREATE TABLE change (seq INTEGER PRIMARY KEY AUTOINCREMENT, ino INTEGER NOT NULL) STRICT;
  `,
  `
  -- Items that the source has but can't list yet, for their size isn't known.
  ALTER TABLE source ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;

  -- Files whose listed size turned out to be wrong when they were fetched: it is put right once.
  CREATE TABLE correction (ino INTEGER PRIMARY KEY, was INTEGER NOT NULL) STRICT;

  -- Pixels, the longer side first, where a source tells them or they had to be measured.
  ALTER TABLE item ADD COLUMN long_side INTEGER;
  ALTER TABLE item ADD COLUMN short_side INTEGER;
  `,
  `
  -- What the owner knows it by; NULL: its name.
  ALTER TABLE archive ADD COLUMN title TEXT;
  -- Its bytes come over a network.
  ALTER TABLE archive ADD COLUMN remote INTEGER NOT NULL DEFAULT 0;
  -- Files in it that nothing keeps; NULL: not known (yet).
  ALTER TABLE archive ADD COLUMN unkept INTEGER;
  -- It was found to be deleted.
  ALTER TABLE archive ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Files in it that its source lists, all of which may not be in the index; NULL: not known (yet).
  ALTER TABLE archive ADD COLUMN listed INTEGER;
  `,
];
