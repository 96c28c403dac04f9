/** A process of its own that syncs a home from a memory source, for tests of kills and of two syncs at once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type MemoryExport, memorySource, type ScanFault } from './memory-source.ts';
import { openSyncHome } from './sync-home.ts';

export interface SyncTask {
  readonly home: string;
  readonly photos: number;
  readonly fault?: ScanFault;
}

/** Small pages: many moments to be killed at. */
export const pageSize = 20;

/** The export that the process and its test share: namesakes, albums, photos without a sidecar. */
export function killedExport(photos: number): MemoryExport {
  return {
    id: 'e1',
    time: 1_600_000_000,
    albums: [{ folder: 'A' }],
    items: Array.from({ length: photos }, (_, at) => ({
      files: [
        { name: `${at % 7}.jpg`, bytes: `photo ${at}`, path: `${at}` },
        {
          name: `${at % 7}-edited.jpg`,
          bytes: `edited ${at}`,
          path: `${at} edited`,
          role: 'edited' as const,
        },
      ],
      yearFolder: 2000 + (at % 5),
      albums: ['A'],
      ...(at % 3 === 0 ? { provisional: true } : { takenAt: at, photoId: `AF1QipNumber${at}` }),
    })),
  };
}

/** Starts it, by `command` where there is one (strace); `saw` resolves once it has printed a line that is `text`. */
export function startSyncProcess(
  task: SyncTask,
  command: readonly string[] = [],
): {
  child: ChildProcess;
  saw: (text: string) => Promise<void>;
} {
  const script = fileURLToPath(import.meta.url);
  const [program = process.execPath, ...before] = [...command, process.execPath];
  const child = spawn(program, [...before, '--import', 'tsx', script, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: new URL('../..', import.meta.url),
  });
  let printed = '';
  child.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  const saw = async (text: string) => {
    while (!printed.split('\n').includes(text)) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} and said ${printed}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  return { child, saw };
}

async function main({ home: at, photos, fault }: SyncTask): Promise<void> {
  const source = memorySource({ pageSize, exports: [killedExport(photos)] });
  if (fault !== undefined) source.breakScan(fault);
  const home = openSyncHome(undefined, at);
  // A stalled scan alone would not keep the process going.
  const watch = setInterval(() => {
    for (const fired of source.fired) process.stdout.write(`${fired}\n`);
  }, 20);
  await home.sync(source, { progress: (_, { done }) => process.stdout.write(`page ${done}\n`) });
  clearInterval(watch);
  process.stdout.write('done\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await main(JSON.parse(process.argv[2] ?? ''));
