import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig, updateSources } from '../../src/cli/config.ts';
import { GphotosfsError } from '../../src/model/errors.ts';
import type { SourceEntry } from '../../src/sources/all.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gphotosfs-config-'));
  path = join(folder, 'config.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const source = (id: string): SourceEntry => ({
  id,
  kind: 'takeout',
  account: id,
  paths: [`/exports/${id}.zip`],
});

function refusal(text: string): GphotosfsError {
  writeFileSync(path, text);
  try {
    readConfig(path);
  } catch (error) {
    if (error instanceof GphotosfsError) return error;
  }
  throw new Error('it was taken');
}

describe('config.json', () => {
  it('may be missing', () => {
    expect(readConfig(path).sources).toEqual([]);
    expect(readConfig(path).values.size).toBe(0);
  });

  it('gives options as the texts of a flag', () => {
    const object = { cache: 'photos', json: true, jobs: 2, umask: '077', prefetchAlbums: ['Rome', 'a, b'] };
    writeFileSync(path, JSON.stringify(object));
    expect(Object.fromEntries(readConfig(path).values)).toEqual({
      cache: ['photos'],
      json: ['true'],
      jobs: ['2'],
      umask: ['077'],
      album: ['Rome', 'a, b'],
    });
  });

  it('is refused for a misspelt key, with the nearest name', () => {
    const error = refusal('{ "chache": "/photos" }');
    expect(error.kind).toBe('usage');
    expect(error.message).toContain(path);
    expect(error.message).toContain('"chache"');
    expect(error.hint).toBe('Did you mean "cache"?');
    expect(refusal('{ "logLvel": "warn" }').hint).toBe('Did you mean "logLevel"?');
    expect(refusal('{ "source": [] }').hint).toBe('Did you mean "sources"?');
    expect(refusal('{ "somethingElse": 1 }').hint).toContain('cache, json');
    // `home` is no key: the file is in it.
    expect(refusal('{ "home": "/x" }').message).toContain('"home" is unknown');
  });

  it.each([
    ['{ "json": "yes" }', '"json" must be true or false'],
    ['{ "jobs": "many" , "cache": 3 }', '"cache" must be a text'],
    ['{ "jobs": true }', '"jobs" must be a number'],
    ['{ "prefetchYears": "2021" }', '"prefetchYears" must be a list of texts'],
    ['{ "sources": {} }', '"sources" must be a list'],
    ['{ "sources": [1] }', 'a source must be an object'],
    ['{ "sources": [{ "id": "../x" }] }', '"id" must be lower-case'],
    ['{ "sources": [{ "id": "a", "kind": "ftp" }] }', '"kind" must be one of takeout'],
    ['{ "sources": [{ "id": "a", "kind": "constructor" }] }', '"kind" must be one of takeout'],
    ['{ "sources": [{ "id": "a", "kind": "takeout", "account": "" }] }', '"account" must be a text'],
    [
      '{ "sources": [{ "id": "a", "kind": "takeout", "account": "x", "paths": ["rel.zip"] }] }',
      'absolute paths',
    ],
    ['{ "sources": [{ "id": "a", "kind": "takeout", "account": "x", "path": "/x" }] }', 'has no "path"'],
    ['[]', 'one JSON object'],
    ['{', 'not valid JSON'],
  ])('is refused: %s', (text, message) => {
    const error = refusal(text);
    expect(error.kind).toBe('usage');
    expect(error.message).toContain(path);
    expect(error.message).toContain(message);
  });

  it('is refused when two sources share an id', () => {
    expect(refusal(JSON.stringify({ sources: [source('a'), source('a')] })).message).toContain('two sources');
  });
});

describe('changing the sources', () => {
  it('keeps everything else, and makes the file for its owner only', async () => {
    writeFileSync(path, '{ "jobs": 2, "sources": [] }');
    chmodSync(path, 0o644);
    await updateSources(path, (sources) => [...sources, source('takeout')]);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ jobs: 2, sources: [source('takeout')] });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['config.json']);
  });

  it('makes the folder, for its owner only', async () => {
    const deep = join(folder, 'home', 'config.json');
    await updateSources(deep, () => [source('takeout')]);
    expect(statSync(join(folder, 'home')).mode & 0o777).toBe(0o700);
  });

  it('leaves a wrong file as it is', async () => {
    writeFileSync(path, '{ "chache": 1 }');
    await expect(updateSources(path, () => [])).rejects.toThrow('"chache"');
    expect(readFileSync(path, 'utf8')).toBe('{ "chache": 1 }');
    expect(readdirSync(folder)).toEqual(['config.json']);
  });

  it('writes where a link leads', async () => {
    const real = join(folder, 'dotfiles.json');
    writeFileSync(real, '{}');
    symlinkSync(real, path);
    await updateSources(path, () => [source('takeout')]);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, 'utf8')).toContain('takeout');
  });

  it('loses none of twenty changes at once', async () => {
    const ids = Array.from({ length: 20 }, (_, at) => `s${at}`);
    await Promise.all(ids.map((id) => updateSources(path, (sources) => [...sources, source(id)])));
    expect(
      readConfig(path)
        .sources.map(({ id }) => id)
        .sort(),
    ).toEqual([...ids].sort());
  });

  it('takes away the lock that a killed process left, after a while', async () => {
    writeFileSync(`${path}.lock`, 'of a process that is dead');
    const since = performance.now();
    await Promise.all(['a', 'b'].map((id) => updateSources(path, (sources) => [...sources, source(id)])));
    expect(performance.now() - since).toBeGreaterThan(4900);
    expect(readConfig(path).sources).toHaveLength(2);
    expect(readdirSync(folder)).toEqual(['config.json']);
  }, 15_000);
});
