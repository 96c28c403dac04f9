/**
 * What mount(8) calls for a line of /etc/fstab: `mount-helper SOURCE DIR [-sfnv] [-o OPTIONS] [-t TYPE]`, as words of
 * the command line. The source is the home.
 */
import { execFileSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { GphotosfsError } from '../model/errors.ts';
import { flagOf, type Option, optionNames, options } from '../model/options.ts';
import { nearest } from './nearest.ts';

/** Options of every file system: mount(8) and systemd heed them, or they are so anyway. */
const general = new Set(
  'defaults ro rw auto noauto user nouser users owner group nofail _netdev suid nosuid dev nodev exec noexec atime noatime relatime norelatime diratime nodiratime sync async dirsync'.split(
    ' ',
  ),
);

export interface MountWords {
  readonly words: readonly string[];
  /** Who is to mount, where that isn't root: mount.fuse3's own option `setuid`. */
  readonly user: string | undefined;
}

/** The words of `mount`. @throws `usage` for an option that is none */
export function translateMount(argv: readonly string[]): MountWords {
  const places: string[] = [];
  const given: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '-o') given.push(...splitOptions(argv[++at] ?? ''));
    else if (word === '-t') at++;
    else if (!/^-[sfnv]+$/.test(word)) places.push(word);
  }
  const [home, mountPoint, ...others] = places;
  if (home === undefined || mountPoint === undefined || others.length > 0) {
    throw new GphotosfsError('usage', 'mount-helper takes a home and a directory', {
      hint: 'It is made for mount(8): see "gphotosfs setup fstab --help".',
    });
  }
  // "none" and "gphotosfs" are what people write where a file system needs no source.
  const homeFlags = ['none', 'gphotosfs'].includes(home) ? [] : ['--home', home];
  const user = given.find((one) => one.startsWith('setuid='))?.slice('setuid='.length);
  const flags = given.filter((one) => !one.startsWith('setuid=')).flatMap(flagsOf);
  return { words: [...homeFlags, 'mount', '--daemon', ...flags, '--', mountPoint], user };
}

/** Goes on as this user, with the user's groups and folders. Only root can. */
export function becomeUser(user: string): void {
  const ask = (flag: string) => execFileSync('id', [flag, user], { encoding: 'utf8' }).trim();
  const uid = Number(ask('-u'));
  if (process.getuid?.() === uid) return;
  const gid = Number(ask('-g'));
  process.setgroups?.(ask('-G').split(' ').map(Number));
  process.setgid?.(gid);
  process.setuid?.(uid);
  process.env.HOME = userInfo().homedir;
}

/** At commas; `\,` stands for a comma in a path. */
function splitOptions(text: string): string[] {
  return text
    .split(/(?<!\\),/)
    .map((one) => one.replaceAll('\\,', ','))
    .filter((one) => one !== '');
}

const names = optionNames.filter((name) => {
  const { commands }: Option = options[name];
  return commands === 'all' || commands.includes('mount');
});

function flagsOf(text: string): string[] {
  const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  if (general.has(name) || /^(?:x-|comment$)/.test(name)) return [];
  const flag = `--${name.replaceAll('_', '-')}`;
  if (!names.some((one) => flagOf(one) === flag)) {
    const known = names.map((one) => flagOf(one).slice(2).replaceAll('-', '_'));
    const meant = nearest(name, known);
    throw new GphotosfsError('usage', `the mount option "${name}" is unknown`, {
      hint: meant === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${meant}"?`,
    });
  }
  return value === undefined ? [flag] : [`${flag}=${value}`];
}
