/** Whether a configuration that names programs may be believed: as root, only one that nobody else can change. */
import { lstatSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { GphotosfsError } from '../model/errors.ts';
import type { Context } from './context.ts';

/** @throws `no-permission` for root, where hooks come from a file that others can write or replace */
export function refuseForeignHooks({ origins, paths }: Context): void {
  if (process.geteuid?.() !== 0) return;
  if (origins.onSuccess !== 'config' && origins.onFailure !== 'config') return;
  const path = changeableBy(paths.config);
  if (path === undefined) return;
  throw new GphotosfsError(
    'no-permission',
    `${paths.config} has hooks, and others than root can change ${path}: they are not run as root`,
    {
      hint: `Run: chown root ${path} && chmod go-w ${path}. Or run gphotosfs as the user whose photos these are.`,
    },
  );
}

/** The file or a folder above it that another user can write, and so put another file in its place. */
function changeableBy(path: string): string | undefined {
  for (let at = realpathSync(path); ; at = dirname(at)) {
    const { uid, mode } = lstatSync(at);
    // In a sticky folder (/tmp) nobody can replace what is root's.
    const isSticky = (mode & 0o1000) !== 0;
    if (uid !== 0 || ((mode & 0o022) !== 0 && !isSticky)) return at;
    if (dirname(at) === at) return undefined;
  }
}
