/** A Google account by the program itself: signed in, listed, mounted, fetched, picked. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openDailyCounts } from '../../src/index/daily-counts.ts';
import { openLeases } from '../../src/index/leases.ts';
import { projectOf, readClientSecret } from '../../src/sources/google/client-secret.ts';
import { pacificDay } from '../../src/sources/google/pacific-day.ts';
import { useAccountPlace } from '../cli/account-place.ts';
import { until } from '../cli/run-program.ts';
import { type FakeItem, jpeg, mp4 } from '../helpers/google/media.ts';
import { fakePhoto } from '../helpers/google/photos-home.ts';
import { canMount } from '../helpers/mount-client.ts';
import { endMount, mount } from './mounting.ts';

const home = useAccountPlace();

const run = (...args: string[]) => home.run(...args);
const bytesSent = () =>
  home.fake.requests.filter(({ path, method }) => path.startsWith('/media') && method === 'GET');

describe('the library, day by day', () => {
  it('is listed, fetched, and the next day only what is new', async () => {
    home.photos.items = Array.from({ length: 130 }, (_, at) => fakePhoto(at));
    home.photos.albums = [{ id: 'a1', title: 'Summer', items: ['id-1', 'id-2'] }];
    expect((await run('add', 'library')).results).toMatchObject([{ type: 'added', id: 'library', known: 0 }]);
    expect((await run('add', 'library')).results).toMatchObject([{ known: 1 }]);
    expect(await run('sync')).toMatchObject({ code: 0 });
    expect(bytesSent()).toEqual([]);
    expect((await run('status')).results[0]).toMatchObject({
      files: 130,
      albums: 1,
      complete: false,
      sources: [{ id: 'library', waiting: 0 }],
    });
    expect(await run('prefetch')).toMatchObject({
      code: 0,
      results: [{ complete: true, fetchedFiles: 130 }],
    });
    expect(home.fake.count('/library/v1/mediaItems:batchGet')).toBe(3);
    expect(bytesSent()).toHaveLength(130);

    home.fake.requests.splice(0);
    home.photos.items.push(
      fakePhoto(500, { filename: 'new.jpg' }),
      fakePhoto(501, { filename: 'broken.jpg', bytes: Buffer.from('<html>') }),
    );
    const second = await run('sync');
    expect(second).toMatchObject({ code: 0, results: [{ sources: [{ newItems: 2 }] }] });
    expect(home.fake.count('/library/')).toBe(3);
    const fetched = await run('prefetch');
    expect(fetched).toMatchObject({ code: 3, results: [{ complete: false, fetchedFiles: 1 }] });
    expect(fetched.results[0]?.failed).toMatchObject([
      { path: 'years/2021/broken.jpg', kind: 'bad-content' },
    ]);
    expect(readFileSync(join(home.place.cache, 'years/2021/new.jpg'))).toEqual(home.photos.items[130]?.bytes);
    expect(readFileSync(join(home.place.cache, 'albums/Summer/p1.jpg'))).toEqual(home.photos.items[1]?.bytes);
    // Tried again by the next run, and right by then.
    home.photos.items = [
      ...home.photos.items.slice(0, 131),
      fakePhoto(501, { filename: 'broken.jpg', bytes: jpeg(9, 6) }),
    ];
    expect((await run('prefetch')).code).toBe(0);
  });

  it("stops at the day's downloads with exit 5, counted over all runs, and goes on when there are some again", async () => {
    home.photos.items = Array.from({ length: 90 }, (_, at) => fakePhoto(at));
    await run('add', 'library');
    await run('sync');
    const counts = openDailyCounts(home.place.home);
    const project = projectOf(readClientSecret(join(home.place.home, 'client_secret.json')));
    const today = () => pacificDay(Date.now());
    expect(counts.used(project, today(), 'bytes')).toBe(90);
    const others = 75_000 - 90 - 60;
    counts.take(project, today(), 'bytes', 75_000, others);
    for (const cachedFiles of [60, 60]) {
      const stopped = await home.place.run('prefetch');
      expect([stopped.code, stopped.stderr]).toEqual([5, expect.stringMatching(/Go on after \d+ \w+ \d{4}/)]);
      expect((await run('status')).results[0]).toMatchObject({ cachedFiles });
    }
    expect(bytesSent()).toHaveLength(60);
    counts.giveBack(project, today(), 'bytes', others);
    expect(await run('prefetch')).toMatchObject({ code: 0, results: [{ fetchedFiles: 30 }] });
    counts.close();
  });

  it('needs a sign-in, says so, and goes on reading what is cached', async () => {
    home.photos.items = [fakePhoto(1)];
    await run('add', 'library');
    await run('sync');
    await run('prefetch');
    home.fake.oauth.revokeAll();
    const failed = await home.place.run('sync');
    expect(failed.code).toBe(4);
    expect(failed.stderr).toContain('gphotosfs login');
    expect((await run('status')).results[0]).toMatchObject({ files: 1, cachedFiles: 1 });
  });
});

describe('what is picked', () => {
  const picked = [
    fakePhoto(1, { filename: 'one.jpg', bytes: jpeg(1, 200_000) }),
    fakePhoto(2, { filename: 'two.jpg' }),
  ];

  it('is fetched at once; picks add up, and a photo picked twice is one', async () => {
    home.photos.willPick = picked;
    const first = await run('pick');
    expect(first).toMatchObject({ code: 0 });
    expect(first.results).toMatchObject([
      { type: 'session', link: expect.stringMatching(/\/autoclose$/) },
      { type: 'picked', newItems: 2, fetchedFiles: 2, left: 0 },
    ]);
    expect(readFileSync(join(home.place.cache, 'years/2021/one.jpg'))).toEqual(picked[0]?.bytes);
    expect(home.photos.sessions).toMatchObject([{ deleted: true }]);

    home.photos.willPick = [...picked, fakePhoto(3, { filename: 'three.jpg' })];
    const second = await run('pick');
    expect(second.results.at(-1)).toMatchObject({ newItems: 1, fetchedFiles: 1, left: 0 });
    expect(readdirSync(join(home.place.cache, 'years/2021')).sort()).toEqual([
      'one.jpg',
      'three.jpg',
      'two.jpg',
    ]);
    expect((await run('status')).results[0]).toMatchObject({ files: 3, cachedFiles: 3, complete: true });
    // Nothing is left to be asked.
    home.fake.requests.splice(0);
    expect((await run('sync')).code).toBe(0);
    expect(home.fake.requests).toEqual([]);
  });

  it('can be had later where a video is still processed: the session lives on until all is there', async () => {
    const video = { filename: 'clip.mp4', bytes: mp4(7, 90_000) };
    home.photos.willPick = [...picked, fakePhoto(7, { ...video, status: 'PROCESSING' })];
    const first = await run('pick');
    expect(first).toMatchObject({ code: 3 });
    expect(first.results.at(-1)).toMatchObject({ fetchedFiles: 2, left: 0, waiting: 1 });
    expect(home.photos.sessions).toMatchObject([{ deleted: false }]);
    const again = await home.place.run('sync');
    expect(again.stdout).toContain('1 item not listed yet');
    const [session] = home.photos.sessions;
    if (session !== undefined) session.picked = [...picked, fakePhoto(7, video)];
    expect((await run('sync')).results[0]).toMatchObject({ sources: [{ newItems: 1, waiting: 0 }] });
    expect((await run('prefetch')).code).toBe(0);
    expect(readFileSync(join(home.place.cache, 'years/2021/clip.mp4'))).toEqual(video.bytes);
  });

  it('says that a video is still processed, and names one that Google could not process', async () => {
    const bytes = mp4(7, 90_000);
    home.photos.willPick = [
      fakePhoto(7, { filename: 'slow.mp4', bytes, status: 'PROCESSING' }),
      fakePhoto(8, { filename: 'broken.mp4', bytes, status: 'FAILED' }),
    ];
    const { code, stderr } = await home.place.run('pick');
    expect(code).toBe(3);
    expect(stderr).toMatch(/1 video is still being processed by Google. Run "gphotosfs sync" and/);
    expect(stderr).toContain('broken.mp4: Google could not process this video');
  });

  it('shows a link and a code to people', async () => {
    home.photos.willPick = [];
    const { stdout, code } = await home.place.run('pick');
    expect(code).toBe(0);
    expect(stdout).toContain(`${home.fake.url}/pick/${home.photos.sessions[0]?.id}/autoclose`);
    expect(stdout.split('\n').filter((line) => /[▀▄█]{5}/.test(line)).length).toBeGreaterThan(10);
  });

  it('is asked for as often as Google says, and no longer', async () => {
    home.photos.polling = { pollInterval: '0.9s', timeoutIn: '60s' };
    home.photos.pollsBeforeDone = 3;
    home.photos.willPick = picked;
    expect((await run('pick')).code).toBe(0);
    const asked = () =>
      home.fake.requests
        .filter(({ path, method }) => method === 'GET' && path.startsWith('/picker/v1/sessions/'))
        .map(({ at }) => at);
    const times = asked();
    expect(times).toHaveLength(3);
    for (const [nr, at] of times.entries())
      if (nr > 0) expect(at - (times[nr - 1] ?? 0)).toBeGreaterThan(890);

    home.fake.requests.splice(0);
    home.photos.polling = { pollInterval: '0.9s', timeoutIn: '2s' };
    home.photos.willPick = undefined;
    const gaveUp = await home.place.run('pick');
    expect([gaveUp.code, gaveUp.stderr]).toEqual([2, expect.stringContaining('nothing was picked')]);
    expect(asked().length).toBeLessThanOrEqual(2);
    expect(home.photos.sessions.at(-1)).toMatchObject({ deleted: true });
  });

  it('is gone on with by the next sync and prefetch where the pick was cut short', async () => {
    home.photos.willPick = picked;
    const fault = home.fake.plan({ path: '/media', method: 'GET', status: 404, times: 1000 });
    const first = await run('pick');
    expect(first).toMatchObject({ code: 3, results: [{}, { newItems: 2, fetchedFiles: 0, left: 2 }] });
    expect(fault.fired).toBeGreaterThan(0);
    expect(home.photos.sessions).toMatchObject([{ deleted: false }]);
    fault.fired = 1000;
    expect((await run('sync')).code).toBe(0);
    expect(await run('prefetch')).toMatchObject({ code: 0, results: [{ fetchedFiles: 2 }] });
  });

  it('is told to be gone when its session has expired before it was fetched', async () => {
    home.photos.willPick = picked;
    home.fake.plan({ path: '/media', method: 'GET', status: 404, times: 1000 });
    await run('pick');
    for (const session of home.photos.sessions) session.expired = true;
    const failed = await home.place.run('prefetch');
    expect(failed.code).toBe(3);
    expect(failed.stderr).toContain('gphotosfs pick');
    await run('sync');
    expect((await run('status')).results[0]).toMatchObject({ files: 2, cachedFiles: 0, unavailable: 2 });
  });

  it('is waited for though the network is away meanwhile', async () => {
    home.photos.willPick = undefined;
    const fault = home.fake.plan({
      path: '/picker/v1/sessions/',
      method: 'GET',
      status: 200,
      body: '<html>Welcome to our hotel</html>',
      // Of each call two, then patience without a network ends.
      times: 4,
    });
    const running = home.place.start('--json', 'pick');
    await until(() => fault.fired === 4, 60_000);
    home.photos.willPick = picked;
    const ended = await running.ended;
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining('"newItems":2')]);
  });

  it('is over where Google ends its session, and says what to do', async () => {
    home.photos.willPick = undefined;
    const running = home.place.start('pick');
    await until(() => running.stdout().includes('Waiting until'));
    for (const session of home.photos.sessions) session.expired = true;
    const ended = await running.ended;
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain('Run "gphotosfs pick"');
    home.fake.requests.splice(0);
    expect((await run('sync')).code).toBe(0);
    expect(home.fake.requests).toEqual([]);
  });

  it('is remembered as soon as there is a link: the next sync has it where the program was killed', async () => {
    home.photos.willPick = undefined;
    const running = home.place.start('--json', 'pick');
    await until(() => running.stdout().includes('"session"'));
    running.child.kill('SIGKILL');
    await running.ended;
    // Nothing was picked so far: no trouble.
    expect(await run('sync')).toMatchObject({ code: 0, results: [{ sources: [{ newItems: 0 }] }] });
    for (const session of home.photos.sessions) session.picked = picked;
    expect(await run('sync')).toMatchObject({ code: 0, results: [{ sources: [{ newItems: 2 }] }] });
  });

  it('is said to be remembered where another sync keeps it from being listed', async () => {
    home.photos.willPick = picked;
    const leases = openLeases(home.place.home);
    leases.acquire('sync');
    const busy = await home.place.run('pick');
    leases.release('sync');
    leases.close();
    expect(busy.code).not.toBe(0);
    expect(busy.stderr).toContain('What you picked is remembered');
    expect(await run('sync')).toMatchObject({ code: 0, results: [{ sources: [{ newItems: 2 }] }] });
  });

  it('ends its session when the owner gives up', async () => {
    home.photos.willPick = undefined;
    const running = home.place.start('--json', 'pick');
    await until(() => running.stdout().includes('"session"'));
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
    expect(home.photos.sessions).toMatchObject([{ deleted: true }]);
    // Nor is it remembered.
    home.fake.requests.splice(0);
    expect((await run('sync')).code).toBe(0);
    expect(home.fake.requests).toEqual([]);
  });
});

describe.runIf(canMount())('on a mount no program takes a part for the whole', () => {
  const exec = promisify(execFile);
  /** Copies a folder to another; what it gives back is where the copies are. */
  const tools: Readonly<Record<string, (from: string, to: string) => Promise<string>>> = {
    async cat(from, to) {
      const command = `failed=0; for f in "${from}"/*; do cat "$f" > "${to}/$(basename "$f")" || failed=1; done; exit $failed`;
      await exec('/bin/sh', ['-c', command]);
      return to;
    },
    async cp(from, to) {
      await exec('cp', ['-a', `${from}/.`, to]);
      return to;
    },
    async tar(from, to) {
      await exec('/bin/sh', [
        '-c',
        `tar -cf ${to}/a.tar -C "${from}" . && cd ${to} && tar -xf a.tar && rm a.tar`,
      ]);
      return to;
    },
    async 'tar -S'(from, to) {
      await exec('/bin/sh', [
        '-c',
        `tar -cSf ${to}/a.tar -C "${from}" . && cd ${to} && tar -xf a.tar && rm a.tar`,
      ]);
      return to;
    },
    async rsync(from, to) {
      await exec('rsync', ['-a', `${from}/`, `${to}/`]);
      return to;
    },
    async restic(from, to) {
      const env = { ...process.env, RESTIC_PASSWORD: 'secret', HOME: to };
      const restic = (...args: string[]) => exec('restic', ['-q', '-r', join(to, 'repo'), ...args], { env });
      await restic('init');
      await restic('backup', from);
      await restic('restore', 'latest', '--target', join(to, 'restored'));
      return join(to, 'restored', from);
    },
    async copyFile(from, to) {
      const script = `const fs = require('node:fs'); let failed = 0;
        for (const name of fs.readdirSync(process.argv[1])) {
          try { fs.copyFileSync(process.argv[1] + '/' + name, process.argv[2] + '/' + name); }
          catch { failed = 1; }
        }
        process.exitCode = failed;`;
      await exec(process.execPath, ['-e', script, from, to]);
      return to;
    },
  };
  const names = Object.keys(tools);
  const yearOf = (tool: string) => 2001 + names.indexOf(tool);

  /** Three photos for each program: one that is as listed, and two where the HEAD was wrong. */
  function library(): FakeItem[] {
    const sizes = { right: 300_000, longer: 200_000, shorter: 400_000 };
    return names.flatMap((tool, at) =>
      Object.entries(sizes).map(([kind, headSize], nr) => ({
        id: `${tool}-${kind}`,
        filename: `${kind}.jpg`,
        takenAt: `${yearOf(tool)}-05-01T00:00:00Z`,
        bytes: jpeg(10 * at + nr, 300_000),
        headSize,
      })),
    );
  }

  it('also where a HEAD was wrong', async () => {
    home.photos.items = library();
    await run('add', 'library');
    await run('sync');
    const mounted = await mount(home.place);
    const outcomes: string[] = [];
    for (const [tool, copy] of Object.entries(tools)) {
      const from = join(home.place.mountPoint, 'years', String(yearOf(tool)));
      expect(readdirSync(from)).toHaveLength(3);
      for (const attempt of [1, 2]) {
        const to = join(home.place.folder, `${names.indexOf(tool)}-${attempt}`);
        mkdirSync(to);
        const copied = await copy(from, to).catch(() => undefined);
        outcomes.push(`${tool} ${attempt} ${copied === undefined ? 'failed' : 'done'}`);
        if (copied === undefined) continue;
        // A success is a success: all there, and right.
        for (const item of home.photos.items.filter(({ id }) => id.startsWith(`${tool}-`)).slice(0, 3)) {
          if (item.takenAt?.startsWith(String(yearOf(tool))) !== true) continue;
          const file = join(copied, item.filename);
          expect([tool, item.filename, existsSync(file)]).toEqual([tool, item.filename, true]);
          expect([tool, item.filename, readFileSync(file).equals(item.bytes as Buffer)]).toEqual([
            tool,
            item.filename,
            true,
          ]);
        }
      }
    }
    // The first time each meets wrong sizes and says so; the second time all is well.
    expect(outcomes).toEqual(names.flatMap((tool) => [`${tool} 1 failed`, `${tool} 2 done`]));
    await endMount(mounted);
  }, 120_000);
});
