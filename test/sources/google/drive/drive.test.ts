/** Archives in Drive: how many requests and bytes they cost, and what goes wrong there. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Location } from '../../../../src/model/words.ts';
import { limitRate } from '../../../../src/sources/google/limit-rate.ts';
import type { Page, Source } from '../../../../src/sources/source.ts';
import { collect, failureOf, never } from '../../../helpers/archive-reading.ts';
import { type DriveHome, openDriveHome } from '../../../helpers/google/drive-home.ts';
import { filesByName, type ListedPage, type Memory, scanPages } from '../../../helpers/scanning.ts';
import { buildTakeout, photo } from '../../../helpers/takeout-builder.ts';
import { openZip } from '../../../helpers/zip-builder.ts';

let home: DriveHome;
let source: Source;

beforeEach(async () => {
  home = await openDriveHome();
  source = home.source();
});
afterEach(async () => {
  await source.close();
  await home.close();
});

const entry = (name: string, bytes = photo(name), more: object = {}) => ({
  folder: 'Photos from 2021',
  name,
  bytes,
  ...more,
});
const names = (pages: readonly ListedPage[]) =>
  [
    ...new Set(pages.flatMap(({ items }) => items).flatMap(({ files }) => files.map(({ name }) => name))),
  ].sort();
const problems = (pages: readonly Page[]) =>
  pages.flatMap((page) => page.problems).map(({ where, what }) => `${where}: ${what}`);
async function locate(name: string): Promise<Location> {
  const found = filesByName(source, await scanPages(source)).get(name);
  if (found === undefined) throw new Error(`${name} is not listed`);
  return found.location;
}
const bytesRequests = (): number => home.drive.bytesRequests();
/** Requests since the last call of it. */
function counter(): () => number {
  let before = home.fake.requests.length;
  return () => {
    const since = home.fake.requests.length - before;
    before = home.fake.requests.length;
    return since;
  };
}

