/** `setup fstab DIR`: the line for /etc/fstab, and the helper by which mount(8) finds gphotosfs. */
import { resolve } from 'node:path';
import { GphotosfsError } from '../../model/errors.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Run } from '../run.ts';
import { destination, installFile } from './install.ts';
import { fstabField, shellArgument } from './quote.ts';
import { mountPointCommands, unreadableProgram } from './ready.ts';
import { type Subject, subjectOf } from './subject.ts';

/** For `mount -t gphotosfs` and for `mount -t fuse.gphotosfs` (mount(8): /sbin/mount.TYPE.SUBTYPE). */
const helpers = ['/sbin/mount.gphotosfs', '/sbin/mount.fuse.gphotosfs'];

export const run: Run = async (context, [dir = '']) => {
  const { output, settings } = context;
  const subject = subjectOf(context);
  const line = fstabLine(subject, resolve(dir));
  const helper = `#!/bin/sh\n# Written by "gphotosfs setup fstab": what mount(8) calls for this type.\nexec ${subject.program
    .slice(0, 2)
    .map(shellArgument)
    .join(' ')} mount-helper "$@"\n`;
  const unreadable = unreadableProgram(subject);
  if (unreadable !== undefined) output.log('warn', unreadable);
  if (settings.install) {
    if (!subject.forSystem) {
      throw new GphotosfsError('usage', 'mount helpers are installed by root', { hint: 'Run it with sudo.' });
    }
    for (const path of helpers.map(destination)) {
      installFile(path, helper, 0o755);
      output.result({ type: 'installed', path }, [`${path} written`]);
    }
    const commands = mountPointCommands(subject, resolve(dir));
    output.result({ type: 'fstab', line, commands }, [
      'Add to /etc/fstab:',
      line,
      ...(commands.length > 0 ? ['Before the first mount:', ...commands.map((one) => `  ${one}`)] : []),
    ]);
    return exitCodes.done;
  }
  output.result({ type: 'fstab', line, helpers, helper }, [
    '# /etc/fstab',
    line,
    '',
    ...helpers.map((path) => `# ${path} (mode 755)`),
    ...helper.split('\n'),
  ]);
  return exitCodes.done;
};

/**
 * nofail: a machine has to start also when its photos can't be shown. What root does in another user's home would be
 * root's, and in that user's way, so the mount becomes the user's.
 */
function fstabLine({ home, user, cachePath, dataFolder }: Subject, mountPoint: string): string {
  const cache = cachePath.startsWith(dataFolder) ? [] : [`cache=${cachePath}`];
  const whose = user === 'root' ? 'allow_other' : `setuid=${user}`;
  const options = ['ro', 'nofail', '_netdev', whose, ...cache].join(',');
  return `${[home, mountPoint, 'fuse.gphotosfs', options].map(fstabField).join('  ')}  0  0`;
}
