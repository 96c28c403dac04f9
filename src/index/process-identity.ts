/**
 * Which process is which, for ever: a process number alone is given to others after a while, and means something else in
 * another container.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  /** Where its number counts: the running system and, on Linux, the PID name space (a container has its own). */
  readonly host: string;
  readonly pid: number;
  /** When it started, as its system counts. */
  readonly started: string;
}

let known: ProcessIdentity | undefined;

export function thisProcess(): ProcessIdentity {
  known ??= { host: hostIdentity(), pid: process.pid, started: startOf(process.pid) ?? '' };
  return known;
}

/** Whether the process runs; undefined where that can't be seen from here (another container). */
export function isRunning(other: ProcessIdentity): boolean | undefined {
  const { host } = thisProcess();
  if (other.host === host) return startOf(other.pid) === other.started;
  // A process of an earlier boot is gone: all processes of a home share one kernel, for SQLite's WAL needs that.
  return bootOf(other.host) === bootOf(host) ? undefined : false;
}

function hostIdentity(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

function bootOf(host: string): string | undefined {
  return host.split(' ')[0];
}

/** When a process of this host started: field 22 of /proc/PID/stat (proc(5)); undefined when there is none such. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent hasn't noticed.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return process.platform === 'linux' ? undefined : startElsewhere(pid);
  }
}

function startElsewhere(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return 'running';
  } catch {
    return undefined;
  }
}