describe('requests', () => {
  it('are at most three an archive until all of it is listed, and none for what has not changed', async () => {
    const entries = Array.from({ length: 40 }, (_, at) => entry(`p${at}.jpg`));
    await home.upload({ parts: 40, entries });
    const requests = counter();
    const memory: Memory = new Map();
    const pages: ListedPage[] = [];
    let untilListed = 0;
    const scan = source.scan({
      recall: (key) => memory.get(key),
      rescan: false,
      signal: never,
      progress: () => {},
    });
    for await (const page of scan) {
      pages.push({ ...page, items: [...page.items] });
      for (const { key, value } of page.memos) if (value !== undefined) memory.set(key, value);
      if (page.early) untilListed = home.fake.requests.length;
    }
    expect(names(pages.filter((page) => page.early)).length).toBe(40);
    const listing = home.drive.listRequests();
    expect(listing).toBeLessThanOrEqual(2);
    expect(untilListed - listing).toBeLessThanOrEqual(40 * 3);
    expect(names(pages).length).toBe(40);

    requests();
    expect(names(await scanPages(source, { memory }))).toEqual([]);
    expect(requests()).toBe(home.drive.listRequests() - listing);
    expect(bytesRequests()).toBeGreaterThan(0);
  });

  it('are at most three for the directory of 100,000 entries, with zip64', async () => {
    const path = join(home.folder, 'takeout-20260101T120000Z-3-001.zip');
    const zip = openZip(path);
    for (let at = 0; at < 100_000; at++)
      zip.add({ name: `Takeout/Google Photos/Photos from 2021/IMG_${at}.jpg`, bytes: `${at}` });
    zip.finish();
    home.drive.add(path);
    let listed = 0;
    for await (const page of source.scan({
      recall: () => undefined,
      rescan: false,
      signal: never,
      progress: () => {},
    })) {
      listed += page.early ? [...page.items].length : 0;
      if (listed === 100_000) break;
    }
    expect(listed).toBe(100_000);
    expect(bytesRequests() + home.drive.metadataRequests()).toBeLessThanOrEqual(3);
  }, 120_000);

  it('for sidecars are coalesced where they lie close, sixteen at a time and more where they do not', async () => {
    await home.upload({
      entries: Array.from({ length: 200 }, (_, at) => entry(`p${at}.jpg`, photo(at, 3000))),
    });
    await scanPages(source);
    // 200 photos of 3 kB with their sidecars are one piece of 900 kB.
    expect(bytesRequests()).toBeLessThanOrEqual(4);

    const apart = Array.from({ length: 64 }, (_, at) => entry(`q${at}.jpg`, photo(at, 300_000)));
    await home.upload({ exportTime: '20260201T120000Z', entries: apart });
    // So long that all of a round are under way before the first is answered, on a busy machine, too.
    home.fake.conditions.latencyMs = 200;
    let open = 0;
    let most = 0;
    home.drive.onBytes = () => {
      const media = home.fake.requests.filter(({ query }) => query.get('alt') === 'media');
      open = media.filter(({ endedAt }) => endedAt === undefined).length;
      most = Math.max(most, open);
    };
    expect(names(await scanPages(source)).length).toBe(264);
    expect(most).toBeGreaterThanOrEqual(16);
    expect(most).toBeLessThanOrEqual(24);
  });

  it('before the first byte of a photo are two at most, whatever its compression', async () => {
    for (const compress of [false, true]) {
      const name = `photo-${compress}.jpg`;
      const bytes = photo(name, 3_000_000);
      await home.upload({
        compress,
        exportTime: `2026020${compress ? 1 : 2}T120000Z`,
        entries: [entry(name, bytes)],
      });
      const location = await locate(name);
      const requests = counter();
      const fresh = home.source();
      const stream = fresh.open(location)[Symbol.asyncIterator]();
      await stream.next();
      // How the file is now, and its bytes.
      expect(requests()).toBeLessThanOrEqual(2);
      await stream.return?.();
      expect((await collect(fresh.open(location))).equals(bytes)).toBe(true);
    }
  });

  it('for the end of a stored video do not transfer its beginning', async () => {
    const bytes = photo('video', 30 << 20);
    await home.upload({ entries: [entry('clip.mp4', bytes)] });
    const location = await locate('clip.mp4');
    const before = home.drive.bytesSent();
    const requests = counter();
    const start = bytes.length - (64 << 10);
    const got = await collect(source.open(location, { start, end: bytes.length }));
    expect(got.equals(bytes.subarray(start))).toBe(true);
    expect(home.drive.bytesSent() - before).toBeLessThan(200_000);
    // Header, bytes, and whether they are of the version that was scanned.
    expect(requests()).toBeLessThanOrEqual(4);
  });
});

