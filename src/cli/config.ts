/**
 * `config.json`: values of options, and the sources. It is checked whenever it is read, key by key, against the list of
 * options: what is misspelt would otherwise be ignored for years.
 *
 * The checks are plain code: every command reads this file, and loading a schema library takes 100 ms, a third of what
 * a mount has until it answers.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import { type OptionName, optionNames, options } from '../model/options.ts';
import { checkSourceEntry, type SourceEntry } from '../sources/all.ts';
import { nearest } from './nearest.ts';

export interface Config {
  /** What the file says of options, as texts like those of a flag. */
  readonly values: ReadonlyMap<OptionName, readonly string[]>;
  readonly sources: readonly SourceEntry[];
}

/** Every key but `sources`, with its option. */
const optionOfKey: ReadonlyMap<string, OptionName> = new Map(
  optionNames.flatMap((name) => {
    const option = options[name];
    return 'key' in option ? [[option.key, name] as const] : [];
  }),
);

/** The configuration at `path`; without a file an empty one. @throws `usage` that names file and key */
export function readConfig(path: string): Config {
  return checkConfig(path, readObject(path));
}

/**
 * Changes the list of sources, while no other command does. All else in the file stays.
 * @throws `usage` for a file that is wrong already: it is not touched
 */
export async function updateSources(
  path: string,
  change: (sources: readonly SourceEntry[]) => readonly SourceEntry[],
): Promise<void> {
  await updateObject(path, (config) => ({ sources: change(config.sources) }));
}

/** Sets the value of an option in the file, in the same way. */
export async function updateValue(path: string, name: OptionName, value: string): Promise<void> {
  const option = options[name];
  await updateObject(path, () => ('key' in option ? { [option.key]: value } : {}));
}

async function updateObject(path: string, change: (config: Config) => object): Promise<void> {
  const [{ withFileLock }, { writeFileAtomically }] = await Promise.all([
    import('../model/file-lock.ts'),
    import('../model/write-file.ts'),
  ]);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  await withFileLock(path, () => {
    const object = readObject(path);
    const changed = { ...object, ...change(checkConfig(path, object)) };
    writeFileAtomically(path, `${JSON.stringify(changed, undefined, 2)}\n`);
  });
}

function readObject(path: string): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {};
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch (error) {
    throw refusal(path, `not valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw refusal(path, 'it must hold one JSON object, { … }');
}

function checkConfig(path: string, object: Readonly<Record<string, unknown>>): Config {
  const values = new Map<OptionName, readonly string[]>();
  let sources: readonly SourceEntry[] = [];
  for (const [key, value] of Object.entries(object)) {
    const name = optionOfKey.get(key);
    if (key === 'sources') sources = checkSources(path, value);
    else if (name !== undefined) values.set(name, textsOf(path, key, name, value));
    else throw unknownKey(path, key);
  }
  return { values, sources };
}

function unknownKey(path: string, key: string): GphotosfsError {
  const keys = [...optionOfKey.keys(), 'sources'];
  const meant = nearest(key, keys);
  const hint = meant === undefined ? `Known keys: ${keys.join(', ')}.` : `Did you mean "${meant}"?`;
  return refusal(path, `"${key}" is unknown`, hint);
}

/** A JSON value as the texts that a flag would have: numbers and booleans where they belong, else strings. */
function textsOf(path: string, key: string, name: OptionName, value: unknown): readonly string[] {
  const { kind } = options[name];
  const wrong = (wanted: string) => refusal(path, `"${key}" must be ${wanted}`);
  if (kind === 'flag') {
    if (typeof value !== 'boolean') throw wrong('true or false');
    return [String(value)];
  }
  if (kind === 'texts') {
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
      throw wrong('a list of texts');
    return value;
  }
  const isNumber = kind === 'count' || kind === 'id' || kind === 'percent';
  if (isNumber && typeof value === 'number') return [String(value)];
  if (typeof value !== 'string') throw wrong(isNumber ? 'a number' : 'a text');
  return [value];
}

function checkSources(path: string, value: unknown): readonly SourceEntry[] {
  if (!Array.isArray(value)) throw refusal(path, '"sources" must be a list');
  const sources = value.map((entry) => {
    try {
      return checkSourceEntry(entry);
    } catch (error) {
      throw error instanceof GphotosfsError ? refusal(path, error.message) : error;
    }
  });
  const ids = sources.map(({ id }) => id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) throw refusal(path, `two sources have the id "${twice}"`);
  return sources;
}

function refusal(
  path: string,
  message: string,
  hint = 'Correct the file; nothing was done.',
): GphotosfsError {
  return new GphotosfsError('usage', `${path}: ${message}`, { hint });
}
