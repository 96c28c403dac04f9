import { describe, expect, it } from 'vitest';
import { loadError } from '../../../src/mount/fuse-native/library.ts';

const linux = { platform: 'linux', arch: 'x64' };
const missing = Object.assign(new Error("Cannot find module 'fuse-native'\nRequire stack:"), {
  code: 'MODULE_NOT_FOUND',
});
const libraryMissing = Object.assign(
  new Error('libfuse.so.2: cannot open shared object file: No such file or directory'),
  { code: 'ERR_DLOPEN_FAILED' },
);

describe('loadError says what to install', () => {
  it.each([
    ['the package', missing, linux, /not installed/, /npm install fuse-native.*--driver kernel/],
    ['libfuse 2', libraryMissing, linux, /libfuse\.so\.2/, /apt install libfuse2.*--driver kernel/],
    [
      'macFUSE',
      new Error('dlopen: Library not loaded: libosxfuse.2.dylib'),
      { platform: 'darwin', arch: 'x64' },
      /macFUSE/,
      /macfuse\.github\.io\.$/,
    ],
    [
      'nothing, where no build exists',
      new Error('No native build was found'),
      { platform: 'linux', arch: 'arm64' },
      /no build for linux on arm64/,
      /--driver kernel/,
    ],
    [
      'it anew, where it is broken',
      Object.assign(new Error("Cannot find module 'napi-macros'"), { code: 'MODULE_NOT_FOUND' }),
      linux,
      /cannot be loaded: Cannot find module 'napi-macros'/,
      /npm install fuse-native/,
    ],
  ])('%s', (_what, error, machine, message, hint) => {
    const said = loadError(error, machine);
    expect(said).toMatchObject({ kind: 'mount', cause: error });
    expect(said.message).toMatch(message);
    expect(said.hint).toMatch(hint);
  });
});
