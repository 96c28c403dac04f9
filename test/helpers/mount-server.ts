/**
 * The process that serves a mount in tests: the built driver over a tree made by `mount-tree.ts`, with a
 * `RemoteReader` that behaves as it is told. The test talks to it over Node's IPC (see `mount-client.ts`), for a
 * process must not touch a mount that it serves.
 */
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import type { MountRequest, RemoteReader, TreeChange } from '../../src/mount/driver.ts';
import { bytesOf } from './mount-bytes.ts';

/** How the reads of a file end: after some time with its bytes, never, with an error, or short of a byte. */
export interface Behaviour {
  readonly delayMs?: number;
  readonly end?: 'bytes' | 'never' | 'error' | 'short';
}

export type ServerCommand =
  | {
      readonly do: 'mount';
      readonly request: Omit<MountRequest, 'remote' | 'log'>;
      /** false: the kernel reads no file by itself. */
      readonly passthrough?: boolean;
    }
  | { readonly do: 'behave'; readonly ino: number; readonly behaviour: Behaviour }
  /** Reads that would never end do, with their bytes. */
  | { readonly do: 'go on' }
  | { readonly do: 'published' }
  | { readonly do: 'invalidate'; readonly change: TreeChange }
  /** Another file, by `Index.file`, is the index now. */
  | { readonly do: 'reopen'; readonly file: string }
  | { readonly do: 'state' }
  | { readonly do: 'unmount' }
  /** Closes the device under the driver's feet. */
  | { readonly do: 'break' }
  | { readonly do: 'exit' };

export interface ServerState {
  readonly mounted: boolean;
  readonly closed: 'no' | 'yes' | string;
  readonly stats: Record<string, number>;
  /** Reads that came to the main thread, by inode; how many of them were aborted. */
  readonly reads: Record<string, number>;
  readonly aborted: number;
  /** The most reads that were under way at one time. */
  readonly mostAtOnce: number;
  readonly log: readonly string[];
  readonly openDescriptors: number;
}

export type ServerReply =
  | { readonly id: number; readonly value: unknown }
  | {
      readonly id: number;
      readonly error: { readonly kind: string; readonly message: string; readonly hint: string };
    };

const { createKernelDriver } = (await import(
  new URL('../../dist/mount/kernel/kernel-driver.js', import.meta.url).href
)) as typeof import('../../src/mount/kernel/kernel-driver.ts');

type KernelMounted = Awaited<ReturnType<ReturnType<typeof createKernelDriver>['mount']>>;

const behaviours = new Map<number, Behaviour>();
const stuck: (() => void)[] = [];
const reads: Record<string, number> = {};
const log: string[] = [];
let aborted = 0;
let [atOnce, mostAtOnce] = [0, 0];
let mounted: KernelMounted | undefined;
let closed = 'no';

const remote: RemoteReader = {
  async read(ino, offset, length, signal) {
    reads[ino] = (reads[ino] ?? 0) + 1;
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    const { delayMs = 0, end = 'bytes' } = behaviours.get(ino) ?? {};
    signal.addEventListener('abort', () => aborted++, { once: true });
    if (end === 'never') await new Promise<void>((resolve) => stuck.push(resolve));
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    atOnce--;
    if (end === 'error') throw new Error('told to fail');
    return bytesOf(ino, offset, end === 'short' ? length - 1 : length);
  },
};

/** The server's own descriptor of /dev/fuse. */
function deviceDescriptor(): number {
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${name}`) === '/dev/fuse') return Number(name);
    } catch {
      // The descriptor of the listing itself.
    }
  }
  throw new Error('no /dev/fuse is open');
}

async function run(command: ServerCommand): Promise<unknown> {
  switch (command.do) {
    case 'mount':
      mounted = await createKernelDriver({ passthrough: command.passthrough ?? true }).mount({
        ...command.request,
        remote,
        log: (level, message) => log.push(`${level}: ${message}`),
      });
      mounted.closed.then(
        () => {
          closed = 'yes';
        },
        (error: unknown) => {
          closed = String(error);
        },
      );
      return mounted.mountPoint;
    case 'behave':
      behaviours.set(command.ino, command.behaviour);
      return undefined;
    case 'go on':
      for (const goOn of stuck.splice(0)) goOn();
      return undefined;
    case 'published':
      return mounted?.published();
    case 'invalidate':
      return mounted?.invalidate(command.change);
    case 'reopen':
      return mounted?.reopen(command.file);
    case 'state':
      return {
        mounted: mounted !== undefined,
        closed,
        stats: { ...mounted?.stats() },
        reads,
        aborted,
        mostAtOnce,
        log,
        openDescriptors: readdirSync('/proc/self/fd').length,
      } satisfies ServerState;
    case 'unmount':
      return mounted?.unmount();
    case 'break':
      return closeSync(deviceDescriptor());
    case 'exit':
      return process.exit(0);
  }
}

process.on('message', ({ id, command }: { id: number; command: ServerCommand }) => {
  run(command).then(
    (value) => process.send?.({ id, value } satisfies ServerReply),
    (error: { kind?: string; message: string; hint?: string }) =>
      process.send?.({
        id,
        error: { kind: error.kind ?? '', message: error.message, hint: error.hint ?? '' },
      } satisfies ServerReply),
  );
});
// The test is gone: nothing of it shall stay mounted.
process.on('disconnect', () => {
  const end = () => process.exit(0);
  if (mounted === undefined) end();
  else mounted.unmount().then(end, end);
});
