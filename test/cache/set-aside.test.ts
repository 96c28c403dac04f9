/** Setting former bytes aside on a file system without hard links: whenever the program is killed, the photo has its name. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createPlace } from '../cli/run-program.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';

const former = photo('former', 40_000);
const newer = photo('newer', 50_000);

it('a kill at any rename of a revision leaves the former bytes or the newer ones under the name', async () => {
  const place = createPlace();
  try {
    const addExport = async (exportTime: string, bytes: Buffer): Promise<void> => {
      const entries = [{ folder: 'Photos from 2021', name: 'IMG_1.jpg', bytes }];
      await place.run(
        'add',
        'takeout',
        ...(await buildTakeout(join(place.folder, exportTime), { exportTime, entries })),
      );
      expect((await place.run('sync')).code).toBe(0);
    };
    await addExport('20260101T120000Z', former);
    expect((await place.run('prefetch')).code).toBe(0);
    await addExport('20260301T120000Z', newer);

    const trace = join(place.folder, 'trace');
    const shown = join(place.cache, 'years/2021/IMG_1.jpg');
    const inject = ['link,linkat:error=EPERM', 'rename,renameat,renameat2:signal=KILL:when='];
    let kills = 0;
    for (let at = 1; ; at++) {
      const strace = ['strace', '-f', '-o', trace, '-e', 'trace=link,linkat,rename,renameat,renameat2'];
      const [noLinks = '', killAt = ''] = inject;
      const ended = await place.runUnder(
        [...strace, '-e', `inject=${noLinks}`, '-e', `inject=${killAt}${at}`],
        'prefetch',
      );
      expect(existsSync(shown), `killed at rename ${at}`).toBe(true);
      const bytes = readFileSync(shown);
      expect(bytes.equals(former) || bytes.equals(newer)).toBe(true);
      if (ended.code === 0) break;
      expect(readFileSync(trace, 'utf8')).toContain('killed by SIGKILL');
      kills += 1;
    }
    expect(readFileSync(trace, 'utf8'), 'there were no links').toMatch(/link\(.*EPERM.*INJECTED/);
    expect(kills, 'one at the former bytes, one at the newer ones').toBeGreaterThanOrEqual(2);
    expect(readFileSync(shown).equals(newer)).toBe(true);
    const folder = join(place.cache, '.gphotosfs/superseded');
    expect(readdirSync(folder).some((name) => readFileSync(join(folder, name)).equals(former))).toBe(true);
    expect(readdirSync(join(place.cache, '.gphotosfs/partial'))).toEqual([]);
    expect(JSON.parse((await place.run('status', '--json')).stdout)).toMatchObject({
      complete: true,
      superseded: { files: 1, bytes: former.length },
    });
  } finally {
    await place.clean();
  }
}, 120_000);