describe('a pass over many photos', () => {
  const sizes = Array.from({ length: 120 }, (_, at) => 20_000 + at * 500);
  const photos = sizes.map((size, at) => entry(`p${String(at).padStart(3, '0')}.jpg`, photo(at, size)));

  async function locations(memory: Memory): Promise<Location[]> {
    const found = filesByName(source, await scanPages(source, { memory }));
    return photos.map(({ name }) => found.get(name)?.location).filter((one) => one !== undefined);
  }
  async function sweep(
    wanted: readonly Location[],
    from: Source,
    memory?: Memory,
  ): Promise<Map<number, Buffer>> {
    const got = new Map<number, Buffer>();
    const notes =
      memory === undefined
        ? undefined
        : {
            recall: (key: string) => memory.get(key),
            keep: ({ key, value }: { key: string; value: Buffer | undefined }) =>
              void (value !== undefined && memory.set(key, value)),
          };
    for await (const { location, bytes } of from.openMany?.(wanted, never, notes) ?? [])
      got.set(location.offset, await collect(bytes));
    return got;
  }
  const expectAll = (wanted: readonly Location[], got: ReadonlyMap<number, Buffer>) => {
    for (const [at, location] of wanted.entries())
      expect([at, got.get(location.offset)?.equals(photos[at]?.bytes ?? Buffer.alloc(0))]).toEqual([
        at,
        true,
      ]);
  };

  for (const compress of [false, true])
    it(`takes long requests and gives each photo right, ${compress ? 'deflated' : 'stored'}`, async () => {
      await home.upload({ compress, entries: photos });
      const wanted = await locations(new Map());
      const before = bytesRequests();
      const far = home.source({ longRange: 1 << 20 });
      expectAll(wanted, await sweep(wanted, far));
      const total = sizes.reduce((sum, size) => sum + size, 0);
      expect(bytesRequests() - before).toBeLessThanOrEqual(Math.ceil(total / 2 ** 20) + 1);
    });

  it('skips what is not wanted where that is cheaper', async () => {
    const big = [
      entry('a.jpg', photo('a', 5000)),
      entry('b.mp4', photo('b', 8 << 20)),
      entry('c.jpg', photo('c', 5000)),
    ];
    await home.upload({ entries: big });
    const found = filesByName(source, await scanPages(source));
    const wanted = ['a.jpg', 'c.jpg'].flatMap((name) => found.get(name)?.location ?? []);
    const [requests, sent] = [bytesRequests(), home.drive.bytesSent()];
    const got = await sweep(wanted, source);
    expect(got.size).toBe(2);
    expect(bytesRequests() - requests).toBe(2);
    expect(home.drive.bytesSent() - sent).toBeLessThan(100_000);
  });

  for (const compress of [true, false])
    it(`sends little more than the beginning that is asked for, ${compress ? 'deflated' : 'stored'}`, async () => {
      const big = photo('big', 4 << 20);
      // What shrinks so well that its beginning is much less than was asked for, too.
      const shrinks = Buffer.concat([Buffer.alloc(300_000, 'ab'), photo('rest', 2 << 20)]);
      await home.upload({ compress, entries: [entry('big.jpg', big), entry('shrinks.png', shrinks)] });
      const found = filesByName(source, await scanPages(source));
      for (const [name, bytes] of [
        ['big.jpg', big],
        ['shrinks.png', shrinks],
      ] as const) {
        for (const [start, end] of [
          [0, 70_000],
          [1000, 70_000],
          [0, 1],
        ] as const) {
          const location = found.get(name)?.location;
          if (location === undefined) throw new Error(`${name} is not listed`);
          const [requests, sent] = [bytesRequests(), home.drive.bytesSent()];
          const chunks: Buffer[] = [];
          for await (const chunk of source.open(location, { start, end })) chunks.push(chunk);
          expect(Buffer.compare(Buffer.concat(chunks), bytes.subarray(start, end))).toBe(0);
          if (name === 'shrinks.png') continue;
          // From the middle of a stored one: the header first.
          expect(bytesRequests() - requests).toBe(!compress && start > 0 ? 2 : 1);
          expect(home.drive.bytesSent() - sent).toBeLessThan(80_000);
        }
      }
    });

  it('goes on behind a photo that its reader left, and one that is damaged', async () => {
    await home.upload({ compress: true, entries: photos });
    const wanted = await locations(new Map());
    const got: number[] = [];
    for await (const { location, bytes } of source.openMany?.(wanted, never) ?? []) {
      if (got.length === 1) {
        const reading = bytes[Symbol.asyncIterator]();
        await reading.next();
        await reading.return?.();
      } else if (got.length !== 2) await collect(bytes);
      got.push(location.offset);
    }
    expect(got.length).toBe(photos.length);
  });

  it('takes along the sidecars that a scan has still to read', async () => {
    await home.upload({
      entries: photos.map((one, at) => (at === 7 ? { ...one, sidecar: '<html>' } : one)),
    });
    const memory: Memory = new Map();
    // Cut off behind the early listing.
    const early = home.fake.plan({ path: /never/ });
    expect(early.fired).toBe(0);
    const pages: ListedPage[] = [];
    for await (const page of source.scan({
      recall: (key) => memory.get(key),
      rescan: false,
      signal: never,
      progress: () => {},
    })) {
      pages.push({ ...page, items: [...page.items] });
      for (const { key, value } of page.memos) if (value !== undefined) memory.set(key, value);
      if (page.early && page.memos.length > 0) break;
    }
    const [archive] = pages.flatMap(({ archives }) => archives);
    const wanted = pages
      .flatMap(({ items }) => items)
      .flatMap(({ files }) => files)
      .map((file) => ({
        ...file.content,
        ...file.locations[0],
        source: 'drive',
        fingerprint: archive?.fingerprint,
      }))
      .sort((a, b) => (a.offset ?? 0) - (b.offset ?? 0)) as Location[];
    expect(wanted.length).toBe(photos.length);
    expectAll(wanted, await sweep(wanted, source, memory));
    const before = bytesRequests();
    const rest = await scanPages(source, { memory });
    const undated = rest.flatMap(({ items }) => items).filter(({ provisional }) => provisional);
    expect(undated.map(({ title }) => title)).toEqual(['p007.jpg']);
    expect(problems(rest).join()).toMatch(/p007\.jpg\S*: is not JSON$/);
    // All but perhaps the one behind the last photo.
    expect(bytesRequests() - before).toBeLessThanOrEqual(1);
  });

  it('keeps to the rate that its owner allows', async () => {
    await home.upload({ entries: photos.slice(0, 20) });
    const wanted = (await locations(new Map())).slice(0, 20);
    const slow = home.source({ limit: limitRate(500_000) });
    const began = performance.now();
    await sweep(wanted, slow);
    const total = wanted.reduce((sum, { size }) => sum + size, 0);
    expect(performance.now() - began).toBeGreaterThan((1000 * total) / 500_000 - 400);
  });
});

