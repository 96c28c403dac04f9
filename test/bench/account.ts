/**
 * Prefetch of 1,000 photos of 300 kB from the Library API at 50 ms a request, against curl fetching the same links twenty
 * side by side. The stand-in for Google is a process of its own.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freshFolders } from './fresh-folders.ts';
import { freshHome, gphotosfs, main } from './gphotosfs.ts';
import { type Row, run, takeTurns } from './measure.ts';

const photos = 1000;
const photoBytes = 300_000;
const latencyMs = 50;
const server = fileURLToPath(new URL('./account-server.ts', import.meta.url));

interface Served {
  readonly env: Readonly<Record<string, string>>;
  readonly links: readonly string[];
}

export async function benchAccount(folder: string, rounds: number): Promise<Row[]> {
  const folders = freshFolders(join(folder, 'account-made'));
  const home = freshHome(join(folder, 'account'));
  const args = [home.env.GPHOTOSFS_HOME ?? '', photos, photoBytes, latencyMs].map(String);
  const child = spawn(process.execPath, ['--import', 'tsx', server, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const { env, links } = await served(child.stdout);
    const all = { ...home.env, ...env };
    gphotosfs({ ...home, env: all }, 'add', 'library');
    const times = await takeTurns(rounds, {
      curl: async () => {
        const copies = folders.next();
        mkdirSync(copies, { recursive: true });
        const list = join(home.folder, 'links');
        const linesOf = (link: string, at: number) =>
          `url = "${link}"\noutput = "${join(copies, `${at}.jpg`)}"\n`;
        writeFileSync(list, links.map(linesOf).join(''));
        const { seconds } = await run('curl', ['-sS', '-f', '-Z', '--parallel-max', '20', '-K', list]);
        folders.empty();
        return seconds;
      },
      ours: async () => {
        for (const name of ['index.db', 'index.db-wal', 'index.db-shm'])
          rmSync(join(home.env.GPHOTOSFS_HOME ?? '', name), { force: true });
        const env = { ...all, GPHOTOSFS_CACHE: folders.next() };
        gphotosfs({ ...home, env }, 'sync');
        const { seconds } = await run(process.execPath, [main, 'prefetch'], { env, stdio: 'ignore' });
        folders.empty();
        return seconds;
      },
    });
    return [
      {
        what: 'prefetch, 1,000 photos of 300 kB by the Library API, 50 ms a request (other: curl -Z --parallel-max 20)',
        ours: `${times.ours.toFixed(2)} s`,
        other: `${times.curl.toFixed(2)} s`,
        ratio: (times.ours / times.curl).toFixed(2),
        goal: '≤ 1.25',
      },
    ];
  } finally {
    child.kill();
    folders.remove();
    rmSync(home.folder, { recursive: true, force: true });
  }
}

async function served(stdout: NodeJS.ReadableStream): Promise<Served> {
  for await (const line of createInterface({ input: stdout })) return JSON.parse(line) as Served;
  throw new Error('the stand-in for Google did not start');
}
