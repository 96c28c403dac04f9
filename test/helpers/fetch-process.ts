/**
 * A process of its own that fetches from a memory source, for tests of several processes on one home and of kills.
 * Started by `startFetchProcess`; it prints a line for each thing it has done.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openCache } from '../../src/cache/cache.ts';
import { createFetcher } from '../../src/fetch/fetcher.ts';
import { closeIndex, openIndex } from '../../src/index/open.ts';
import { everything } from '../../src/model/filter.ts';
import { planPrefetch } from '../../src/prefetch/plan.ts';
import { prefetch } from '../../src/prefetch/run.ts';
import { type MemoryExport, memorySource, type OpenFault } from './memory-source.ts';
import { distinctBytes } from './test-home.ts';

/** What a process shall do; plain data, for it goes through an argument. */
export interface FetchTaskOf {
  readonly home: string;
  readonly cachePath: string;
  /** Photos in the export: `0.jpg`, `1.jpg` … of this size. */
  readonly photos: number;
  readonly size: number;
  /** Which of them have the same bytes: number `n` has those of `n % distinct`. */
  readonly distinct?: number;
  readonly shape?: 'zip' | 'tgz';
  readonly faults?: readonly OpenFault[];
  readonly jobs?: number;
  /** Wait for a line on stdin before it begins. */
  readonly waits?: boolean;
}

/** The export that all these processes and their test share. */
export function sharedExport({ photos, size, distinct, shape = 'zip' }: FetchTaskOf): MemoryExport {
  const items = Array.from({ length: photos }, (_, at) => {
    const bytes = distinctBytes(distinct === undefined ? at : at % distinct, size);
    return { files: [{ name: `${at}.jpg`, bytes }], takenAt: 1_625_097_600, yearFolder: 2021 };
  });
  return { id: 'e1', time: 1_600_000_000, items, archives: [{ name: `e1.${shape}`, shape }] };
}

export interface FetchProcess {
  readonly child: ChildProcess;
  /** Lines that it printed so far. */
  readonly lines: string[];
  /** Waits for a line that starts so. */
  line(start: string): Promise<string>;
  readonly exited: Promise<number | NodeJS.Signals>;
}

export function startFetchProcess(task: FetchTaskOf, command: readonly string[] = []): FetchProcess {
  const [program = process.execPath, ...before] = [...command, process.execPath];
  const script = fileURLToPath(import.meta.url);
  const child = spawn(program, [...before, '--import', 'tsx', script, JSON.stringify(task)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: new URL('../..', import.meta.url),
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  if (child.stdout !== null) {
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      for (const wake of waiting) wake();
    });
  }
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, killed) => {
      resolve(code ?? killed ?? 'SIGKILL');
      for (const wake of waiting) wake();
    });
  });
  let over = false;
  void exited.then(() => {
    over = true;
  });
  const line = (start: string) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = lines.find((one) => one.startsWith(start));
        if (found === undefined && !over) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error(`it ended without "${start}": ${lines.join('; ')}`));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { child, lines, line, exited };
}

async function main(task: FetchTaskOf): Promise<void> {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const source = memorySource({ exports: [sharedExport(task)] });
  for (const fault of task.faults ?? []) source.breakOpen(fault);
  const index = openIndex(`${task.home}/index.db`);
  const cache = openCache(task.cachePath, index);
  const fetcher = createFetcher({
    index,
    cache,
    home: task.home,
    sources: [source],
    log: (level, message) => say(`${level} ${message}`),
  });
  say('ready');
  // Nobody is left to hear: the test has ended.
  process.stdout.on('error', () => process.exit(1));
  if (task.waits) await new Promise((resolve) => process.stdin.once('data', resolve));
  let said = 0;
  // It also keeps the process going where all that is left is a stream that stalls.
  const watch = setInterval(() => {
    if (source.fired.length > said) say(`fired ${source.fired.join(',')}`);
    said = source.fired.length;
  }, 20);
  const report = await prefetch({
    index,
    cache,
    fetcher,
    sources: [source],
    plan: planPrefetch(index, everything),
    jobs: task.jobs ?? 2,
    signal: new AbortController().signal,
    progress: () => {},
  });
  clearInterval(watch);
  say(`report ${JSON.stringify({ ...report, opened: source.opened })}`);
  await fetcher.close();
  cache.close();
  closeIndex(index);
  process.stdin.destroy();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await main(JSON.parse(process.argv[2] ?? ''));
