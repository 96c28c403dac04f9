/** What a mount needs: the device, a program that mounts, and no dead mount in the way. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';
import { checkDevice } from '../../mount/kernel/device.ts';
import { isLiveMount } from '../../mount/mount-point.ts';
import { isOurs, readMountTable } from '../../mount/mount-table.ts';
import { systemPath } from '../../mount/system-command.ts';
import { type Check, type Finding, failed, ok } from './check.ts';
import { fileSystemOf, stackedKinds } from './file-system.ts';
import { isAtLeast, isInstalled, numbersOf } from './installed.ts';

export const device: Check = {
  name: 'device',
  look() {
    checkDevice();
    return [ok('/dev/fuse can be opened')];
  },
};

/** FUSE_PASSTHROUGH came with it. */
const passthroughKernel: readonly [number, number] = [6, 9];
/** CAP_SYS_ADMIN's bit in the masks of /proc/PID/status (capabilities(7)). */
const sysAdmin = 21n;

function hasSysAdmin(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return effective === undefined || ((BigInt(`0x${effective}`) >> sysAdmin) & 1n) === 1n;
}

export const mounting: Check = {
  name: 'mounting',
  look({ context }) {
    const isRoot = process.geteuid?.() === 0;
    const found = isRoot ? asRoot() : asUser();
    return context.settings.allowOther && !isRoot ? [found, allowOther()] : [found];
  },
};

function asRoot(): Finding {
  if (findProgram('mount') === undefined) {
    return failed('the program "mount" was not found', 'Install the package mount.');
  }
  return hasSysAdmin()
    ? ok('root may mount')
    : failed(
        'this root may not mount',
        'Start the container with --device /dev/fuse and --cap-add SYS_ADMIN.',
      );
}

function asUser(): Finding {
  const path = findProgram('fusermount3');
  if (path === undefined) {
    return failed(
      'fusermount3, which mounts for ordinary users, was not found',
      'Install the package fuse3, or mount as root.',
    );
  }
  const stats = statSync(path);
  const isSetuid = stats.uid === 0 && (stats.mode & 0o4000) !== 0;
  return isSetuid
    ? ok(`${path} mounts for ordinary users`)
    : failed(
        `${path} is not setuid root`,
        `Install the package fuse3 anew, or run as root: chmod u+s ${path}`,
      );
}

function allowOther(): Finding {
  const path = '/etc/fuse.conf';
  const isAllowed = existsSync(path) && /^\s*user_allow_other\s*$/m.test(readFileSync(path, 'utf8'));
  return isAllowed
    ? ok(`${path} lets users pass --allow-other`)
    : failed(
        `allowOther is set, but ${path} doesn't let users have it`,
        `Add the line "user_allow_other" to ${path}.`,
      );
}

function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...systemPath.split(':')];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether the kernel will read large cached files by itself. It is not needed, so its absence is no complaint. */
export const passthrough: Check = {
  name: 'passthrough',
  look({ context }) {
    const { settings } = context;
    const reason =
      settings.passthrough === 'off'
        ? 'the option passthrough is off'
        : settings.driver === 'fuse-native'
          ? 'it is for the kernel driver'
          : whyNoPassthrough(fileSystemOf(context.cachePath));
    return reason === undefined
      ? [ok('the kernel reads cached files by itself')]
      : [ok(`cached files are read through gphotosfs: ${reason}`)];
  },
};

function whyNoPassthrough(cacheKind: string | undefined): string | undefined {
  if (process.platform !== 'linux' || !isAtLeast(numbersOf(release()), passthroughKernel))
    return `Linux ${passthroughKernel.join('.')} or later is needed`;
  if (!hasSysAdmin()) return 'root is needed (CAP_SYS_ADMIN)';
  if (!isInstalled('koffi')) return 'the package koffi is not installed';
  if (cacheKind !== undefined && stackedKinds.has(cacheKind))
    return `the cache is on ${cacheKind}, a file system on top of another`;
  return undefined;
}

/** Mounts that a killed gphotosfs left behind: whoever looks into them gets an error. */
export const mounts: Check = {
  name: 'mounts',
  async look() {
    const ours = process.platform === 'linux' ? readMountTable().filter(isOurs) : [];
    if (ours.length === 0) return [ok('none of gphotosfs is mounted now')];
    return Promise.all(
      ours.map(async ({ mountPoint }) =>
        (await isLiveMount(mountPoint))
          ? ok(`${mountPoint} answers`)
          : failed(`${mountPoint} is dead`, `Run: gphotosfs unmount ${mountPoint}`),
      ),
    );
  },
};
