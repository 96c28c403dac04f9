/** The commands: what a user types, what `--help` says, and the module that does it, loaded when it is asked for. */
import type { CommandName } from '../model/options.ts';
import type { Run } from './run.ts';

export interface Command {
  readonly name: CommandName;
  readonly summary: string;
  /** As commander writes it: `<x>` is needed, `...` takes several. */
  readonly argument?: readonly [syntax: string, help: string];
  /** More to say, and examples. */
  readonly more?: string;
  readonly load: () => Promise<{ readonly run: Run }>;
}

/** What the first word of a command of two words stands for. */
export const groups: Readonly<Record<string, string>> = {
  add: 'say where photos come from',
  setup: 'let systemd, cron or /etc/fstab run gphotosfs',
};

export const commands: readonly Command[] = [
  {
    name: 'add takeout',
    summary: 'add Takeout archives: .zip, .tgz, or unpacked folders',
    argument: ['<path...>', 'archives or folders, of any number of exports'],
    more: `Only their places are noted; they are read by "gphotosfs sync" and stay where they are.
Give more parts or later exports in the same way, any time.

  gphotosfs add takeout ~/Downloads/takeout-*.zip
  gphotosfs add takeout --account partner /mnt/usb/takeout-*.zip`,
    load: () => import('./add-takeout.ts'),
  },
  {
    name: 'add library',
    summary: 'add what your own client has uploaded through the Photos Library API',
    more: `Since March 2025 Google shows a client only what it uploaded itself: for a whole library use Takeout. Needs "gphotosfs login".`,
    load: () => import('./add-library.ts'),
  },
  {
    name: 'pick',
    summary: 'pick photos in the browser and fetch them at once',
    more: `Shows a link to Google's Picker and waits until you are done there. Up to 2,000 photos each time; picks add up.
What is picked can be had for some days only, so it is fetched now. Needs "gphotosfs login".`,
    load: () => import('./pick.ts'),
  },
  {
    name: 'add drive',
    summary: 'add Takeout archives in Google Drive; they are read there',
    more: `Looks where Takeout delivers to, or into the folders that you name. Archives are read where they are: their
directories at a sync, a photo when it is opened. Nothing is ever changed or deleted in Drive.

  gphotosfs add drive
  gphotosfs add drive --account partner --folder https://drive.google.com/drive/folders/1AbC…`,
    load: () => import('./add-drive.ts'),
  },
  {
    name: 'sources',
    summary: 'list where photos come from',
    load: () => import('./sources.ts'),
  },
  {
    name: 'remove',
    summary: 'stop using a source; cached photos stay',
    argument: ['<id>', 'the source, as "gphotosfs sources" names it'],
    load: () => import('./remove.ts'),
  },
  {
    name: 'sync',
    summary: 'bring the index up to date with the sources',
    more: `Reads what archives list, and sidecars; never a photo. Nothing vanishes because an archive is missing.

  gphotosfs sync --list-skip kind:video --list-skip "album:Screenshots"
lists nothing new of these. What is listed already stays, and the next sync without a word of it goes by the same; with
--list-skip none all that was left out comes.

  gphotosfs sync --sidecars
lists IMG_1.jpg.xmp beside IMG_1.jpg: title, description, people, place, albums, favourite and time, for photo programs; originals stay
as they are. Later syncs keep them up to date. "sidecars": false in config.json ends that; those that are listed stay
and are kept up to date.

When index.db is lost or damaged, move it away, if it is still there, and
  gphotosfs sync --rebuild
makes it again from the journal in the cache: the same names and inode numbers, and no photo is fetched again.`,
    load: () => import('./sync.ts'),
  },
  {
    name: 'mount',
    summary: 'serve the photos as folders until told to stop',
    argument: ['<dir>', 'an empty directory'],
    more: `Ends with Ctrl-C, SIGTERM or "gphotosfs unmount".

  gphotosfs mount ~/Photos
  gphotosfs mount --daemon --sync-every 6h /srv/photos`,
    load: () => import('./mount.ts'),
  },
  {
    name: 'unmount',
    summary: 'take a mount away, also a dead one',
    argument: ['<dir>', 'the mount point'],
    load: () => import('./unmount.ts'),
  },
  {
    name: 'prefetch',
    summary: 'fill the cache, so that a backup finds every photo in it',
    more: `Ends with 0 only when everything selected is in the cache, with 3 when the rest is listed.
It goes on where it was stopped.

  gphotosfs prefetch
  gphotosfs prefetch --year 2021 --album "Summer in Italy"
  gphotosfs prefetch --skip kind:video`,
    load: () => import('./prefetch.ts'),
  },
  {
    name: 'thumbnails',
    summary: 'let file managers show photos without fetching them',
    argument: ['[dir]', 'where the photos are mounted; default what "thumbnails" in config.json says'],
    more: `Puts small pictures into your thumbnail folder (~/.cache/thumbnails), where Nautilus, Thunar, Dolphin and others look:
those that cameras put into a photo's beginning, or that Google scales. A file without one gets a card. Of a cached file it is that
beginning, or all of a small JPEG; others are left to the file manager. Run it as whoever looks at the photos, and again after
a sync or a prefetch.

  gphotosfs thumbnails ~/Photos
  gphotosfs sync --thumbnails ~/Photos`,
    load: () => import('./thumbnails.ts'),
  },
  {
    name: 'status',
    summary: 'how things stand: what is there, what is cached, what to do next',
    more: `  gphotosfs status --watch
  gphotosfs status --check complete && restic backup ~/.local/share/gphotosfs/cache`,
    load: () => import('./status.ts'),
  },
  {
    name: 'verify',
    summary: 'check that the bytes in the cache are still the right ones',
    more: `Reads every cached file, compares size and SHA-256, and lists what is wrong (then it ends with 3). What it finds
wrong is not given to readers any more. Nothing is ever deleted. It goes on where it was stopped.

  gphotosfs verify
  gphotosfs verify --sample 5 --repair`,
    load: () => import('./verify.ts'),
  },
  {
    name: 'doctor',
    summary: 'find out what is wrong here, and what to do about it',
    more: `Looks at the system, the home, the cache and the sources, and changes nothing. Ends with 0 when all is well, with 3 when
there are warnings, with 1 when something doesn't work.`,
    load: () => import('./doctor.ts'),
  },
  {
    name: 'config',
    summary: 'print the options in force, and where each came from',
    more: 'A flag wins over the environment, that over config.json.',
    load: () => import('./show-config.ts'),
  },
  {
    name: 'login',
    summary: 'sign in to Google, for the sources that read an account',
    more: `Needs client_secret.json of your own client in the configuration folder; see native-notes/google-account.md.
It asks for reading only, and for no more than the sources of the account need: add them first.
On a machine without a screen use --no-browser.

  gphotosfs login
  gphotosfs login --no-browser --account partner`,
    load: () => import('./login.ts'),
  },
  {
    name: 'logout',
    summary: 'sign out: give the token back to Google and delete it',
    load: () => import('./logout.ts'),
  },
  {
    name: 'setup systemd',
    summary: 'units for a mount and for a nightly sync and prefetch',
    argument: ['[dir]', 'mount point; without one there is no mount'],
    more: `As root they are for the system and run as the owner of the home, else for your own session.

  gphotosfs setup systemd ~/Photos
  sudo gphotosfs --home /srv/gphotosfs setup systemd --install /srv/photos`,
    load: () => import('./setup/systemd.ts'),
  },
  {
    name: 'setup cron',
    summary: 'a line of a crontab for a nightly sync and prefetch',
    more: '  gphotosfs setup cron --install --at 02:30',
    load: () => import('./setup/cron.ts'),
  },
  {
    name: 'setup fstab',
    summary: 'a line of /etc/fstab, and the helper that mount(8) needs for it',
    argument: ['<dir>', 'mount point'],
    more: `Options of "mount" go into the line with underscores: cache=/mnt/nas/photos,sync_every=6h,uid=1000

  sudo gphotosfs --home /srv/gphotosfs setup fstab --install /srv/photos`,
    load: () => import('./setup/fstab.ts'),
  },
  {
    name: 'adopt',
    summary: 'use the cache from where it was moved to',
    argument: ['<dir>', 'the cache, at its new place'],
    more: `Takes only the cache that belongs to this home, and notes its place in config.json.

  gphotosfs adopt /mnt/nas/photos`,
    load: () => import('./adopt.ts'),
  },
  {
    name: 'completion',
    summary: 'print a script by which a shell completes commands and options',
    argument: ['<shell>', 'bash, zsh or fish'],
    more: `  source <(gphotosfs completion bash)
  gphotosfs completion fish > ~/.config/fish/completions/gphotosfs.fish`,
    load: () => import('./completion.ts'),
  },
  {
    name: 'manual',
    summary: 'print the manual page: every option, files, and what to do when',
    more: '  gphotosfs manual | man -l -',
    load: () => import('./manual.ts'),
  },
];
