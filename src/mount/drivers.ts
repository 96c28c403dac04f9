/** The mount drivers by name. Each is loaded only when it is asked for: one needs a package that may be missing. */
import { GphotosfsError } from '../model/errors.ts';
import type { MountDriver } from './driver.ts';

export interface DriverOptions {
  /** false: the kernel reads no cached file by itself, also where it could. For the kernel driver alone. */
  readonly passthrough?: boolean;
}

const loaders = {
  kernel: async (options) => (await import('./kernel/kernel-driver.ts')).createKernelDriver(options),
  'fuse-native': async () => (await import('./fuse-native.ts')).createFuseNativeDriver(),
} as const satisfies Record<string, (options: DriverOptions) => Promise<MountDriver>>;

export type DriverName = keyof typeof loaders;

export const driverNames = Object.keys(loaders) as readonly DriverName[];

/** The driver where none is named: the kernel's own protocol is Linux's; elsewhere only the portable one can work. */
export function defaultDriver(platform: NodeJS.Platform = process.platform): DriverName {
  return platform === 'linux' ? 'kernel' : 'fuse-native';
}

/** Loads a driver. @throws `usage` for a name that is none; `mount` where what it needs is not installed. */
export async function loadDriver(name: string, options: DriverOptions = {}): Promise<MountDriver> {
  if (!Object.hasOwn(loaders, name)) {
    throw new GphotosfsError('usage', `there is no mount driver "${name}"`, {
      hint: `Choose one of ${driverNames.join(', ')}.`,
    });
  }
  return loaders[name as DriverName](options);
}
