/** The commands as a user runs them, on a real Takeout, without a mount. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { optionNames, options } from '../../src/model/options.ts';
import { buildTakeout, photo, type TakeoutSpec } from '../helpers/takeout-builder.ts';
import { createPlace, type Place, until } from './run-program.ts';

let place: Place;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

const year = (at: number) => 2019 + (at % 3);
const entries = Array.from({ length: 9 }, (_, at) => ({
  folder: `Photos from ${year(at)}`,
  name: `IMG_${at}.jpg`,
  bytes: photo(at, 3000 + at),
  takenAt: Date.UTC(year(at), 5, 1 + at) / 1000,
}));

const spec: TakeoutSpec = {
  entries: [...entries, ...entries.slice(0, 2).map((entry) => ({ ...entry, folder: 'Rome' }))],
  albums: [{ folder: 'Rome' }],
  parts: 2,
};

async function addAndSync(): Promise<string[]> {
  const parts = await buildTakeout(join(place.folder, 'takeout'), spec);
  expect((await place.run('add', 'takeout', ...parts)).code).toBe(0);
  expect((await place.run('sync')).code).toBe(0);
  return parts;
}

const status = async (): Promise<Record<string, unknown>> =>
  JSON.parse((await place.run('status', '--json')).stdout) as Record<string, unknown>;

describe('add takeout', () => {
  it('notes absolute paths, once each, and says what to do next', async () => {
    const parts = await buildTakeout(join(place.folder, 'takeout'), spec);
    const names = parts.map((part) => part.slice(place.folder.length + 1));
    const added = await place.run('add', 'takeout', ...names);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(added.stdout).toBe('takeout: 2 archives added\nNext: gphotosfs sync\n');
    const again = await place.run('--json', 'add', 'takeout', ...parts);
    expect(JSON.parse(again.stdout)).toEqual({
      type: 'added',
      id: 'takeout',
      account: 'default',
      paths: [],
      known: 2,
    });
    const config: unknown = JSON.parse(readFileSync(join(place.home, 'config.json'), 'utf8'));
    expect(config).toEqual({
      sources: [{ id: 'takeout', kind: 'takeout', account: 'default', paths: parts }],
    });
    expect(statSync(place.home).mode & 0o777).toBe(0o700);
    expect(statSync(join(place.home, 'config.json')).mode & 0o777).toBe(0o600);
  });

  it('adds what is good, and names what is not', async () => {
    const [part = ''] = await buildTakeout(join(place.folder, 'takeout'), spec);
    const page = join(place.folder, 'saved.zip');
    writeFileSync(page, '<html>please sign in</html>');
    const bad = await place.run('add', 'takeout', page, 'nowhere.zip');
    expect(bad.code).not.toBe(0);
    expect(bad.stderr).toContain(page);
    expect(bad.stderr).toContain(`${join(place.folder, 'nowhere.zip')} does not exist`);
    expect(existsSync(join(place.home, 'config.json'))).toBe(false);
    const mixed = await place.run('add', 'takeout', page, part);
    expect(mixed.code).toBe(3);
    expect(mixed.stderr).toContain(page);
    expect(JSON.parse((await place.run('sources', '--json')).stdout)).toMatchObject({
      paths: [{ path: part }],
    });
    expect((await place.run('add', 'takeout', 'nowhere.zip')).code).toBe(2);
  });

  it('keeps accounts apart, also when several are added at once', async () => {
    const [part = ''] = await buildTakeout(join(place.folder, 'takeout'), spec);
    const accounts = ['one', 'two', 'three'];
    const added = await Promise.all(
      accounts.map((account) => place.run('add', 'takeout', '--account', account, part)),
    );
    expect(added.map(({ code }) => code)).toEqual([0, 0, 0]);
    const lines = (await place.run('sources', '--json')).stdout.trim().split('\n');
    const sources = lines.map((line) => JSON.parse(line) as { id: string; account: string });
    expect(sources.map(({ account }) => account).sort()).toEqual(['one', 'three', 'two']);
    expect(sources.map(({ id }) => id)).toEqual(['takeout', 'takeout-2', 'takeout-3']);
  });
});

describe('sync', () => {
  it('brings photos and albums, and nothing new the second time', async () => {
    const parts = await buildTakeout(join(place.folder, 'takeout'), spec);
    await place.run('add', 'takeout', ...parts);
    const first = JSON.parse((await place.run('sync', '--json')).stdout) as Record<string, unknown>;
    expect(first).toMatchObject({
      type: 'sync',
      complete: true,
      sources: [
        {
          id: 'takeout',
          newItems: 9,
          newFiles: 9,
          newAlbums: 1,
          heldBack: 0,
          filtered: 0,
          waiting: 0,
          problems: [],
          error: null,
        },
      ],
    });
    const second = await place.run('sync');
    expect(second).toMatchObject({ code: 0 });
    expect(second.stdout).toContain('takeout: 0 new items');
  });

  it('lists by a filter until it is told otherwise, though no archive is new then', async () => {
    const parts = await buildTakeout(join(place.folder, 'takeout'), spec);
    await place.run('add', 'takeout', ...parts);
    const files = async (...args: string[]) => {
      const ended = await place.run('sync', ...args);
      expect(ended).toMatchObject({ code: 0 });
      return [(await status()).files, /(\d+) items? left out/.exec(ended.stdout)?.[1]];
    };
    expect(await files('--list-only', 'year:2019', '--list-only', 'album:Rome')).toEqual([4, '5']);
    expect(await files()).toEqual([4, undefined]);
    expect(
      await files('--list-only', 'all', '--list-skip', 'kind:photo', '--list-skip', 'kind:video'),
    ).toEqual([4, '5']);
    expect(await files('--list-skip', 'none')).toEqual([9, undefined]);
    const wrong = await place.run('sync', '--list-only', 'yaer:2019');
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.stderr).toContain('--list-only: "yaer:2019" is not allowed');
  });

  it('needs a source', async () => {
    const ended = await place.run('sync');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('gphotosfs add takeout');
  });

  it('ends with 3 when an archive cannot be read, and takes in the others', async () => {
    const parts = await buildTakeout(join(place.folder, 'takeout'), spec);
    await place.run('add', 'takeout', ...parts);
    const [broken = ''] = parts;
    truncateSync(broken, statSync(broken).size - 500);
    const ended = await place.run('sync');
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain(broken);
    expect((await status()).files).toBeGreaterThan(0);
    const json = JSON.parse((await place.run('sync', '--json', '--rescan')).stdout) as Record<
      string,
      unknown
    >;
    expect(json).toMatchObject({ complete: false, sources: [{ problems: [{ where: broken }] }] });
  });

  it('settles the layout, and then insists only on what is asked for', async () => {
    const parts = await buildTakeout(join(place.folder, 'takeout'), spec);
    await place.run('add', 'takeout', ...parts);
    expect((await place.run('sync', '--albums', 'hardlink')).code).toBe(0);
    expect((await place.run('sync')).code).toBe(0);
    const other = await place.run('sync', '--albums', 'symlink');
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('another home');
  });
});

describe('prefetch and status', () => {
  it('fill the cache and say so', async () => {
    await addAndSync();
    expect(await status()).toMatchObject({ items: 9, files: 9, cachedFiles: 0, albums: 1, complete: false });
    const planned = JSON.parse((await place.run('prefetch', '--dry-run', '--json')).stdout) as Record<
      string,
      unknown
    >;
    expect(planned).toMatchObject({ type: 'plan', selectedFiles: 9, missingFiles: 9, unavailable: [] });
    expect((await status()).cachedFiles).toBe(0);

    const one = await place.run('prefetch', '--year', '2019');
    expect(one).toMatchObject({ code: 0 });
    expect((await status()).cachedFiles).toBe(3);

    const ended = await place.run('prefetch', '--json');
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      type: 'prefetch',
      complete: true,
      fetchedFiles: 6,
      failed: [],
    });
    const events = ended.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; done: number });
    expect(events.at(-1)).toMatchObject({ event: 'progress', phase: 'fetching', done: 6, total: 6 });

    const after = await status();
    expect(after).toMatchObject({ files: 9, cachedFiles: 9, complete: true });
    expect(after.cachedBytes).toBe(after.bytes);
    expect(new Date(String(after.lastSync)).getTime()).toBeGreaterThan(Date.now() - 60_000);
    for (const key of [
      'items',
      'files',
      'bytes',
      'cachedFiles',
      'cachedBytes',
      'albums',
      'complete',
      'lastSync',
      'sources',
    ]) {
      expect(after).toHaveProperty(key);
    }
    expect(readFileSync(join(place.cache, 'albums/Rome/IMG_1.jpg'))).toEqual(photo(1, 3001));
    expect((await place.run('prefetch')).stdout).toContain('Complete: 9 files');
  });

  it('end with 3 and list the rest when an archive is gone', async () => {
    const parts = await addAndSync();
    unlinkSync(parts[1] ?? '');
    const ended = await place.run('prefetch');
    expect(ended.code).toBe(3);
    expect(ended.stdout).toContain('Not complete');
    expect(ended.stderr).toContain(parts[1]);
    const { files, cachedFiles } = (await status()) as { files: number; cachedFiles: number };
    expect(cachedFiles).toBeGreaterThan(0);
    expect(cachedFiles).toBeLessThan(files);
    expect(ended.stderr.match(/years\/20\d\d\/IMG_\d\.jpg/g)).toHaveLength(files - cachedFiles);
  });

  it('end with 130 when interrupted, and go on from there', async () => {
    const many = await buildTakeout(join(place.folder, 'many'), {
      entries: Array.from({ length: 1500 }, (_, at) => ({
        folder: 'Photos from 2021',
        name: `IMG_${at}.jpg`,
        bytes: photo(at, 2000),
        sidecar: false,
      })),
    });
    await place.run('add', 'takeout', ...many);
    expect((await place.run('sync')).code).toBe(0);
    const running = place.start('prefetch', '--json');
    await until(() => running.stderr().includes('"progress"'));
    running.child.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain('"kind":"interrupted"');
    const { cachedFiles } = (await status()) as { cachedFiles: number };
    expect(cachedFiles).toBeGreaterThan(0);
    expect(cachedFiles).toBeLessThan(1500);
    const again = await place.run('prefetch', '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ complete: true, fetchedFiles: 1500 - cachedFiles });
  });

  it('end with 6 when the disk is full', async () => {
    await addAndSync();
    const full = join(place.folder, 'full');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]);
    try {
      const big = await buildTakeout(join(place.folder, 'big'), {
        entries: [{ folder: 'Photos from 2022', name: 'big.jpg', bytes: photo('big', 200_000) }],
        exportTime: '20260301T120000Z',
      });
      await place.run('add', 'takeout', ...big);
      // The cache is bound to the index by the first sync, so this one starts afresh.
      rmSync(join(place.home, 'index.db'));
      rmSync(place.cache, { recursive: true });
      expect((await place.run('sync', '--cache', full)).code).toBe(0);
      const ended = await place.run('prefetch', '--cache', full, '--json');
      expect(ended.code).toBe(6);
      expect(ended.stderr).toContain('"kind":"no-space"');
    } finally {
      execFileSync('umount', [full]);
    }
  });

  it('refuse what is not there, and a library that was never synced', async () => {
    const empty = await place.run('prefetch');
    expect(empty.code).toBe(2);
    expect(empty.stderr).toContain('gphotosfs sync');
    await addAndSync();
    const unknown = await place.run('prefetch', '--album', 'Paris');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('"Paris"');
  });
});

describe('remove', () => {
  it('forgets the source, keeps what is cached, and counts what is lost to it', async () => {
    await addAndSync();
    await place.run('prefetch', '--year', '2019');
    const removed = await place.run('remove', 'takeout');
    expect(removed.code).toBe(0);
    expect(removed.stdout).toContain('6 files');
    expect(await status()).toMatchObject({ files: 9, cachedFiles: 3, unavailable: 6, complete: false });
    expect((await place.run('sources', '--json')).stdout).toBe('');
    expect((await place.run('remove', 'takeout')).code).toBe(2);
  });
});

describe('everything', () => {
  it('goes to stdout, or nowhere, without harm', () => {
    // `head` closes the pipe at once; a program that minds would print a stack or end by a signal.
    const script = 'set -o pipefail; "$0" "$1" --help | head -n 1';
    const program = new URL('../../dist/bin.cjs', import.meta.url).pathname;
    const said = execFileSync('bash', ['-c', script, process.execPath, program], { encoding: 'utf8' });
    expect(said).toBe('Usage: gphotosfs [options] [command]\n');
  });

  it('reports errors as JSON to who wants JSON, with the same exit code', async () => {
    const ended = await place.run('--json', 'mount');
    expect(ended.code).toBe(2);
    expect(ended.stdout).toBe('');
    expect(JSON.parse(ended.stderr)).toMatchObject({ error: { kind: 'usage' } });
  });

  it('refuses a misspelt key of the configuration', async () => {
    mkdirSync(place.home);
    writeFileSync(join(place.home, 'config.json'), '{ "chache": "/x" }');
    const ended = await place.run('status');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('Did you mean "cache"?');
  });

  it('works in the XDG folders where no home is named', async () => {
    const xdg = createPlace({ GPHOTOSFS_HOME: '' });
    try {
      const parts = await buildTakeout(join(xdg.folder, 'takeout'), spec);
      expect((await xdg.run('add', 'takeout', ...parts)).code).toBe(0);
      expect((await xdg.run('sync')).code).toBe(0);
      expect(existsSync(join(xdg.folder, '.config/gphotosfs/config.json'))).toBe(true);
      expect(statSync(join(xdg.folder, '.local/share/gphotosfs/index.db')).mode & 0o777).toBe(0o600);
    } finally {
      await xdg.clean();
    }
  });
});

describe('config', () => {
  it('tells every option with its origin', async () => {
    mkdirSync(place.home, { mode: 0o700 });
    writeFileSync(
      join(place.home, 'config.json'),
      JSON.stringify({ jobs: 2, umask: '027', prefetchSkip: ['kind:video', 'year:1999'] }),
    );
    const { code, stdout } = await place.run('--log-level', 'debug', 'config');
    expect(code).toBe(0);
    const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    const of = (name: string) => lines.find(([first]) => first === name)?.slice(1);
    const file = join(place.home, 'config.json');
    expect(of('logLevel')).toEqual(['debug', '--log-level']);
    expect(of('home')).toEqual([place.home, 'GPHOTOSFS_HOME']);
    expect(of('jobs')).toEqual(['2', file]);
    expect(of('umask')).toEqual(['027', file]);
    expect(of('prefetchSkip')).toEqual(['kind:video, year:1999', file]);
    expect(of('cache')).toEqual([place.cache, 'default']);
    const records = (await place.run('--json', 'config')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string });
    expect(records.map(({ name }) => name)).toEqual(
      optionNames.map((name) => ('key' in options[name] ? options[name].key : name)),
    );
    expect(records.find(({ name }) => name === 'jobs')).toEqual({
      type: 'option',
      name: 'jobs',
      value: 2,
      origin: 'config',
      from: file,
    });
  });
});

describe('several homes', () => {
  it('live side by side, each with its own account, names and cache', async () => {
    const family = ['anna', 'ben'].map((name) => ({ name, home: join(place.folder, name) }));
    await Promise.all(
      family.map(async ({ name, home }, at) => {
        const parts = await buildTakeout(join(place.folder, `takeout-${name}`), {
          ...spec,
          entries: entries.slice(0, 5 + at),
        });
        const run = (...args: string[]) => place.run('--home', home, ...args);
        expect((await run('add', 'takeout', '--account', name, ...parts)).code).toBe(0);
        expect((await run('sync')).code).toBe(0);
        expect((await run('prefetch')).code).toBe(0);
      }),
    );
    for (const [at, { name, home }] of family.entries()) {
      const { stdout } = await place.run('--home', home, '--json', 'status');
      expect(JSON.parse(stdout)).toMatchObject({
        items: 5 + at,
        complete: true,
        cache: join(home, 'cache'),
        sources: [{ id: 'takeout', account: name }],
      });
      expect((await place.run('--home', home, 'sources')).stdout).toContain(`account "${name}"`);
    }
    // What is one's is not the other's.
    const [anna, ben] = family;
    const mixed = await place.run(
      '--home',
      anna?.home ?? '',
      '--cache',
      join(ben?.home ?? '', 'cache'),
      'prefetch',
    );
    expect(mixed.code).toBe(1);
    expect(mixed.stderr).toContain('is the cache of another index');
  });
});
