/**
 * Programs that a mount starts: none of them has the device. The kernel ends a mount when the last descriptor of its device
 * is closed; a child that had one kept it, and itself, alive for ever when the server was killed meanwhile.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlace, type Place } from '../cli/run-program.ts';
import { canMount } from '../helpers/mount-client.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { endMount, mountWith } from '../promises/mounting.ts';

let place: Place;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

describe.runIf(canMount())('the program that unmounts', () => {
  it.each(['kernel', 'fuse-native'])('has no descriptor of the device (--driver %s)', async (driver) => {
    const entry = { folder: 'Photos from 2021', name: 'a.jpg', bytes: photo('a') };
    await place.run(
      'add',
      'takeout',
      ...(await buildTakeout(join(place.folder, 'export'), { entries: [entry] })),
    );
    expect((await place.run('sync')).code).toBe(0);
    const [programs, list] = [join(place.folder, 'bin'), join(place.folder, 'descriptors')];
    mkdirSync(programs);
    for (const name of ['umount', 'fusermount3']) {
      const script = `#!/bin/sh\nls -l /proc/$$/fd >>'${list}'\nPATH=/usr/bin:/bin\nexec ${name} "$@"\n`;
      writeFileSync(join(programs, name), script);
      chmodSync(join(programs, name), 0o755);
    }
    const env = { PATH: `${programs}:${process.env.PATH}` };
    await endMount(await mountWith(place, env, '--driver', driver));
    const descriptors = readFileSync(list, 'utf8');
    expect(descriptors).toContain(' 2 -> ');
    expect(descriptors).not.toContain('/dev/fuse');
  });
});
