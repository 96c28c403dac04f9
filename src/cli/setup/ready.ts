/**
 * What another user needs before a unit or a mount that root sets up for them can work: a program that they can read, a
 * mount point that is theirs (fusermount3 refuses others).
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { shellArgument } from './quote.ts';
import type { Subject } from './subject.ts';

/** Why the user can't run the program, as a sentence with its remedy; undefined where they can. Asked of the program itself. */
export function unreadableProgram({
  forSystem,
  user,
  uid,
  program: [node = '', script = ''],
}: Subject): string | undefined {
  if (!forSystem || uid === 0) return undefined;
  // A group of their own, as adduser makes it: root's would open what is closed to them.
  const asked = spawnSync(node, [script, '--version'], { uid, gid: uid, cwd: '/', env: {}, stdio: 'ignore' });
  if (asked.status === 0) return undefined;
  return `${user} cannot run ${script}: install gphotosfs where everybody can read it, in its folder: npm install -g --allow-scripts=better-sqlite3,koffi "$(npm pack --silent)"`;
}

/** The command that makes the mount point, or makes it the user's; none where it is so already. */
export function mountPointCommands({ forSystem, user, uid }: Subject, mountPoint: string): string[] {
  const stats = statSync(mountPoint, { throwIfNoEntry: false });
  if (stats?.isDirectory() && (stats.uid === uid || uid === 0)) return [];
  const owner = forSystem ? `-o ${shellArgument(user)} ` : '';
  return [`install -d ${owner}${shellArgument(mountPoint)}`];
}
