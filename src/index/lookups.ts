/**
 * The indexes by which items, files and places are found again. While the first export comes in, there is nothing to be
 * found, and they are left out: made at its end, in one sort each, they cost a fifth of what 100,000 insertions at
 * random places of four trees take (1.1 s of a sync).
 */
import { type Index, statement } from './open.ts';

/** As the schema has them. */
const lookups = {
  item_by_photo_id: 'item (photo_id) WHERE photo_id IS NOT NULL',
  file_by_item: 'file (item)',
  file_by_content: 'file (size, crc32)',
  location_by_file: 'location (ino)',
};

/** Inside the caller's transaction. What asks for them meanwhile is answered all the same, by reading the table. */
export function dropLookups(index: Index): void {
  for (const name of Object.keys(lookups)) index.db.exec(`DROP INDEX IF EXISTS ${name}`);
}

/** Makes those that are missing: also what a sync left out that was killed. Inside the caller's transaction. */
export function makeLookups(index: Index): void {
  for (const [name, columns] of Object.entries(lookups)) {
    const known = statement(index, "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?").get(name);
    if (known === undefined) index.db.exec(`CREATE INDEX ${name} ON ${columns}`);
  }
}
