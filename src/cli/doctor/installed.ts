/** What is installed here, and whether it is new enough. */
import { createRequire } from 'node:module';

export const numbersOf = (version: string) => version.split('.').map((part) => Number.parseInt(part, 10));

export const isAtLeast = ([major, minor]: readonly number[], [wanted, least]: readonly [number, number]) =>
  (major ?? 0) > wanted || (major === wanted && (minor ?? 0) >= least);

/** Whether Node finds a package. It isn't loaded: fuse-native brings a library of its own into the process. */
export function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
