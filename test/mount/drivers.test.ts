import { describe, expect, it } from 'vitest';
import { options } from '../../src/model/options.ts';
import { defaultDriver, driverNames, loadDriver } from '../../src/mount/drivers.ts';

describe('drivers', () => {
  it('are those that the option --driver offers', () => {
    expect(options.driver.kind).toEqual(driverNames);
  });

  it('of an unknown name are a usage error that lists the others', async () => {
    for (const name of ['winfsp', 'toString']) {
      await expect(loadDriver(name)).rejects.toMatchObject({
        kind: 'usage',
        hint: expect.stringContaining('fuse-native'),
      });
    }
  });

  it('default to the kernel protocol on Linux only', () => {
    expect([defaultDriver('linux'), defaultDriver('darwin')]).toEqual(['kernel', 'fuse-native']);
  });
});
