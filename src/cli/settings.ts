/** The value of every option, and where it came from: a flag goes before the environment, that before the file. */
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { GphotosfsError } from '../model/errors.ts';
import {
  flagOf,
  type Option,
  type OptionName,
  optionNames,
  options,
  parseOption,
  type Settings,
} from '../model/options.ts';
import type { Config } from './config.ts';
import type { Environment } from './paths.ts';

export type Origin = 'flag' | 'environment' | 'config' | 'default';

/** Options as given on the command line, as texts. */
export type Flags = ReadonlyMap<OptionName, readonly string[]>;

export interface ResolvedSettings {
  readonly settings: Settings;
  readonly origins: Readonly<Record<OptionName, Origin>>;
}

interface Given {
  readonly origin: Origin;
  /** What a complaint calls it. */
  readonly name: string;
  readonly texts: readonly string[];
  /** What a relative path is relative to. */
  readonly base: string;
}

export interface SettingsRequest {
  readonly flags: Flags;
  readonly env: Environment;
  readonly config: Config;
  /** Path of the configuration file. */
  readonly configPath: string;
}

/** @throws `usage` that names the flag, variable or key with the senseless value */
export function resolveSettings(request: SettingsRequest): ResolvedSettings {
  const settings: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  for (const name of optionNames) {
    const given = find(name, request);
    origins[name] = given?.origin ?? 'default';
    settings[name] = given === undefined ? parseDefault(options[name]) : parseGiven(options[name], given);
  }
  return { settings: settings as Settings, origins: origins as Record<OptionName, Origin> };
}

/** The home, which has to be known before the configuration in it can be read; absolute. */
export function resolveHome(flags: Flags, env: Environment): string | undefined {
  const given = findOutside('home', flags, env);
  return given === undefined ? undefined : (parseGiven(options.home, given) as string);
}

function find(name: OptionName, request: SettingsRequest): Given | undefined {
  const outside = findOutside(name, request.flags, request.env);
  if (outside !== undefined) return outside;
  const texts = request.config.values.get(name);
  if (texts === undefined) return undefined;
  const key = (options[name] as Option).key ?? name;
  const base = dirname(request.configPath);
  return { origin: 'config', name: `${request.configPath}: "${key}"`, texts, base };
}

function findOutside(name: OptionName, flags: Flags, env: Environment): Given | undefined {
  const base = process.cwd();
  const flag = flags.get(name);
  if (flag !== undefined) return { origin: 'flag', name: flagOf(name), texts: flag, base };
  const option = options[name];
  const variable = env[option.env];
  // An empty variable is how scripts take one back.
  if (variable === undefined || variable === '') return undefined;
  const texts = option.kind === 'texts' ? variable.split('\n').filter((line) => line !== '') : [variable];
  return { origin: 'environment', name: option.env, texts, base };
}

function parseDefault(option: Option): unknown {
  if (option.default !== undefined) return parseOption(option, [option.default]);
  if (option.kind === 'flag') return false;
  return option.kind === 'texts' ? [] : undefined;
}

function parseGiven(option: Option, given: Given): unknown {
  try {
    const value = parseOption(option, given.texts);
    return option.kind === 'path' ? resolve(given.base, withoutTilde(String(value))) : value;
  } catch (error) {
    if (!(error instanceof GphotosfsError)) throw error;
    throw new GphotosfsError(error.kind, `${given.name}: ${error.message}`, { cause: error });
  }
}

/** In a configuration or a systemd unit no shell replaces `~/`. */
function withoutTilde(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
