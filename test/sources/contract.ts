/**
 * The contract of `src/sources/source.ts` as tests. Every source passes them: its own test file hands over a way to
 * make one, with what it must give.
 */
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toGphotosfsError } from '../../src/model/errors.ts';
import type { Location } from '../../src/model/words.ts';
import type { OpenRequest, Source } from '../../src/sources/source.ts';
import { collect, failureOf } from '../helpers/archive-reading.ts';
import { type Found, filesByName, type ListedPage, type Memory, scanPages } from '../helpers/scanning.ts';

export interface ContractSubject {
  readonly source: Source;
  /** Every listed file by its name (each name once), with its bytes. At least two, one of them 100 kB or more. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Names of trashed files, listed as such or not at all. */
  readonly trashed?: readonly string[];
  /** Albums: names of their members by folder. */
  readonly albums?: ReadonlyMap<string, readonly string[]>;
  /** Takes the archives away. */
  readonly vanish?: () => Promise<void> | void;
  /** Changes the archives, so that what was scanned holds no more. */
  readonly change?: () => Promise<void> | void;
  /** The location as it was in another state of its archive; default with another fingerprint. */
  readonly outdated?: (location: Location) => Location;
  /** Streams or descriptors that are open now; an archive may stay open between reads. */
  readonly openNow?: () => number;
  readonly dispose?: () => Promise<void> | void;
}

