import { describe, expect, it } from 'vitest';
import { awkwardNames } from './library.ts';
import type { Subject } from './subject.ts';

/** Every name below a folder, as hexadecimal bytes. */
const listed = `
import json, os, sys
root = os.fsencode(sys.argv[1])
print(json.dumps(sorted(
    os.path.relpath(os.path.join(above, name), root).hex()
    for above, directories, files in os.walk(root) for name in directories + files)))
`;

/** What stat says of paths that are given as hexadecimal bytes. */
const statted = `
import errno, json, os, sys
said = []
for path in sys.argv[1:]:
    try:
        said.append(os.lstat(bytes.fromhex(path)).st_ino)
    except OSError as e:
        said.append(errno.errorcode[e.errno])
print(json.dumps(said))
`;

export function nameTests(get: () => Subject): void {
  describe('names', () => {
    it('are listed byte for byte, and all of them', async () => {
      const { hands, library, at } = get();
      const names = library.nodes().map(({ path }) => Buffer.from(path).toString('hex'));
      expect(names.length).toBeGreaterThan(60);
      expect(await hands.python(listed, at(''))).toEqual(names.sort());
      const in2020 = library.nodes().filter(({ path }) => path.startsWith('years/2020/'));
      expect(in2020.map(({ name }) => name).sort()).toEqual([...awkwardNames].sort());
    });

    it('are found by their bytes and by no others', async () => {
      const { hands, library, at } = get();
      const stat = (...paths: (string | Buffer)[]) =>
        hands.python<(number | string)[]>(
          statted,
          ...paths.map((path) =>
            Buffer.concat([Buffer.from(`${at('years/2020')}/`), Buffer.from(path)]).toString('hex'),
          ),
        );
      const [composed = ''] = awkwardNames;
      const inos = awkwardNames.map((name) => library.node(`years/2020/${name}`).ino);
      expect(await stat(...awkwardNames)).toEqual(inos);
      expect(composed.normalize('NFD')).not.toBe(composed);
      const others = [composed.normalize('NFD'), composed.toUpperCase(), 'none', Buffer.from([0xff, 0x2e])];
      expect(await stat(...others)).toEqual(others.map(() => 'ENOENT'));
      expect(await stat('x'.repeat(255), 'x'.repeat(256))).toEqual(['ENOENT', 'ENAMETOOLONG']);
      expect(await stat('../../.gphotosfs', '../2020/../2020')).toEqual([
        'ENOENT',
        library.node('years/2020').ino,
      ]);
    });

    it('of symlinks lead to their photos', async () => {
      const { hands, library, at } = get();
      const links = library.nodes().filter(({ kind }) => kind === 'symlink');
      expect(links.length).toBe(library.layout.albums === 'symlink' ? 3 : 0);
      for (const { path, target = '' } of links) {
        expect(await hands.text('readlink', '-n', at(path))).toBe(target);
        await hands.text('test', '-f', at(path));
      }
    });
  });
}
