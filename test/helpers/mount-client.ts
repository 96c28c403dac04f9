/** The test's side of a mount: starts `mount-server.ts`, tells it what to do, and runs programs on the mount. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MountRequest } from '../../src/mount/driver.ts';
import type { ServerCommand, ServerReply, ServerState } from './mount-server.ts';
import type { TestTree } from './mount-tree.ts';

const serverScript = fileURLToPath(new URL('./mount-server.ts', import.meta.url));

/** The user that tests of the unprivileged mount run as: nobody, who exists everywhere. */
export const nobody = { uid: 65_534, gid: 65_534 } as const;

export interface ServerProcess {
  readonly child: ChildProcess;
  tell(command: ServerCommand): Promise<unknown>;
  state(): Promise<ServerState>;
  /** Resolves with the exit code or signal. */
  readonly exited: Promise<number | string>;
}

/** Starts a server process, as root or as nobody. It mounts when told so. */
export function startServer(user?: { readonly uid: number; readonly gid: number }): ServerProcess {
  const command = ['--import', 'tsx', serverScript];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...(user ?? {}),
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  let last = 0;
  child.on('message', (reply: ServerReply) => {
    const waiter = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) waiter?.reject(Object.assign(new Error(reply.error.message), reply.error));
    else waiter?.resolve(reply.value);
  });
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => {
      for (const waiter of waiting.values()) waiter.reject(new Error(`the server ended: ${code ?? signal}`));
      resolve(code ?? signal ?? 'unknown');
    });
  });
  const tell = (command: ServerCommand) =>
    new Promise<unknown>((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      child.send({ id, command });
    });
  return { child, tell, exited, state: () => tell({ do: 'state' }) as Promise<ServerState> };
}

/** The request that mounts a test tree. */
export function requestFor(
  tree: TestTree,
  options: Partial<MountRequest> = {},
): Omit<MountRequest, 'remote' | 'log'> {
  const { mountPoint, indexPath, cachePath } = tree;
  return {
    mountPoint,
    indexPath,
    cachePath,
    uid: 1234,
    gid: 2345,
    umask: 0o022,
    allowOther: true,
    ...options,
  };
}

/** Starts a server and mounts a tree with it. */
export async function mountTree(
  tree: TestTree,
  options: Partial<MountRequest> & { readonly passthrough?: boolean } = {},
): Promise<ServerProcess> {
  const { passthrough = true, ...request } = options;
  const server = startServer();
  try {
    await server.tell({ do: 'mount', request: requestFor(tree, request), passthrough });
    return server;
  } catch (error) {
    await stopServer(server);
    throw error;
  }
}

/** Unmounts and ends a server that is still there; nothing to do where none was started. */
export async function stopServer(server: ServerProcess | undefined): Promise<void> {
  if (server === undefined) return;
  if (server.child.exitCode === null && server.child.signalCode === null) {
    await server.tell({ do: 'unmount' }).catch(() => {});
    server.child.disconnect();
  }
  await server.exited;
}

export interface ProgramResult {
  readonly status: number | string;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to its end, whatever the end. */
export function runProgram(program: string, ...args: string[]): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const options = { encoding: 'buffer' as const, maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C' } };
    execFile(program, args, options, (error, stdout, stderr) => {
      const failed = error as { code?: number | string; signal?: string } | null;
      const status = failed === null ? 0 : (failed.code ?? failed.signal ?? 'unknown');
      resolve({ status, stdout, stderr: stderr.toString() });
    });
  });
}

/** Python, for system calls that Node has none for: runs `code` with `sys.argv[1:]` as given. */
export function runPython(code: string, ...args: string[]): Promise<ProgramResult> {
  return runProgram('python3', '-c', code, ...args);
}

/** The names in a directory, in the order that the file system gives them (Node's `readdir` sorts). */
export async function listNames(directory: string): Promise<string[]> {
  const { stdout } = await runProgram(
    'find',
    directory,
    '-mindepth',
    '1',
    '-maxdepth',
    '1',
    '-printf',
    '%f\\0',
  );
  return stdout.toString('utf8').split('\0').slice(0, -1);
}

/**
 * Whether this user can make real mounts: root, with the device there. Ordinary users may then be allowed to, too. In
 * CI the answer is yes: where mounting fails there, the tests fail, rather than pass by being skipped.
 */
export function canMount(): boolean {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return process.env.CI !== undefined;
  try {
    chmodSync('/dev/fuse', 0o666);
    return true;
  } catch {
    return process.env.CI !== undefined;
  }
}

/**
 * Makes the kernel forget all it knows of the tree, by invalidation: /proc/sys/vm/drop_caches would do so for every
 * mount, those of tests beside this one too.
 */
export async function forgetTree(server: ServerProcess): Promise<void> {
  const entries = ['years', 'albums'].map((name) => ({ parent: 1, name }));
  await server.tell({ do: 'invalidate', change: { inodes: [1], entries } });
}

/** Waits until `check` holds; fails after `limitMs` with the last value. */
export async function eventually<T>(
  get: () => T | Promise<T>,
  check: (value: T) => boolean,
  limitMs = 3000,
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await get();
    if (check(value) || Date.now() > end) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
