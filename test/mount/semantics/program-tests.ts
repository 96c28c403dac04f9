import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { walked } from './attribute-tests.ts';
import type { Ran } from './hands.ts';
import { hashesOf, type Subject } from './subject.ts';

/** Folders whose photos can all be had. */
const whole = ['years/2019', 'years/2020', 'years/2021', 'years/1960', 'albums'];

/** How backup programs copy folders of a mount; each gives the status of the reading side. */
const copiers: Readonly<Record<string, readonly [script: string]>> = {
  'cp -a': [
    'cd "$1" && shift && to="$1" && shift && for f; do mkdir -p "$to/$(dirname "$f")"; cp -a "$f" "$to/$f" || exit; done',
  ],
  'rsync -a': ['cd "$1" && shift && to="$1" && shift && rsync -aR "$@" "$to"'],
  tar: ['set -o pipefail; cd "$1" && shift && to="$1" && shift && tar -cf - "$@" | tar -xf - -C "$to"'],
  'tar -S': [
    'set -o pipefail; cd "$1" && shift && to="$1" && shift && tar -S -cf - "$@" | tar -xf - -C "$to"',
  ],
};

export function programTests(get: () => Subject): void {
  describe.each(Object.entries(copiers))('%s', (_name, [script]) => {
    let copy = '';
    beforeEach(async () => {
      copy = (await get().hands.text('mktemp', '-d')).trim();
    });
    afterEach(async () => {
      // Copied folders are not writable either.
      await get().hands.text('chmod', '-R', 'u+w', copy);
      await get().hands.text('rm', '-rf', copy);
    });

    const run = ({ hands, at }: Subject, folders: readonly string[]): Promise<Ran> =>
      hands.run('bash', '-c', script, 'bash', at(''), copy, ...folders);

    it('copies every photo, with its time', async () => {
      const subject = get();
      const { hands, library, server } = subject;
      const { status, stderr } = await run(subject, whole);
      // tar wonders about the photo of 1960, and stores its time all the same.
      expect(stderr.replace(/^tar: .*: implausibly old time stamp .*\n/m, '')).toBe('');
      expect(status).toBe(0);
      const files = library
        .nodes()
        .filter(({ path, kind }) => kind === 'file' && whole.some((folder) => path.startsWith(`${folder}/`)));
      const hashes = files.map(({ path, bytes }) => [
        path,
        createHash('sha256')
          .update(bytes ?? '')
          .digest('hex'),
      ]);
      expect(await hands.python(hashesOf, copy)).toEqual(Object.fromEntries(hashes));
      const copies = await hands.python<Record<string, { mtime: number; size: number }>>(walked, copy);
      for (const { path, mtime } of files) {
        const expected = server.features.timesBefore1970 ? mtime : Math.max(0, mtime);
        expect(copies[path]?.mtime, path).toBe(expected);
      }
    });

    it('fails where a photo has other bytes than promised, and leaves no whole copy of it', async () => {
      const subject = get();
      const { hands, library } = subject;
      const { status, stderr } = await run(subject, ['years/2017']);
      expect(status, stderr).not.toBe(0);
      // Where the pages before the last block were there, the kernel gives those of a read that reaches into it, and the
      // error to the next one. GNU tar takes a short read for the end (strace), complains, and never asks for the rest.
      expect(stderr).toMatch(/Input\/output error|File shrank by \d+ bytes?; padding with zeros/);
      const { size, path } = library.node('years/2017/bad-crc.jpg');
      const script =
        'import json,os,sys; p=sys.argv[1]; print(json.dumps(open(p,"rb").read().hex() if os.path.exists(p) else None))';
      const bytes = await hands.python<string | null>(script, `${copy}/${path}`);
      // tar fills up with zeros what it couldn't read, and says so; the others leave a short file, or none.
      if (bytes !== null) expect(trimmedEnd(bytes) / 2).toBeLessThan(size);
    });
  });
}

/** Where the last digit that isn't 0 stands. */
function trimmedEnd(hex: string): number {
  return hex.replace(/0+$/, '').length;
}
