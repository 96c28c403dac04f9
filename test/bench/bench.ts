/**
 * `npm run bench [-- sync listing reading prefetch]`: measures, in one run on one machine, and prints a table; `--json` prints
 * rows as JSON. Nothing here is an assertion. Data is kept in `.bench/` for the next run.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { benchListing } from './listing.ts';
import type { Row } from './measure.ts';
import { benchPrefetch } from './prefetch.ts';
import { benchReading } from './reading.ts';
import { benchSync } from './sync.ts';

const benches: Readonly<Record<string, (folder: string, rounds: number) => Promise<Row[]>>> = {
  sync: benchSync,
  listing: benchListing,
  reading: benchReading,
  prefetch: benchPrefetch,
};

const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const folder = fileURLToPath(new URL('../../.bench/', import.meta.url));
mkdirSync(folder, { recursive: true });
const args = process.argv.slice(2);
const chosen = args.filter((arg) => arg in benches);

const rows: Row[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  console.error(`measuring ${name} …`);
  rows.push(...(await bench(folder, rounds)));
}

if (args.includes('--json')) {
  for (const row of rows) console.log(JSON.stringify(row));
} else {
  console.log('| what | ours | other | ratio | goal |\n|---|---|---|---|---|');
  for (const row of rows)
    console.log(`| ${row.what} | ${row.ours} | ${row.other} | ${row.ratio} | ${row.goal} |`);
}
