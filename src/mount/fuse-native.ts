/**
 * The portable driver: mounts through the package `fuse-native` and libfuse 2. Everything runs on the main thread, as
 * the addon works on no other. What is wrong with it and how that is kept from doing harm stands in
 * `native-notes/fuse-native.md`; on Linux the kernel driver is better in every respect.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { GphotosfsError, toGphotosfsError } from '../model/errors.ts';
import type { MountDriver, Mounted, MountRequest } from './driver.ts';
import { openFilesystem } from './filesystem.ts';
import { type Fuse, leaveAtOnce, loadFuseNative, longestArgument } from './fuse-native/library.ts';
import { createOpenFiles } from './fuse-native/open-files.ts';
import { createOperations } from './fuse-native/operations.ts';
import { checkDevice } from './kernel/device.ts';
import { prepareMountPoint } from './mount-point.ts';
import { mountAt, subtype } from './mount-table.ts';
import { runCommand } from './system-command.ts';
import { unmountLazily, unmountPath } from './unmount.ts';

/**
 * How long the kernel may keep names and attributes without asking, seconds. It can't be told of changes through
 * libfuse 2, so this is how late a new photo shows in a directory that was just looked at. Longer would be faster only
 * where the same files are asked for again and again.
 */
const attributeTimeoutSeconds = 5;

/**
 * Reads ahead that the kernel has under way at once; with its default of 12 a dozen photos that are being fetched hold
 * up every other read. libfuse starts a thread per waiting request and ends those above ten afterwards, of which the
 * addon frees nothing: 1200 reads of 100 ms, 32 at a time, left 45 to 90 threads' worth with 10 or 12, 79 with 32 and
 * 130 with 64 (measured).
 */
const maxBackground = 32;

/** Threads that libfuse may have had before the leak is told of: about here `stat` takes twice as long (measured). */
const threadsToWarnOf = 5000;

/** The mount table is looked at for an unmount by somebody else, which the addon tells nobody of. Milliseconds. */
const lookEveryMs = 1000;

/** From mount(2) to the kernel's greeting, milliseconds; it takes a few. */
const greetingTimeoutMs = 10_000;

export function createFuseNativeDriver(): MountDriver {
  // Loaded here, so that what is missing is told before anything else is done.
  const Class = loadFuseNative();
  return {
    name: 'fuse-native',
    features: { invalidation: false, timesBefore1970: false, interrupts: false },
    mount: (request) => mount(Class, request),
  };
}

async function mount(Class: ReturnType<typeof loadFuseNative>, request: MountRequest): Promise<Mounted> {
  const { log, remote } = request;
  const mountPoint = await prepareMountPoint(request.mountPoint, log);
  if (process.platform === 'linux') checkDevice();
  if (Buffer.byteLength(mountPoint) > longestArgument) {
    throw new GphotosfsError('mount', `the path ${mountPoint} is too long for fuse-native`, {
      hint: `Choose a mount point of at most ${longestArgument} bytes.`,
    });
  }
  const filesystem = openFilesystem(request.indexPath, request.cachePath);
  const files = createOpenFiles(filesystem, remote);
  const { operations, getxattr, listxattr } = createOperations({
    filesystem,
    files,
    presentation: request,
    log,
  });
  const fuse = new Class(mountPoint, operations, { timeout: false });
  fuse._fuseOptions = () => `-o${mountOptions(request).join(',')}`;
  fuse._op_getxattr = getxattr;
  fuse._op_listxattr = listxattr;
  leaveAtOnce();
  try {
    await openFuse(fuse, mountPoint);
  } catch (error) {
    await files.close();
    filesystem.close();
    throw error;
  }

  let unmounting: Promise<void> | undefined;
  let ending: Promise<void> | undefined;
  let resolveClosed: () => void = () => {};
  const closed = new Promise<void>((resolve) => {
    resolveClosed = resolve;
  });
  const device = mountAt(mountPoint)?.device;
  let warned = false;
  const isThere = () => mountAt(mountPoint)?.device === device;
  const looking = setInterval(() => {
    if (!isThere()) void end();
    if (warned || fuse._threads.size < threadsToWarnOf) return;
    warned = true;
    log('warn', 'fuse-native has become slow, as it never frees a thread: unmount and mount again');
  }, lookEveryMs);
  looking.unref();

  /** After the mount is gone, or out of sight: nobody waits for ever, nothing stays open. */
  function end(): Promise<void> {
    ending ??= cleanUp();
    return ending;
  }

  async function cleanUp(): Promise<void> {
    clearInterval(looking);
    await files.close();
    // Lets the process end; the addon's threads end by themselves when the kernel closes the connection.
    await new Promise<void>((resolve) => fuse.close(() => resolve()));
    filesystem.close();
    resolveClosed();
  }

  async function unmount(): Promise<void> {
    clearInterval(looking);
    try {
      // What is there now may be somebody else's.
      const how = isThere() ? await unmountPath(mountPoint) : 'at-once';
      if (how === 'lazily')
        log('info', `${mountPoint} was in use: programs that hold its files open get errors`);
    } catch (error) {
      log('warn', toGphotosfsError(error).message);
    }
    await end();
  }

  return {
    mountPoint,
    closed,
    invalidate: async () => {},
    published: files.published,
    reopen: filesystem.reopen,
    unmount() {
      unmounting ??= unmount();
      return unmounting;
    },
  };
}

/**
 * libfuse's options. Neither `kernel_cache` nor `auto_cache`: they keep pages from one open to the next, the second as
 * long as size and mtime stay the same, which they do in a revision and after a fetch whose bytes were wrong.
 */
function mountOptions({ allowOther }: MountRequest): string[] {
  const options = [
    'ro',
    'default_permissions',
    // Inode numbers of the index and not libfuse's own, which change with every mount.
    'use_ino',
    `fsname=${subtype}`,
    `subtype=${subtype}`,
    `entry_timeout=${attributeTimeoutSeconds}`,
    `attr_timeout=${attributeTimeoutSeconds}`,
    `max_background=${maxBackground}`,
  ];
  return allowOther ? [...options, 'allow_other'] : options;
}

/** Mounts, and waits for the kernel's greeting. @throws `mount` */
async function openFuse(fuse: Fuse, mountPoint: string): Promise<void> {
  const opened = new Promise<void>((resolve, reject) => {
    fuse.open((error) => (error ? reject(error) : resolve()));
  });
  opened.catch(() => {});
  const timeout = delay(greetingTimeoutMs, 'timeout' as const, { ref: false });
  let reason: unknown;
  try {
    if ((await Promise.race([opened, timeout])) !== 'timeout') return;
    reason = 'the kernel did not greet it';
    await unmountLazily(mountPoint);
  } catch (error) {
    reason = error;
  }
  throw await mountError(mountPoint, reason);
}

async function mountError(mountPoint: string, reason: unknown): Promise<GphotosfsError> {
  const message = `cannot mount at ${mountPoint}: ${reason instanceof Error ? reason.message : String(reason)}`;
  const asRoot = process.geteuid?.() === 0;
  const { missing } = await runCommand('fusermount', ['-V'], { timeoutMs: 2000 });
  const hint =
    !asRoot && missing
      ? 'Install the package fuse3 (or fuse), which brings the program fusermount.'
      : asRoot
        ? 'A container needs --device /dev/fuse and --cap-add SYS_ADMIN to mount.'
        : 'What fusermount said stands above. You must own the mount point; for --allow-other, /etc/fuse.conf needs "user_allow_other".';
  return new GphotosfsError('mount', message, { hint, cause: reason });
}
