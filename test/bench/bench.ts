/**
 * `npm run bench [-- sync listing reading prefetch idle load scale account]`: measures, in one run on one machine, and prints a table
 * with the machine above it; `--json` prints both as JSON, a line each. Nothing here is an assertion. Data is kept in
 * `.bench/` for the next run.
 */
import { mkdirSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { benchAccount } from './account.ts';
import { benchDrive } from './drive.ts';
import { benchIdle } from './idle.ts';
import { benchListing } from './listing.ts';
import { benchLoad } from './load.ts';
import type { Row } from './measure.ts';
import { benchPrefetch } from './prefetch.ts';
import { benchReading } from './reading.ts';
import { benchScale } from './scale.ts';
import { benchSync } from './sync.ts';

const benches: Readonly<Record<string, (folder: string, rounds: number) => Promise<Row[]>>> = {
  sync: benchSync,
  listing: benchListing,
  reading: benchReading,
  prefetch: benchPrefetch,
  drive: benchDrive,
  idle: benchIdle,
  load: benchLoad,
  scale: benchScale,
  account: benchAccount,
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

const processors = cpus();
const machine = {
  processors: processors.length,
  model: processors[0]?.model ?? '',
  memoryGb: Math.round(totalmem() / 1e9),
  kernel: `${type()} ${release()}`,
  node: process.version,
  rounds,
  /** Processes that wanted to run in the last minute: with more than a bench's own one or two, no figure means much. */
  load: loadavg()[0]?.toFixed(1),
};
if (args.includes('--json')) {
  console.log(JSON.stringify({ machine }));
  for (const row of rows) console.log(JSON.stringify(row));
} else {
  console.log(
    `${machine.processors} × ${machine.model}, ${machine.memoryGb} GB, ${machine.kernel}, Node ${machine.node}; medians of ${rounds}; load ${machine.load}\n`,
  );
  console.log('| what | ours | other | ratio | goal |\n|---|---|---|---|---|');
  for (const row of rows)
    console.log(`| ${row.what} | ${row.ours} | ${row.other} | ${row.ratio} | ${row.goal} |`);
}