describe('what is there', () => {
  it('is found in the Takeout folder, anywhere by name, and in folders given by id, over pages', async () => {
    home.drive.pageSize = 2;
    await home.upload({ parts: 3, entries: [1, 2, 3].map((at) => entry(`p${at}.jpg`)) });
    await home.upload(
      { exportTime: '20260201T120000Z', entries: [entry('moved.jpg')] },
      { parents: ['folderElsewhere'] },
    );
    await home.upload(
      { exportTime: '20260301T120000Z', entries: [entry('shared.jpg')] },
      { parents: ['folderShared0001'], name: 'Photos of last year.zip' },
    );
    home.drive.add(Buffer.from('a letter'), { name: 'letter.txt', mimeType: 'application/zip' });
    expect(names(await scanPages(source))).toEqual(['moved.jpg', 'p1.jpg', 'p2.jpg', 'p3.jpg']);
    expect(names(await scanPages(home.source({ folders: ['folderShared0001'] })))).toEqual(['shared.jpg']);
  });

  it('is told by content: a page that is called a zip is a problem, the others go on', async () => {
    home.drive.add(Buffer.from('<html>Sign in</html>'), { name: 'takeout-20260101T120000Z-3-002.zip' });
    await home.upload({ entries: [entry('p.jpg')] });
    const pages = await scanPages(source);
    expect(names(pages)).toEqual(['p.jpg']);
    expect(problems(pages).join('\n')).toMatch(/002\.zip \(Drive file .*is neither a zip nor a tgz/s);
  });

  it('leaves out, with a word, what is cut off, being uploaded, or not to be downloaded; and what is trashed', async () => {
    const [whole] = await home.upload({ entries: [entry('p.jpg')] });
    const [cut, loading, locked, trashed] = await home.upload({
      exportTime: '20260201T120000Z',
      parts: 4,
      entries: [1, 2, 3, 4].map((at) => entry(`q${at}.jpg`, undefined, { part: at })),
    });
    if (whole === undefined || Buffer.isBuffer(whole.content)) throw new Error();
    const { slice } = whole.content;
    if (cut === undefined || loading === undefined || locked === undefined || trashed === undefined)
      throw new Error();
    cut.content = { size: 1000, slice };
    loading.uploading = true;
    locked.canDownload = false;
    trashed.trashed = true;
    const memory: Memory = new Map();
    const pages = await scanPages(source, { memory });
    expect(names(pages)).toEqual(['p.jpg']);
    const told = problems(pages).join('\n');
    expect(told).toMatch(/end record is missing/);
    expect(told).toMatch(/still being uploaded/);
    expect(told).toMatch(/may not be downloaded/);
    // What is cut off stays so until it is another file: no request, but told again.
    const before = bytesRequests();
    expect(problems(await scanPages(source, { memory })).join('\n')).toMatch(/end record is missing/);
    expect(bytesRequests()).toBe(before);
    loading.uploading = false;
    expect(names(await scanPages(source, { memory }))).toContain('q2.jpg');
  });

  it('is not looked into where it is a tgz, unless its owner says so', async () => {
    await home.upload({ format: 'tgz', entries: [entry('p.jpg')] });
    const pages = await scanPages(source);
    expect(names(pages)).toEqual([]);
    expect(problems(pages).join()).toMatch(/is a tgz, which has to be downloaded as a whole/);
    expect(bytesRequests()).toBe(0);
    expect(names(await scanPages(home.source({ tgz: true })))).toEqual(['p.jpg']);
  });

  it('that Drive shows no more to the account is a problem, neither gone nor an end of the scan', async () => {
    const [first] = await home.upload({ entries: [entry('a.jpg')] });
    if (first === undefined) throw new Error();
    const memory: Memory = new Map();
    await scanPages(source, { memory });
    first.parents = [];
    first.name = 'renamed';
    const message = 'The user does not have sufficient permissions for this file.';
    const errors = [{ domain: 'global', reason: 'insufficientFilePermissions' }];
    const body = { error: { code: 403, message, errors } };
    const fault = home.fake.plan({ path: `/drive/v3/files/${first.id}`, status: 403, body });
    await home.upload({ exportTime: '20260201T120000Z', entries: [entry('b.jpg')] });
    const pages = await scanPages(source, { memory });
    expect(fault.fired).toBe(1);
    expect(names(pages)).toEqual(['b.jpg']);
    expect(pages.flatMap(({ gone = [] }) => gone)).toEqual([]);
    expect(problems(pages)).toEqual([
      expect.stringMatching(new RegExp(`${first.id}.*sufficient permissions`)),
    ]);
  });

  it('is gone only when Drive says so of the file itself', async () => {
    const [first, second] = await home.upload({ parts: 2, entries: [entry('a.jpg'), entry('b.jpg')] });
    if (first === undefined || second === undefined) throw new Error();
    const memory: Memory = new Map();
    await scanPages(source, { memory });
    // Elsewhere, under another name: in no list, but there.
    first.parents = [];
    first.name = 'renamed';
    expect((await scanPages(source, { memory })).flatMap(({ gone = [] }) => gone)).toEqual([]);
    first.trashed = true;
    home.drive.files.delete(second.id);
    const gone = (await scanPages(source, { memory })).flatMap(({ gone = [] }) => gone);
    expect(gone.sort()).toEqual([first.id, second.id].sort());
    expect((await scanPages(source, { memory })).flatMap(({ gone = [] }) => gone)).toEqual([]);
  });
});

describe('trouble', () => {
  const bytes = photo('p', 2_000_000);

  it('of a flagged file is met by saying that it is known, and only then', async () => {
    const [file] = await home.upload({ entries: [entry('p.jpg', bytes)] });
    if (file === undefined) throw new Error();
    file.flagged = true;
    const location = await locate('p.jpg');
    expect((await collect(source.open(location))).equals(bytes)).toBe(true);
    const said = home.fake.requests.filter(({ query }) => query.has('acknowledgeAbuse'));
    expect(said.length).toBe(bytesRequests() - 1);
  });

  for (const reason of ['userRateLimitExceeded', 'rateLimitExceeded'])
    it(`by rate (403 ${reason}) is waited for`, async () => {
      await home.upload({ entries: [entry('p.jpg', bytes)] });
      const location = await locate('p.jpg');
      const body = { error: { code: 403, message: 'Rate', errors: [{ domain: 'usageLimits', reason }] } };
      const fault = home.fake.plan({
        path: `/drive/v3/files/${location.archive}`,
        status: 403,
        body,
        headers: { 'retry-after': '1' },
        times: 2,
      });
      expect((await collect(source.open(location))).equals(bytes)).toBe(true);
      expect(fault.fired).toBe(2);
    });

  it('by rate among sidecars halves how many are asked for at a time, and shows it', async () => {
    await home.upload({
      entries: Array.from({ length: 200 }, (_, at) => entry(`p${at}.jpg`, photo(at, 150_000))),
    });
    const body = {
      error: {
        code: 403,
        message: 'Rate',
        errors: [{ domain: 'usageLimits', reason: 'userRateLimitExceeded' }],
      },
    };
    const headers = { 'retry-after': '1' };
    // Behind the directory.
    const fault = home.fake.plan({ path: /files\/file/, after: 20, status: 403, body, headers, times: 3 });
    const paces: string[] = [];
    const pages: ListedPage[] = [];
    for await (const page of source.scan({
      recall: () => undefined,
      rescan: false,
      signal: never,
      progress: ({ phase, pace }) => phase === 'reading sidecars' && paces.push(pace ?? ''),
    }))
      pages.push({ ...page, items: [...page.items] });
    expect(fault.fired).toBe(3);
    // Three refusals of one moment are one.
    expect(paces.map((pace) => Number.parseInt(pace, 10)).every((pace) => pace >= 8)).toBe(true);
    expect(paces.some((pace) => Number.parseInt(pace, 10) < 16)).toBe(true);
    const final = pages.flatMap(({ items }) => items).filter(({ provisional }) => !provisional);
    expect(final.length).toBe(200);
  });

  it('by a daily limit ends with "quota" and says when to go on', async () => {
    await home.upload({ entries: [entry('p.jpg', bytes)] });
    const location = await locate('p.jpg');
    const body = {
      error: {
        code: 403,
        message: 'The download quota for this file has been exceeded.',
        errors: [{ domain: 'usageLimits', reason: 'dailyLimitExceeded' }],
      },
    };
    home.fake.plan({ path: `/drive/v3/files/${location.archive}`, status: 403, body, times: 50 });
    const failed = await failureOf(collect(source.open(location)));
    expect(failed.kind).toBe('quota');
    expect(failed.retryAfterMs).toBeGreaterThan(0);
  });

  it('with one sidecar ends the scan, and nothing more is asked for', async () => {
    await home.upload({
      entries: Array.from({ length: 60 }, (_, at) => entry(`p${at}.jpg`, photo(at, 200_000))),
    });
    const body = {
      error: {
        code: 403,
        message: 'Limit',
        errors: [{ domain: 'usageLimits', reason: 'dailyLimitExceeded' }],
      },
    };
    // Behind the directory.
    const fault = home.fake.plan({ path: /files\/file/, after: 2, status: 403, body, times: 1000 });
    expect((await failureOf(scanPages(source))).kind).toBe('quota');
    expect(fault.fired).toBeGreaterThan(0);
    expect(fault.fired).toBeLessThanOrEqual(16);
    expect(home.fake.requests.every(({ status }) => status !== undefined)).toBe(true);
  });

  it('in mid-range: a broken, stalled or short answer is gone on with where it stopped', async () => {
    await home.upload({ entries: [entry('p.jpg', bytes)] });
    const location = await locate('p.jpg');
    for (const fault of [{ cutAfter: 700_000 }, { stallAfter: 900_000 }, { status: 503 }, { reset: true }]) {
      const before = home.drive.bytesSent();
      const planned = home.fake.plan({
        path: `/drive/v3/files/${location.archive}`,
        method: 'GET',
        after: 1,
        ...fault,
      });
      await sleep(2100);
      expect((await collect(source.open(location))).equals(bytes)).toBe(true);
      expect(planned.fired).toBe(1);
      expect(home.drive.bytesSent() - before).toBeLessThan(bytes.length + 1_000_000);
    }
  }, 30_000);

  it('by a link that dies, also in mid-range, is met by asking for another', async () => {
    await home.upload({ entries: [entry('p.jpg', bytes)] });
    const location = await locate('p.jpg');
    const path = `/drive/v3/files/${location.archive}`;
    const headers = { location: `${home.fake.url}/dead` };
    home.fake.use('/dead', (exchange) => exchange.text(403, 'text/html', '<h1>403 Forbidden</h1>'));
    const cut = home.fake.plan({ path, after: 1, cutAfter: 700_000 });
    const dead = home.fake.plan({ path, after: 1, status: 302, headers });
    await sleep(2100);
    expect((await collect(source.open(location))).equals(bytes)).toBe(true);
    expect([cut.fired, dead.fired]).toEqual([1, 1]);
    const never = home.fake.plan({ path, after: 1, status: 302, headers, times: 9 });
    await sleep(2100);
    expect((await failureOf(collect(source.open(location)))).kind).toBe('source-unreachable');
    expect(never.fired).toBe(2);
  });

  it('of a server that ignores the range gives right bytes all the same', async () => {
    await home.upload({ entries: [entry('o.jpg'), entry('p.jpg', bytes)] });
    const location = await locate('p.jpg');
    const fault = home.fake.plan({
      path: `/drive/v3/files/${location.archive}`,
      after: 0,
      ignoreRange: true,
      times: 2,
    });
    expect((await collect(source.open(location))).equals(bytes)).toBe(true);
    expect(fault.fired).toBeGreaterThan(0);
  });

  it.each([
    ['checksum', false],
    ['headRevisionId', true],
  ])(
    'by a file whose %s changes between two requests is "source-changed", never a mixture',
    async (_, withoutChecksum) => {
      const [file] = await home.upload(
        { entries: [entry('p.jpg', bytes), entry('q.jpg')] },
        { withoutChecksum },
      );
      if (file === undefined) throw new Error();
      const [other] = await buildTakeout(join(home.folder, 'other'), {
        entries: [entry('p.jpg', photo('P', 2_000_000)), entry('q.jpg')],
      });
      const location = await locate('p.jpg');
      // Between the look at the file and its bytes: a piece has no CRC-32 of its own.
      home.drive.onBytes = () => {
        home.drive.onBytes = () => {};
        home.drive.replace(file, other ?? '');
      };
      const failed = await failureOf(collect(source.open(location, { start: 1000, end: 500_000 })));
      expect(failed.kind).toBe('source-changed');
      await sleep(2100);
      expect((await failureOf(collect(source.open(location)))).kind).toBe('source-changed');
      // Read again, it is the new one.
      expect((await collect(source.open(await locate('p.jpg')))).equals(photo('P', 2_000_000))).toBe(true);
    },
  );

  it.each([undefined, 5000])(
    'by an archive that has become shorter (end %s) is "source-changed"',
    async (end) => {
      const [file] = await home.upload({
        entries: [entry('p.jpg', bytes), entry('q.jpg', photo('q', 60_000))],
      });
      if (file === undefined) throw new Error();
      const location = await locate('q.jpg');
      const [shorter] = await buildTakeout(join(home.folder, 'shorter'), {
        entries: [entry('q.jpg', photo('Q', 60_000))],
      });
      home.drive.onBytes = () => {
        home.drive.onBytes = () => {};
        home.drive.replace(file, shorter ?? '');
      };
      const failed = await failureOf(collect(source.open(location, end === undefined ? {} : { end })));
      expect(home.fake.requests.filter(({ status }) => status === 416).length).toBeGreaterThan(0);
      expect(failed).toMatchObject({
        kind: 'source-changed',
        message: expect.stringContaining('changed since it was scanned'),
        hint: expect.stringContaining('gphotosfs sync'),
      });
      expect((await collect(source.open(await locate('q.jpg')))).equals(photo('Q', 60_000))).toBe(true);
    },
  );

  it('by a file that changes while its directory is read leaves that for the next scan', async () => {
    const [file] = await home.upload({ entries: [entry('p.jpg')] });
    if (file === undefined) throw new Error();
    let count = 0;
    home.drive.onBytes = () => {
      if (++count === 1) home.drive.replace(file, file.content);
    };
    const memory: Memory = new Map();
    const pages = await scanPages(source, { memory });
    expect(count).toBeGreaterThan(0);
    expect(names(pages)).toEqual([]);
    expect(problems(pages).join()).toMatch(/changed since it was scanned/);
    expect(names(await scanPages(source, { memory }))).toEqual(['p.jpg']);
  });

  it('by a missing network in the middle of a scan ends it, and the next one goes on', async () => {
    await home.upload({
      parts: 3,
      entries: Array.from({ length: 9 }, (_, at) => entry(`p${at}.jpg`, photo(at, 200_000))),
    });
    const fault = home.fake.plan({ path: /files\/file/, after: 8, reset: true, times: 1000 });
    const memory: Memory = new Map();
    const failed = await failureOf(scanPages(source, { memory }));
    expect(failed.retryCanHelp).toBe(true);
    expect(fault.fired).toBeGreaterThan(0);
    fault.fired = 1000;
    expect(names(await scanPages(source, { memory })).length).toBe(9);
  }, 60_000);
});
