import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Environment, resolvePaths } from '../../src/cli/paths.ts';
import { type Flags, resolveHome, resolveSettings } from '../../src/cli/settings.ts';
import type { OptionName } from '../../src/model/options.ts';

type Texts = readonly (readonly [OptionName, readonly string[]])[];

function settingsOf(flags: Texts, env: Environment, values: Texts) {
  return resolveSettings({
    flags: new Map(flags),
    env,
    config: { values: new Map(values), sources: [] },
    configPath: '/conf/config.json',
  });
}

describe('settings', () => {
  it('have defaults', () => {
    const { settings, origins } = settingsOf([], {}, []);
    expect(settings).toMatchObject({
      json: false,
      logLevel: 'info',
      jobs: 4,
      umask: 0o022,
      year: [],
    });
    expect(settings.cache).toBeUndefined();
    expect(settings.syncEvery).toBeUndefined();
    expect(new Set(Object.values(origins))).toEqual(new Set(['default']));
  });

  it('come from a flag before the environment, from that before the file', () => {
    const file: Texts = [['jobs', ['2']]];
    expect(settingsOf([], {}, file).settings.jobs).toBe(2);
    expect(settingsOf([], { GPHOTOSFS_JOBS: '3' }, file).settings.jobs).toBe(3);
    const { settings, origins } = settingsOf([['jobs', ['5', '6']]], { GPHOTOSFS_JOBS: '3' }, file);
    expect(settings.jobs).toBe(6);
    expect(origins.jobs).toBe('flag');
  });

  it('can be switched off again by a flag', () => {
    expect(settingsOf([], {}, [['allowOther', ['true']]]).settings.allowOther).toBe(true);
    expect(settingsOf([['allowOther', ['false']]], {}, [['allowOther', ['true']]]).settings.allowOther).toBe(
      false,
    );
  });

  it('take an empty variable for none', () => {
    const { settings, origins } = settingsOf([], { GPHOTOSFS_JOBS: '', GPHOTOSFS_JSON: '' }, []);
    expect(settings.jobs).toBe(4);
    expect(origins.json).toBe('default');
  });

  it('take lists from lines, since titles have commas', () => {
    const { settings } = settingsOf([], { GPHOTOSFS_PREFETCH_ALBUMS: 'Rome, 2021\nParis\n' }, []);
    expect(settings.album).toEqual(['Rome, 2021', 'Paris']);
  });

  it('have absolute paths, from where they were said', () => {
    expect(settingsOf([['cache', ['c']]], {}, []).settings.cache).toBe(resolve('c'));
    expect(settingsOf([], {}, [['cache', ['c']]]).settings.cache).toBe('/conf/c');
    expect(settingsOf([], {}, [['cache', ['~/c']]]).settings.cache).toBe(join(homedir(), 'c'));
    expect(settingsOf([], { GPHOTOSFS_CACHE: '/c/' }, []).settings.cache).toBe('/c');
  });

  it('complain with the name of what was wrong', () => {
    expect(() => settingsOf([['jobs', ['x']]], {}, [])).toThrow(/^--jobs: "x"/);
    expect(() => settingsOf([], { GPHOTOSFS_UMASK: '999' }, [])).toThrow(/^GPHOTOSFS_UMASK: "999"/);
    expect(() => settingsOf([], {}, [['syncEvery', ['6']]])).toThrow('/conf/config.json: "syncEvery": "6"');
  });
});

describe('the home', () => {
  const flags: Flags = new Map();

  it('is the flag, or the variable, or nothing', () => {
    expect(resolveHome(new Map([['home', ['h']]] as const), { GPHOTOSFS_HOME: '/x' })).toBe(resolve('h'));
    expect(resolveHome(flags, { GPHOTOSFS_HOME: '/x' })).toBe('/x');
    expect(resolveHome(flags, {})).toBeUndefined();
  });

  it('keeps everything in one folder', () => {
    const paths = resolvePaths('/h', { XDG_CONFIG_HOME: '/c' });
    expect(paths).toMatchObject({ config: '/h/config.json', index: '/h/index.db', defaultCache: '/h/cache' });
  });

  it('is the XDG folders otherwise, of which relative ones are ignored', () => {
    const paths = resolvePaths(undefined, { XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: 'relative' });
    expect(paths.config).toBe('/c/gphotosfs/config.json');
    expect(paths.index).toBe(join(homedir(), '.local/share/gphotosfs/index.db'));
    expect(resolvePaths(undefined, {}).config).toBe(join(homedir(), '.config/gphotosfs/config.json'));
  });
});
