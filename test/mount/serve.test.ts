/** Serving: the driver is told what other processes and fetches change, and everything ends with the mount. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GphotosfsError } from '../../src/model/errors.ts';
import type { MountDriver, Mounted, MountRequest, TreeChange } from '../../src/mount/driver.ts';
import { serve } from '../../src/mount/serve.ts';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  exportOf,
  openFds,
  photo,
  signal,
  type TestHome,
} from '../helpers/test-home.ts';

/** A driver that keeps what it is told, in place of a kernel. */
function recordingDriver() {
  const told = {
    changes: [] as TreeChange[],
    published: 0,
    reopened: 0,
    request: undefined as MountRequest | undefined,
  };
  let end = () => {};
  const driver: MountDriver = {
    name: 'recording',
    features: { invalidation: true, timesBefore1970: true, interrupts: true },
    async mount(request) {
      told.request = request;
      const closed = new Promise<void>((resolve) => {
        end = resolve;
      });
      return {
        mountPoint: request.mountPoint,
        closed,
        invalidate: async (change) => void told.changes.push(change),
        published: () => {
          told.published += 1;
        },
        reopen: () => {
          told.reopened += 1;
        },
        unmount: async () => end(),
      };
    },
  };
  return { driver, told };
}

const bytes = distinctBytes(1, 500_000);
let test: TestHome;
let mounted: Mounted | undefined;
beforeEach(async () => {
  test = await createTestHome({ exports: [exportOf([photo('a.jpg', bytes)])] });
});
afterEach(async () => {
  await mounted?.unmount();
  await mounted?.closed;
  mounted = undefined;
  await test.remove();
});

const mountWith = (driver: MountDriver) => {
  const { index, cache, home, source } = test;
  const log = (level: string, message: string) => void test.logs.push(`${level} ${message}`);
  return serve({
    driver,
    index,
    cache,
    home,
    sources: [source],
    mountPoint: '/nowhere',
    uid: 0,
    gid: 0,
    umask: 0,
    allowOther: false,
    log,
  });
};

describe('a mount that is served', () => {
  it('reads through the fetcher', async () => {
    const { driver, told } = recordingDriver();
    mounted = await mountWith(driver);
    const got = await told.request?.remote.read(test.ino('years/2021/a.jpg'), 1000, 5000, signal);
    expectBytes(got ?? Buffer.alloc(0), bytes.subarray(1000, 6000));
  });

  it('tells of names that another connection adds, and of files that are published', async () => {
    const { driver, told } = recordingDriver();
    mounted = await mountWith(driver);
    await sleep(200);
    expect(told.changes).toEqual([]);
    const year = test.ino('years/2021');
    await test.sync([
      ...test.source.exports,
      exportOf([photo('b.jpg', 'b')], { id: 'e2', time: 1_700_000_000 }),
    ]);
    await vi.waitFor(() => expect(told.changes.length).toBeGreaterThan(0));
    const entries = told.changes.flatMap((change) => change.entries);
    expect(entries).toEqual([{ parent: year, name: 'b.jpg' }]);
    expect(told.changes.flatMap((change) => change.inodes)).toContain(year);
    const published = told.published;
    await test.ensure('years/2021/b.jpg');
    await vi.waitFor(() => expect(told.published).toBeGreaterThan(published));
  });

  it('tells of bytes that proved wrong', async () => {
    const { driver, told } = recordingDriver();
    mounted = await mountWith(driver);
    const ino = test.ino('years/2021/a.jpg');
    test.source.breakOpen({ kind: 'corrupt', at: 5 });
    await told.request?.remote.read(ino, 0, 100, signal);
    await vi.waitFor(() => expect(told.changes).toContainEqual({ inodes: [ino], entries: [] }));
    expect(test.source.fired).toEqual(['corrupt a.jpg']);
  });

  it('goes on when the kernel cannot be told', async () => {
    const { driver } = recordingDriver();
    const failing: MountDriver = {
      ...driver,
      mount: async (request) => ({
        ...(await driver.mount(request)),
        invalidate: () => Promise.reject(new GphotosfsError('mount', 'no such mount')),
      }),
    };
    mounted = await mountWith(failing);
    await test.sync([
      ...test.source.exports,
      exportOf([photo('b.jpg', 'b')], { id: 'e2', time: 1_700_000_000 }),
    ]);
    await vi.waitFor(() => expect(test.logs.join('\n')).toContain('no such mount'));
  });

  it('leaves nothing behind when it ends, nor when it could not begin', async () => {
    await test.cache;
    const before = openFds();
    const { driver, told } = recordingDriver();
    const first = await mountWith(driver);
    test.source.breakOpen({ kind: 'stall', at: 100_000 });
    const reading = told.request?.remote
      .read(test.ino('years/2021/a.jpg'), 0, 400_000, signal)
      .catch((error) => error.kind);
    await vi.waitFor(() => expect(test.source.fired).toHaveLength(1));
    await first.unmount();
    await first.closed;
    expect(await reading).toBe('interrupted');
    const failing: MountDriver = {
      ...driver,
      mount: () => Promise.reject(new GphotosfsError('mount', 'no FUSE here')),
    };
    await expect(mountWith(failing)).rejects.toMatchObject({ kind: 'mount', message: 'no FUSE here' });
    await vi.waitFor(() => expect(openFds().sort()).toEqual(before.sort()));
    expect(test.partials()).toEqual([]);
  });
});
