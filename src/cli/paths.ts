/**
 * Where a home keeps what: one folder with `--home`, else the folders of the XDG Base Directory Specification, so that
 * a backup of the configuration doesn't drag the index along.
 */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Paths {
  readonly configFolder: string;
  /** The index, its leases and the logs. */
  readonly dataFolder: string;
  readonly config: string;
  /** The owner's client at Google, and what Google gave at sign-in. */
  readonly clientSecret: string;
  readonly tokens: string;
  readonly index: string;
  /** The cache, where nothing else is said. */
  readonly defaultCache: string;
  /** Archives that are downloaded whole, while their photos are taken out. */
  readonly spool: string;
  /** Where file managers look for thumbnails. */
  readonly thumbnails: string;
  /** What a mount in the background has to say. */
  readonly mountLog: string;
}

/** The paths of the home `home` (absolute), or of the user's own where it is undefined. */
export function resolvePaths(home: string | undefined, env: Environment): Paths {
  const configFolder = home ?? join(xdgFolder(env.XDG_CONFIG_HOME, '.config'), 'gphotosfs');
  const dataFolder = home ?? join(xdgFolder(env.XDG_DATA_HOME, join('.local', 'share')), 'gphotosfs');
  return {
    configFolder,
    dataFolder,
    config: join(configFolder, 'config.json'),
    clientSecret: join(configFolder, 'client_secret.json'),
    tokens: join(configFolder, 'token.json'),
    index: join(dataFolder, 'index.db'),
    defaultCache: join(dataFolder, 'cache'),
    spool: join(dataFolder, 'spool'),
    thumbnails: join(xdgFolder(env.XDG_CACHE_HOME, '.cache'), 'thumbnails'),
    mountLog: join(dataFolder, 'mount.log'),
  };
}

/** The specification says that a relative path in these variables is to be ignored. */
function xdgFolder(value: string | undefined, otherwise: string): string {
  return value !== undefined && isAbsolute(value) ? value : join(homedir(), otherwise);
}