export function describeSource(name: string, make: () => Promise<ContractSubject> | ContractSubject): void {
  describe(`${name} keeps the contract of a source`, () => {
    let subject: ContractSubject;
    let source: Source;

    beforeEach(async () => {
      subject = await make();
      source = subject.source;
    });
    afterEach(async () => {
      await source.close();
      await subject.dispose?.();
    });

    const scanned = async () => filesByName(source, withoutTrash(await scanPages(source)));
    const largest = async () => {
      const all = [...(await scanned()).values()].sort((a, b) => b.file.content.size - a.file.content.size);
      const [first] = all;
      if (first === undefined) throw new Error('nothing was listed');
      return first;
    };
    const bytesOf = (found: Found) => subject.files.get(found.file.name) ?? Buffer.alloc(0);
    const read = (location: Location, request?: OpenRequest) => collect(source.open(location, request));

    describe('scan', () => {
      it('lists every file once, with its exact size and CRC-32', async () => {
        const found = await scanned();
        expect([...found.keys()].sort()).toEqual([...subject.files.keys()].sort());
        for (const [file, { content }] of [...found].map(([key, value]) => [key, value.file] as const)) {
          const bytes = subject.files.get(file) ?? Buffer.alloc(0);
          expect([file, content.size]).toEqual([file, bytes.length]);
          if (content.crc32 !== undefined) expect([file, content.crc32]).toEqual([file, crc32(bytes)]);
        }
      });

      it('names the archives of an export before its items, and no place twice', async () => {
        const archives = new Map<string, string>();
        const places = new Map<string, string>();
        const begun = new Set<string>();
        for (const page of await scanPages(source)) {
          for (const archive of page.archives) {
            // What an export has in an archive not yet named would look like an item that was moved.
            expect(begun.has(archive.exportId) && !archives.has(archive.name)).toBe(false);
            archives.set(archive.name, archive.exportId);
          }
          for (const item of page.items) {
            begun.add(item.exportId);
            expect(item.files.length).toBeGreaterThan(0);
            for (const file of item.files) {
              expect(file.locations.length).toBeGreaterThan(0);
              for (const { archive, offset } of file.locations) {
                expect(archives.get(archive)).toBe(item.exportId);
                // What is listed early comes again, with its sidecars.
                if (page.early) continue;
                expect(places.get(`${archive} ${offset}`)).toBeUndefined();
                places.set(`${archive} ${offset}`, file.name);
              }
            }
          }
          for (const { archive } of page.albums.flatMap((album) => album.members))
            expect(archives.has(archive)).toBe(true);
        }
      });

      it('lists albums whose members are files it has listed', async () => {
        const pages = withoutTrash(await scanPages(source));
        const names = placeNames(pages);
        const albums = pages
          .flatMap((page) => page.albums)
          .map(({ folder, members }) => {
            const known = members.flatMap(({ archive, offset }) => names.get(`${archive} ${offset}`) ?? []);
            return [folder, known.sort()] as const;
          });
        const expected = [...(subject.albums ?? [])].map(([folder, members]) => [
          folder,
          [...members].sort(),
        ]);
        expect(albums.sort()).toEqual(expected.sort());
      });

      it('marks or leaves out what is in the trash', async () => {
        const items = (await scanPages(source)).flatMap((page) => page.items);
        const unmarked = items.filter((item) => !item.trashed).flatMap((item) => item.files);
        for (const file of subject.trashed ?? [])
          expect(unmarked.map(({ name }) => name)).not.toContain(file);
      });

      it('gives the same again when it is asked to read everything again', async () => {
        const memory: Memory = new Map();
        const first = await scanPages(source, { memory });
        const again = await scanPages(source, { memory, rescan: true });
        expect(placeNames(again)).toEqual(placeNames(first));
        expect(again.flatMap((page) => page.items)).toEqual(first.flatMap((page) => page.items));
      });

      it('says nothing else at a second scan with its memory', async () => {
        const memory: Memory = new Map();
        const first = placeNames(await scanPages(source, { memory }));
        const second = placeNames(await scanPages(source, { memory }));
        for (const [place, file] of second) expect(first.get(place)).toBe(file);
      });

      it('goes on where it was cut off', async () => {
        const memory: Memory = new Map();
        const before = await scanPages(source, { memory, pages: 1 });
        const after = await scanPages(source, { memory });
        const all = new Set([...placeNames(before).values(), ...placeNames(after).values()]);
        for (const file of subject.files.keys()) expect(all).toContain(file);
        // Whatever the scan says after the cut names its archives itself.
        const named = new Set(after.flatMap((page) => page.archives).map((archive) => archive.name));
        for (const place of placeNames(after).keys())
          expect(named).toContain(place.slice(0, place.lastIndexOf(' ')));
      });

      it('lists all again when the page it was cut off at was never applied', async () => {
        for await (const _ of source.scan({
          recall: () => undefined,
          rescan: false,
          signal: new AbortController().signal,
          progress: () => {},
        }))
          break;
        expect([...(await scanned()).keys()].sort()).toEqual([...subject.files.keys()].sort());
      });

      it('stops with "interrupted" when it is told to', async () => {
        const controller = new AbortController();
        controller.abort();
        const failed = await failureOf(scanPages(source, { signal: controller.signal }));
        expect(failed.kind).toBe('interrupted');
      });
    });

    describe('open', () => {
      it('gives every file byte for byte', async () => {
        for (const found of (await scanned()).values()) {
          expect((await read(found.location)).equals(bytesOf(found))).toBe(true);
        }
      });

      it('gives what is asked for, and never more', async () => {
        for (const found of (await scanned()).values()) {
          const bytes = bytesOf(found);
          const { length } = bytes;
          const middle = length >> 1;
          const ranges = [
            { start: 0, end: 0 },
            { start: 0, end: 1 },
            { start: 1 },
            { end: middle },
            { start: middle, end: middle + 1 },
            { start: Math.max(0, length - 1), end: length },
            { start: 0, end: length },
            { start: 0, end: length + 1000 },
            { start: length },
            { start: length + 10, end: length + 20 },
          ];
          for (const range of ranges) {
            const got = await read(found.location, range);
            const wanted = bytes.subarray(range.start ?? 0, range.end ?? length);
            expect([found.file.name, range, got.equals(wanted)]).toEqual([found.file.name, range, true]);
          }
        }
      });

      it('serves several readers at a time', async () => {
        const all = [...(await scanned()).values()];
        const readers = [...all, ...all, ...all];
        const got = await Promise.all(readers.map(({ location }) => read(location)));
        readers.forEach((found, at) => {
          expect(got[at]?.equals(bytesOf(found))).toBe(true);
        });
      });

      it('stops with "interrupted" when the reader gives up', async () => {
        const { location } = await largest();
        const before = new AbortController();
        before.abort();
        expect((await failureOf(read(location, { signal: before.signal }))).kind).toBe('interrupted');

        const during = new AbortController();
        const stream = source.open(location, { signal: during.signal });
        const stopped = async () => {
          for await (const _ of stream) during.abort();
        };
        // A file that came in one chunk was given whole before anybody gave up.
        const outcome = await stopped().catch((error: unknown) => error);
        if (outcome !== undefined) expect(outcome).toMatchObject({ kind: 'interrupted' });
        expect((await read(location)).length).toBe(location.size);
      });

      it('leaves nothing open behind a reader that leaves early', async () => {
        const { location } = await largest();
        const leave = async () => {
          for await (const _ of source.open(location)) break;
        };
        await leave();
        const before = subject.openNow?.();
        for (let at = 0; at < 5; at++) await leave();
        expect(subject.openNow?.()).toBe(before);
        expect((await read(location)).length).toBe(location.size);
      });

      it('gives chunks that are the reader’s to keep', async () => {
        const found = await largest();
        const chunks: Buffer[] = [];
        for await (const chunk of source.open(found.location)) chunks.push(chunk);
        expect(Buffer.concat(chunks).equals(bytesOf(found))).toBe(true);
        for (const chunk of chunks) chunk.fill(0);
        expect((await read(found.location)).equals(bytesOf(found))).toBe(true);
      });

      it('refuses a place of another state of the archive', async () => {
        const { location } = await largest();
        const outdated = subject.outdated?.(location) ?? {
          ...location,
          fingerprint: `${location.fingerprint}0`,
        };
        const failed = await failureOf(read(outdated));
        expect(failed.kind).toBe('source-changed');
        expect(failed.message).toContain(location.archive);
      });

      it('does not pass off a file that is shorter than its location says', async () => {
        const { location } = await largest();
        const outcome = await read({ ...location, size: location.size + 1 }).catch((error: unknown) => error);
        // What stands behind a stored file may fill the gap: then the CRC-32 tells.
        if (Buffer.isBuffer(outcome)) expect(crc32(outcome)).not.toBe(location.crc32 ?? crc32(outcome));
        else
          expect(['bad-content', 'bad-source', 'source-changed']).toContain(toGphotosfsError(outcome).kind);
      });

      it('gives no more bytes than the location says', async () => {
        const { location } = await largest();
        let got = 0;
        const reading = async () => {
          for await (const chunk of source.open({ ...location, size: location.size - 1 }))
            got += chunk.length;
        };
        const error = await reading().catch((error: unknown) => error);
        if (error !== undefined) expect(error).toMatchObject({ kind: 'bad-content' });
        expect(got).toBeLessThan(location.size);
      });

      it('says "source-gone" for an archive it does not have', async () => {
        const { location } = await largest();
        const failed = await failureOf(read({ ...location, archive: `${location.archive}.gone` }));
        expect(failed.kind).toBe('source-gone');
      });

      it('says "source-gone" when the archive has vanished', async ({ skip }) => {
        if (subject.vanish === undefined) return skip();
        const { location } = await largest();
        await subject.vanish();
        const failed = await failureOf(read(location));
        expect(failed.kind).toBe('source-gone');
        expect(failed.message).toContain(location.archive);
      });

      it('says "source-changed" when the archive is another', async ({ skip }) => {
        if (subject.change === undefined) return skip();
        const { location } = await largest();
        await subject.change();
        const failed = await failureOf(read(location));
        expect(failed.kind).toBe('source-changed');
      });
    });

    describe('openMany', () => {
      it('gives the files of a sequential archive in one pass, ascending', async ({ skip }) => {
        const all = [...(await scanned()).values()].filter(({ sequential }) => sequential);
        if (source.openMany === undefined || all.length === 0) return skip();
        const archive = all[0]?.location.archive;
        const wanted = all.filter(({ location }) => location.archive === archive);
        const names = new Map(wanted.map((found) => [found.location.offset, found]));
        const { signal } = new AbortController();
        const got: number[] = [];
        const locations = wanted.map(({ location }) => location).reverse();
        for await (const { location, bytes } of source.openMany(locations, signal)) {
          got.push(location.offset);
          const found = names.get(location.offset);
          const content = await collect(bytes);
          expect(found !== undefined && content.equals(bytesOf(found))).toBe(true);
        }
        expect(got).toEqual([...names.keys()].sort((a, b) => a - b));
      });

      it('goes on behind a file that its reader left', async ({ skip }) => {
        const all = [...(await scanned()).values()].filter(({ sequential }) => sequential);
        if (source.openMany === undefined || all.length < 2) return skip();
        const archive = all[0]?.location.archive;
        const locations = all.map(({ location }) => location).filter((one) => one.archive === archive);
        let last: Buffer = Buffer.alloc(0);
        let lastName = '';
        const { signal } = new AbortController();
        for await (const { location, bytes } of source.openMany(locations, signal)) {
          if (location.offset === Math.max(...locations.map(({ offset }) => offset))) {
            last = await collect(bytes);
            lastName = all.find((found) => found.location.offset === location.offset)?.file.name ?? '';
          } else for await (const _ of bytes) break;
        }
        expect(last.equals(subject.files.get(lastName) ?? Buffer.alloc(0))).toBe(true);
      });
    });

    it('closes more than once', async () => {
      await scanPages(source);
      await source.close();
      await source.close();
    });
  });
}

/** Names by place, `archive offset`. */
function placeNames(pages: readonly ListedPage[]): Map<string, string> {
  const files = pages.flatMap((page) => page.items).flatMap((item) => item.files);
  return new Map(
    files.flatMap((file) =>
      file.locations.map(({ archive, offset }) => [`${archive} ${offset}`, file.name] as const),
    ),
  );
}

function withoutTrash(pages: readonly ListedPage[]): ListedPage[] {
  return pages.map((page) => ({ ...page, items: page.items.filter((item) => !item.trashed) }));
}
