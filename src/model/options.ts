/**
 * Every option of gphotosfs, declared once as data: flags, environment variables, keys of `config.json`, `--help` and
 * the table in `native-notes/` are made from this list, so none of them can forget one.
 */
import {
  parseBytes,
  parseChoice,
  parseCount,
  parseDuration,
  parseFlag,
  parseId,
  parseMode,
  parsePercent,
  parseShare,
  parseText,
  parseUrl,
} from './option-values.ts';

/** The commands, by the words a user types. */
export type CommandName =
  | 'add takeout'
  | 'add library'
  | 'add drive'
  | 'pick'
  | 'sources'
  | 'remove'
  | 'sync'
  | 'mount'
  | 'unmount'
  | 'prefetch'
  | 'thumbnails'
  | 'status'
  | 'verify'
  | 'doctor'
  | 'config'
  | 'completion'
  | 'manual'
  | 'setup systemd'
  | 'setup cron'
  | 'setup fstab'
  | 'adopt'
  | 'login'
  | 'logout';

/** What an option's value is, with the type it becomes. `path` is made absolute by whoever knows from where. */
interface Values {
  /** On or off; as a flag it takes no value. */
  flag: boolean;
  text: string;
  path: string;
  /** Absolute, http or https, without a slash at its end. */
  url: string;
  /** Given once for each value; one value a line in the environment, a list in the configuration. */
  texts: readonly string[];
  count: number;
  id: number;
  /** Octal permission bits. */
  mode: number;
  /** Milliseconds. */
  duration: number;
  /** More than 0, at most 100. */
  percent: number;
  /** Percent too, from 0 on and less than 100. */
  share: number;
  /** Bytes, or bytes a second. */
  bytes: number;
}

export interface Option {
  readonly kind: keyof Values | readonly string[];
  /** The value's name in the help; a `flag` has none. */
  readonly value?: string;
  /** As the user would write it. Without one the setting is undefined (a flag false, a list empty). */
  readonly default?: string;
  /** The default in words, where it isn't a constant. */
  readonly defaultHelp?: string;
  readonly env: string;
  /** Key in `config.json`; only `home` has none, for it says where that file is. */
  readonly key?: string;
  readonly help: string;
  readonly commands: 'all' | readonly CommandName[];
  /** Hardly anybody needs it: in the table of all options, not in the help. */
  readonly rare?: boolean;
}

