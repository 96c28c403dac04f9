/** Mounts of the program, and what the kernel asks of them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Place, type Running, until } from '../cli/run-program.ts';

/** Mounts, and waits until it answers. */
export async function mount(place: Place, ...args: string[]): Promise<Running> {
  return await mountWith(place, {}, ...args);
}

/** The same with further variables of the environment. */
export async function mountWith(
  place: Place,
  env: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Running> {
  const running = place.startWith(env, 'mount', place.mountPoint, ...args);
  await Promise.race([until(() => running.stdout().includes('\n'), 60_000), running.ended]);
  expect(running.stdout(), running.stderr()).toContain('is mounted');
  return running;
}

/** Ends a mount as its owner does. */
export async function endMount(running: Running): Promise<void> {
  running.child.kill('SIGTERM');
  expect(await running.ended).toMatchObject({ code: 0 });
}

/** What the kernel has asked of a mount. */
export interface Asked {
  /** Inode of every OPEN, in order. */
  readonly opens: readonly number[];
  /** Inode of every READ, in order. */
  readonly reads: readonly number[];
  readonly requests: number;
}

/**
 * Watches a mount under strace: each request that its process reads from /dev/fuse begins with length, opcode, unique
 * and inode (linux/fuse.h, struct fuse_in_header).
 */
export async function watchRequests(place: Place, { child }: Running): Promise<{ stop(): Promise<Asked> }> {
  const log = join(place.folder, `requests-${child.pid}`);
  const options = ['-f', '-qq', '-y', '-xx', '-s', '40', '-e', 'trace=read', '-o', log];
  const tracer = spawn('strace', [...options, '-p', String(child.pid)], { stdio: 'ignore' });
  const gone = once(tracer, 'exit');
  // strace says nothing when it has attached; the kernel does.
  await until(() => /^TracerPid:\t(?!0$)/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')));
  return {
    async stop() {
      tracer.kill('SIGINT');
      await gone;
      return parseRequests(readFileSync(log, 'utf8'));
    },
  };
}

const opcodeOfOpen = 14;
const opcodeOfRead = 15;
/** With -xx, strace writes the path of a descriptor in hexadecimal too. */
const readOfDevice = `<${[...Buffer.from('/dev/fuse')].map((byte) => `\\x${byte.toString(16)}`).join('')}>`;

function parseRequests(log: string): Asked {
  const [opens, reads]: [number[], number[]] = [[], []];
  let requests = 0;
  /** Threads in a read of the device that strace had to write in two lines. */
  const waiting = new Set<string>();
  for (const line of log.split('\n')) {
    const [thread = ''] = line.split(' ', 1);
    if (line.includes(readOfDevice)) waiting.add(thread);
    else if (!line.includes('<... read resumed>')) continue;
    if (!waiting.has(thread)) continue;
    const data = line.match(/"((?:\\x[0-9a-f]{2}){24,})"/)?.[1];
    if (data === undefined) continue;
    waiting.delete(thread);
    const header = Buffer.from(data.replaceAll('\\x', ''), 'hex');
    requests += 1;
    const [opcode, ino] = [header.readUInt32LE(4), Number(header.readBigUInt64LE(16))];
    if (opcode === opcodeOfOpen) opens.push(ino);
    if (opcode === opcodeOfRead) reads.push(ino);
  }
  return { opens, reads, requests };
}
