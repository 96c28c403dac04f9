/**
 * The extraction that a prefetch does, without what makes it safe: each file's bytes are written under its name, and
 * that is all. No hash, no CRC-32, no fsync, no rename, no journal, no row.
 *
 *     node --import tsx extract.ts HOME TARGET ARCHIVE…
 */
import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const [home = '', target = '', ...paths] = process.argv.slice(2);
// The built modules, as the program that it is compared with has them.
const dist = new URL('../../dist/', import.meta.url);
const { openIndex } = await import(new URL('index/open.js', dist).href);
const { locationsOf } = await import(new URL('index/locations.js', dist).href);
const { pathOf } = await import(new URL('index/tree.js', dist).href);
const { createTakeoutSource } = await import(new URL('sources/takeout/takeout-source.js', dist).href);

const index = openIndex(join(home, 'index.db'), { readonly: true });
const source = createTakeoutSource({ id: 'takeout', kind: 'takeout', account: 'default', paths });
const files: number[] = index.db.prepare('SELECT ino FROM location ORDER BY archive, offset').pluck().all();
const queue = files.values();

async function job(): Promise<void> {
  for (const ino of queue) {
    const [location] = locationsOf(index, ino);
    const path = join(target, ...pathOf(index, ino));
    mkdirSync(dirname(path), { recursive: true });
    const file = await open(path, 'w');
    for await (const chunk of source.open(location)) await file.write(chunk);
    await file.close();
  }
}
await Promise.all(Array.from({ length: 4 }, job));
await source.close();
