import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bigMarks, bigSize } from './library.ts';
import { hashesOf, type Subject } from './subject.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Hexadecimal bytes at offsets, by pread. */
const pread = `
import json, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
print(json.dumps([os.pread(fd, int(length), int(offset)).hex()
    for offset, length in (piece.split('+') for piece in sys.argv[2:])]))
`;

/** The same, through a mapping of the page that each piece begins in. */
const mapped = `
import json, mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(fd).st_size
pieces = []
for offset, length in (map(int, piece.split('+')) for piece in sys.argv[2:]):
    page = offset // mmap.PAGESIZE * mmap.PAGESIZE
    with mmap.mmap(fd, min(size - page, 2 * mmap.PAGESIZE + length), prot=mmap.PROT_READ, offset=page) as memory:
        pieces.append(memory[offset - page:offset - page + length].hex())
print(json.dumps(pieces))
`;

export function readingTests(get: () => Subject): void {
  describe('reading', () => {
    it.each([
      ['by pread', pread, 'first-bytes.mp4'],
      ['through a mapping', mapped, 'big.jpg'],
    ])('gives the right bytes anywhere, uncached and cached, %s', async (_how, code, name) => {
      const { hands, library, server, at } = get();
      const path = `years/2021/${name}`;
      const { bytes = Buffer.alloc(0) } = library.node(path);
      const place = library.placeOf(path);
      expect((await server.state()).opens[place] ?? 0, 'not fetched yet').toBe(0);
      const offsets = [0, 1, 4095, 131_071, 1_048_570, bytes.length - 5000, 700_001];
      const pieces = offsets.map((offset) => `${offset}+5000`);
      const expected = offsets.map((offset) => bytes.subarray(offset, offset + 5000).toString('hex'));
      for (const _round of [1, 2]) expect(await hands.python(code, at(path), ...pieces)).toEqual(expected);
      expect((await server.state()).opens[place]).toBe(1);
    });

    it('gives every photo whole, uncached and again from the cache', async () => {
      const { hands, library, at } = get();
      for (const folder of ['years/2020', 'years/2021', 'years/1960']) {
        const files = library
          .nodes()
          .filter(({ path, kind }) => kind === 'file' && path.startsWith(`${folder}/`));
        const expected = Object.fromEntries(
          files.map(({ name, bytes }) => [name, sha256(bytes ?? Buffer.alloc(0))]),
        );
        expect(files.length).toBeGreaterThan(0);
        for (const _round of [1, 2]) expect(await hands.python(hashesOf, at(folder))).toEqual(expected);
      }
    });

    it('ends at the end', async () => {
      const { hands, at } = get();
      const size = 3_000_001;
      const pieces = [`${size - 1}+100`, `${size}+100`, `${size + 5000}+1`];
      const [last, ...behind] = await hands.python<string[]>(pread, at('years/2021/big.jpg'), ...pieces);
      expect(last?.length).toBe(2);
      expect(behind).toEqual(['', '']);
      expect(await hands.python(pread, at('years/2021/empty.jpg'), '0+10')).toEqual(['']);
    });

    it.each([
      ['pread', pread],
      ['mmap', mapped],
    ])('finds its way beyond 4 GiB by %s', async (_how, code) => {
      const { hands, at } = get();
      const marks = [...bigMarks].map(
        ([at, mark]) => [at, Buffer.from(mark).subarray(0, bigSize - at)] as const,
      );
      const said = await hands.python(
        code,
        at('years/2022/huge.mp4'),
        ...marks.map(([at, { length }]) => `${at}+${length}`),
      );
      expect(said).toEqual(marks.map(([, mark]) => mark.toString('hex')));
      expect(await hands.text('tail', '-c', '10', at('years/2022/huge.mp4'))).toBe('at the end');
    });

    it('far ahead of what has been fetched does not wait for all before it', async () => {
      const { hands, library, server, at } = get();
      const path = 'years/2022/far.mp4';
      await server.hold(library.placeOf(path), 65_536);
      const [bytes] = await hands.python<string[]>(pread, at(path), `${2 ** 32 + 12_345}+100`);
      expect(bytes).toBe('00'.repeat(100));
    });

    it('of a photo that is in no source any more fails at open with EIO', async () => {
      const { hands, at } = get();
      const { status, stderr } = await hands.run('cat', at('years/2018/lost.jpg'));
      expect(status).toBe(1);
      expect(stderr).toContain('Input/output error');
    });
  });
}