export const options = {
  home: {
    kind: 'path',
    value: 'DIR',
    defaultHelp: 'the XDG folders',
    env: 'GPHOTOSFS_HOME',
    help: 'keep configuration and index in DIR',
    commands: 'all',
  },
  cache: {
    kind: 'path',
    value: 'DIR',
    defaultHelp: '`cache` in the data folder',
    env: 'GPHOTOSFS_CACHE',
    key: 'cache',
    help: 'keep the photos in DIR',
    commands: 'all',
  },
  json: {
    kind: 'flag',
    env: 'GPHOTOSFS_JSON',
    key: 'json',
    help: 'results as one JSON object a line, progress and errors as JSON too',
    commands: 'all',
  },
  logLevel: {
    kind: ['error', 'warn', 'info', 'debug'],
    value: 'LEVEL',
    default: 'info',
    env: 'GPHOTOSFS_LOG_LEVEL',
    key: 'logLevel',
    help: 'how much to tell: error, warn, info or debug',
    commands: 'all',
  },
  account: {
    kind: 'text',
    value: 'LABEL',
    default: 'default',
    env: 'GPHOTOSFS_ACCOUNT',
    key: 'account',
    help: 'the Google account that photos belong to, in a word of your own',
    commands: ['add takeout', 'add library', 'add drive', 'pick', 'login', 'logout'],
  },
  service: {
    kind: 'texts',
    value: 'NAME',
    defaultHelp: 'what the sources need',
    env: 'GPHOTOSFS_SERVICES',
    key: 'services',
    help: 'ask only for this permission: library, picker or drive; may be repeated',
    commands: ['login'],
  },
  noBrowser: {
    kind: 'flag',
    env: 'GPHOTOSFS_NO_BROWSER',
    key: 'noBrowser',
    help: 'sign in on another machine: open no browser, and take the address that its last page has',
    commands: ['login'],
  },
  folder: {
    kind: 'texts',
    value: 'ID',
    env: 'GPHOTOSFS_FOLDERS',
    key: 'folders',
    help: 'a folder of Drive with archives, by its id or address, also one that is shared; may be repeated',
    commands: ['add drive'],
  },
  years: {
    kind: ['yearly', 'monthly'],
    value: 'LAYOUT',
    default: 'yearly',
    env: 'GPHOTOSFS_YEARS',
    key: 'years',
    help: 'one folder a year, or one a month in it; settled by the first sync',
    commands: ['sync'],
  },
  albums: {
    kind: ['symlink', 'hardlink'],
    value: 'LINK',
    default: 'symlink',
    env: 'GPHOTOSFS_ALBUMS',
    key: 'albums',
    help: 'what album folders hold: symlink or hardlink; settled by the first sync',
    commands: ['sync'],
  },
  listOnly: {
    kind: 'texts',
    value: 'TERM',
    env: 'GPHOTOSFS_LIST_ONLY',
    key: 'listOnly',
    help: 'list nothing new but year:YEAR, album:TITLE or kind:KIND (photo, video, motion); may be repeated, `all` takes it back',
    commands: ['sync'],
  },
  listSkip: {
    kind: 'texts',
    value: 'TERM',
    env: 'GPHOTOSFS_LIST_SKIP',
    key: 'listSkip',
    help: 'list nothing new of year:YEAR, album:TITLE or kind:KIND; may be repeated, `none` takes it back',
    commands: ['sync'],
  },
  sidecars: {
    kind: 'flag',
    env: 'GPHOTOSFS_SIDECARS',
    key: 'sidecars',
    help: 'list an .xmp beside each photo with title, people, place, albums and time, now and at each sync after',
    commands: ['sync', 'mount'],
  },
  rescan: {
    kind: 'flag',
    env: 'GPHOTOSFS_RESCAN',
    key: 'rescan',
    help: 'read every archive again, also unchanged ones',
    commands: ['sync'],
  },
  rebuild: {
    kind: 'flag',
    env: 'GPHOTOSFS_REBUILD',
    key: 'rebuild',
    help: 'after the index was lost: restore it from the journal in the cache, then sync',
    commands: ['sync'],
  },
  thumbnails: {
    kind: 'path',
    value: 'DIR',
    env: 'GPHOTOSFS_THUMBNAILS',
    key: 'thumbnails',
    help: 'after each sync, place thumbnails for file managers that look at the mount at DIR',
    commands: ['sync', 'mount'],
  },
  driver: {
    kind: ['kernel', 'fuse-native'],
    value: 'DRIVER',
    defaultHelp: '`kernel` on Linux',
    env: 'GPHOTOSFS_DRIVER',
    key: 'driver',
    help: 'how to mount: kernel or fuse-native',
    commands: ['mount'],
  },
  passthrough: {
    kind: ['auto', 'off'],
    value: 'WHEN',
    default: 'auto',
    env: 'GPHOTOSFS_PASSTHROUGH',
    key: 'passthrough',
    help: 'let the kernel read cached files by itself where it can (auto), or never (off)',
    commands: ['mount'],
  },
  allowOther: {
    kind: 'flag',
    env: 'GPHOTOSFS_ALLOW_OTHER',
    key: 'allowOther',
    help: 'let other users look into the mount',
    commands: ['mount'],
  },
  syncEvery: {
    kind: 'duration',
    value: 'TIME',
    env: 'GPHOTOSFS_SYNC_EVERY',
    key: 'syncEvery',
    help: 'sync while mounted, every TIME (90s, 15m, 6h, 1d)',
    commands: ['mount'],
  },
  daemon: {
    kind: 'flag',
    env: 'GPHOTOSFS_DAEMON',
    key: 'daemon',
    help: 'return as soon as the mount answers and go on in the background',
    commands: ['mount'],
  },
  uid: {
    kind: 'id',
    value: 'N',
    defaultHelp: 'yours',
    env: 'GPHOTOSFS_UID',
    key: 'uid',
    help: 'owner of everything in the mount',
    commands: ['mount'],
  },
  gid: {
    kind: 'id',
    value: 'N',
    defaultHelp: 'yours',
    env: 'GPHOTOSFS_GID',
    key: 'gid',
    help: 'group of everything in the mount',
    commands: ['mount'],
  },
  umask: {
    kind: 'mode',
    value: 'BITS',
    default: '022',
    env: 'GPHOTOSFS_UMASK',
    key: 'umask',
    help: 'octal bits taken from 0444 (files) and 0555 (folders)',
    commands: ['mount'],
  },
  year: {
    kind: 'texts',
    value: 'YEAR',
    env: 'GPHOTOSFS_PREFETCH_YEARS',
    key: 'prefetchYears',
    help: 'only this year folder, such as 2021 or undated; may be repeated',
    commands: ['prefetch'],
  },
  album: {
    kind: 'texts',
    value: 'TITLE',
    env: 'GPHOTOSFS_PREFETCH_ALBUMS',
    key: 'prefetchAlbums',
    help: 'only this album folder; may be repeated',
    commands: ['prefetch'],
  },
  kind: {
    kind: 'texts',
    value: 'KIND',
    env: 'GPHOTOSFS_PREFETCH_KINDS',
    key: 'prefetchKinds',
    help: 'only photo, video or motion (clips of live photos); may be repeated',
    commands: ['prefetch'],
  },
  skip: {
    kind: 'texts',
    value: 'TERM',
    env: 'GPHOTOSFS_PREFETCH_SKIP',
    key: 'prefetchSkip',
    help: 'leave out year:YEAR, album:TITLE or kind:KIND; may be repeated',
    commands: ['prefetch'],
  },
  dryRun: {
    kind: 'flag',
    env: 'GPHOTOSFS_DRY_RUN',
    key: 'dryRun',
    help: 'say what would be fetched, fetch nothing',
    commands: ['prefetch'],
  },
  jobs: {
    kind: 'count',
    value: 'N',
    default: '4',
    env: 'GPHOTOSFS_JOBS',
    key: 'jobs',
    help: 'fetch N files at a time',
    commands: ['prefetch'],
  },
  tgz: {
    kind: 'flag',
    env: 'GPHOTOSFS_TGZ',
    key: 'tgz',
    help: 'look into a .tgz in Drive too: that downloads it whole, and keeps its photos',
    commands: ['sync'],
  },
  limitRate: {
    kind: 'bytes',
    value: 'RATE',
    env: 'GPHOTOSFS_LIMIT_RATE',
    key: 'limitRate',
    help: 'take from Google at most RATE bytes a second (500k, 10M)',
    commands: ['sync', 'mount', 'prefetch', 'pick'],
  },
  longRange: {
    kind: 'bytes',
    value: 'SIZE',
    default: '64M',
    env: 'GPHOTOSFS_LONG_RANGE',
    key: 'longRange',
    help: 'take neighbouring photos from Drive in requests of SIZE bytes',
    commands: ['prefetch'],
    rare: true,
  },
  freeFloor: {
    kind: 'share',
    value: 'PERCENT',
    default: '5',
    env: 'GPHOTOSFS_FREE_FLOOR',
    key: 'freeFloor',
    help: "leave so much of the cache's disk free; readers still get what finds no room",
    commands: ['mount', 'prefetch', 'verify'],
  },
  onSuccess: {
    kind: 'texts',
    value: 'ARG',
    env: 'GPHOTOSFS_ON_SUCCESS',
    key: 'onSuccess',
    help: 'run this program after a run that ended well; given once for the program and each of its arguments',
    commands: ['sync', 'prefetch', 'verify'],
  },
  onFailure: {
    kind: 'texts',
    value: 'ARG',
    env: 'GPHOTOSFS_ON_FAILURE',
    key: 'onFailure',
    help: 'the same after any other run',
    commands: ['sync', 'prefetch', 'verify'],
  },
  healthcheck: {
    kind: 'url',
    value: 'URL',
    env: 'GPHOTOSFS_HEALTHCHECK',
    key: 'healthcheck',
    help: 'ask for URL after a run that ended well, for URL/fail after another',
    commands: ['sync', 'prefetch', 'verify'],
  },
  check: {
    kind: ['complete'],
    value: 'WHAT',
    env: 'GPHOTOSFS_CHECK',
    key: 'check',
    help: 'complete: end with 0 if all that prefetch selects is in the cache, else with 3',
    commands: ['status'],
  },
  watch: {
    kind: 'flag',
    env: 'GPHOTOSFS_WATCH',
    key: 'watch',
    help: 'tell it again every 2 seconds, until Ctrl-C',
    commands: ['status'],
  },
  install: {
    kind: 'flag',
    env: 'GPHOTOSFS_INSTALL',
    key: 'install',
    help: 'write the files to where they belong, instead of printing them',
    commands: ['setup systemd', 'setup cron', 'setup fstab'],
  },
  at: {
    kind: 'text',
    value: 'TIME',
    default: '03:15',
    env: 'GPHOTOSFS_AT',
    key: 'at',
    help: 'time of day at which the nightly run begins',
    commands: ['setup systemd', 'setup cron'],
  },
  sample: {
    kind: 'percent',
    value: 'PERCENT',
    env: 'GPHOTOSFS_VERIFY_SAMPLE',
    key: 'verifySample',
    help: 'look only at so many of the files, other ones each time',
    commands: ['verify'],
  },
  repair: {
    kind: 'flag',
    env: 'GPHOTOSFS_REPAIR',
    key: 'repair',
    help: 'fetch again what is wrong, where a source still has it',
    commands: ['verify'],
  },
  consentUrl: {
    kind: 'url',
    value: 'URL',
    default: 'https://accounts.google.com/o/oauth2/v2/auth',
    env: 'GPHOTOSFS_CONSENT_URL',
    key: 'consentUrl',
    help: 'the page where you let the program in',
    commands: 'all',
    rare: true,
  },
  tokenUrl: {
    kind: 'url',
    value: 'URL',
    default: 'https://oauth2.googleapis.com/token',
    env: 'GPHOTOSFS_TOKEN_URL',
    key: 'tokenUrl',
    help: 'where tokens come from',
    commands: 'all',
    rare: true,
  },
  revokeUrl: {
    kind: 'url',
    value: 'URL',
    default: 'https://oauth2.googleapis.com/revoke',
    env: 'GPHOTOSFS_REVOKE_URL',
    key: 'revokeUrl',
    help: 'where tokens are given back',
    commands: 'all',
    rare: true,
  },
  libraryUrl: {
    kind: 'url',
    value: 'URL',
    default: 'https://photoslibrary.googleapis.com',
    env: 'GPHOTOSFS_LIBRARY_URL',
    key: 'libraryUrl',
    help: 'the Photos Library API',
    commands: 'all',
    rare: true,
  },
  pickerUrl: {
    kind: 'url',
    value: 'URL',
    default: 'https://photospicker.googleapis.com',
    env: 'GPHOTOSFS_PICKER_URL',
    key: 'pickerUrl',
    help: 'the Photos Picker API',
    commands: 'all',
    rare: true,
  },
  driveUrl: {
    kind: 'url',
    value: 'URL',
    default: 'https://www.googleapis.com/drive/v3',
    env: 'GPHOTOSFS_DRIVE_URL',
    key: 'driveUrl',
    help: 'the Drive API',
    commands: 'all',
    rare: true,
  },
  contentHosts: {
    kind: 'text',
    value: 'HOSTS',
    // One label only: customers' machines at Google are called *.bc.googleusercontent.com.
    default: '*.googleusercontent.com',
    env: 'GPHOTOSFS_CONTENT_HOSTS',
    key: 'contentHosts',
    help: 'hosts besides those of the APIs that may see the token when photos are fetched',
    commands: 'all',
    rare: true,
  },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof options;
export const optionNames = Object.keys(options) as OptionName[];

type ValueOf<O extends Option> = O['kind'] extends keyof Values
  ? Values[O['kind']]
  : O['kind'] extends readonly (infer Choice)[]
    ? Choice
    : never;

/** Kinds that have a value even when nobody gave one. */
type Settled = 'flag' | 'texts';

/** The value of every option. */
export type Settings = {
  readonly [Name in OptionName]: (typeof options)[Name] extends { default: string } | { kind: Settled }
    ? ValueOf<(typeof options)[Name]>
    : ValueOf<(typeof options)[Name]> | undefined;
};

/** `logLevel` as the flag `--log-level`. */
export function flagOf(name: OptionName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** An option's value from its texts (several only for a list). @throws `usage` for a text that makes no sense */
export function parseOption(option: Option, texts: readonly string[]): Settings[OptionName] {
  const { kind } = option;
  if (kind === 'texts') return texts.map(parseText);
  const text = texts.at(-1) ?? '';
  if (typeof kind !== 'string') return parseChoice(text, kind) as Settings[OptionName];
  switch (kind) {
    case 'flag':
      return parseFlag(text);
    case 'count':
      return parseCount(text);
    case 'id':
      return parseId(text);
    case 'mode':
      return parseMode(text);
    case 'duration':
      return parseDuration(text);
    case 'percent':
      return parsePercent(text);
    case 'share':
      return parseShare(text);
    case 'bytes':
      return parseBytes(text);
    case 'url':
      return parseUrl(text);
    case 'text':
    case 'path':
      return parseText(text);
  }
}
