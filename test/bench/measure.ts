/** What all benches share: timing a program as a whole process, with its peak memory, and medians. */
import { type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Measured {
  /** Wall clock, seconds. */
  readonly seconds: number;
  /** Peak resident memory of the process itself, MB; 0 where it ended before it could be read. */
  readonly peakMb: number;
}

/** Runs a program to its end. @throws when it fails */
export function run(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const started = process.hrtime.bigint();
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
    let peakMb = 0;
    // VmHWM is the kernel's own high-water mark, so looking now and then misses only the last moments.
    const timer = setInterval(() => {
      peakMb = Math.max(peakMb, peakOf(child.pid ?? 0));
    }, 20);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearInterval(timer);
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      if (code === 0) resolve({ seconds, peakMb });
      else reject(new Error(`${command} ${args.join(' ')} ended with exit code ${code}`));
    });
  });
}

/** Peak resident memory of a process so far, MB. */
export function peakOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Resident memory of a process now that is its own, without pages of mapped files, MB. */
export function ownMemoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}

export const sec = (seconds: number) => `${seconds.toFixed(2)} s`;
export const ms = (seconds: number) => `${(seconds * 1000).toFixed(0)} ms`;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Medians of runs that take turns, so that a machine that slows down slows all of them. */
export async function takeTurns<K extends string>(
  rounds: number,
  contenders: Readonly<Record<K, () => Promise<number>>>,
): Promise<Record<K, number>> {
  const times = new Map<K, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(contenders) as [K, () => Promise<number>][]) {
      times.set(name, [...(times.get(name) ?? []), await measure()]);
    }
  }
  return Object.fromEntries([...times].map(([name, values]) => [name, median(values)])) as Record<K, number>;
}

/** One line of the table: a figure of ours beside what it is held against. */
export interface Row {
  readonly what: string;
  readonly ours: string;
  readonly other: string;
  readonly ratio: string;
  readonly goal: string;
}
