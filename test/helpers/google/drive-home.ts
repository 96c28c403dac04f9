/** A home signed in at a fake Google with a Drive, and sources that read from it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GoogleClient, GoogleClientRequest } from '../../../src/sources/google/client.ts';
import { createDriveSource } from '../../../src/sources/google/drive/drive-source.ts';
import type { Limit } from '../../../src/sources/google/limit-rate.ts';
import type { Source } from '../../../src/sources/source.ts';
import { buildTakeout, type TakeoutSpec } from '../takeout-builder.ts';
import { addDrive, type FakeDrive, type FakeDriveFile } from './drive.ts';
import { type FakeGoogle, startFakeGoogle } from './fake-google.ts';
import { openTestClient, writeGoogleHome } from './google-home.ts';

export interface DriveHome {
  readonly folder: string;
  readonly fake: FakeGoogle;
  readonly drive: FakeDrive;
  readonly logs: string[];
  source(more?: { folders?: readonly string[]; tgz?: boolean; longRange?: number; limit?: Limit }): Source;
  /** Builds an export and puts its parts into Drive. */
  upload(spec: TakeoutSpec, more?: Parameters<FakeDrive['add']>[1]): Promise<FakeDriveFile[]>;
  close(): Promise<void>;
}

export async function openDriveHome(request: Partial<GoogleClientRequest> = {}): Promise<DriveHome> {
  const folder = mkdtempSync(join(tmpdir(), 'gphotosfs-drive-'));
  const fake = await startFakeGoogle();
  const drive = addDrive(fake);
  writeGoogleHome(folder, fake);
  const logs: string[] = [];
  let client: GoogleClient | undefined;
  let uploads = 0;
  return {
    folder,
    fake,
    drive,
    logs,
    source: ({ folders = [], tgz = false, longRange = 64 << 20, limit } = {}) =>
      createDriveSource({
        id: 'drive',
        account: 'default',
        folders,
        spool: tgz ? join(folder, 'spool') : undefined,
        longRange,
        limit,
        client: async () => {
          client ??= openTestClient(folder, fake, { logs, ...request });
          return client;
        },
      }),
    async upload(spec, more) {
      const place = join(folder, `upload-${++uploads}`);
      mkdirSync(place);
      const paths = await buildTakeout(place, spec);
      return paths.map((path) => drive.add(path, more));
    },
    async close() {
      await client?.close();
      await fake.close();
      drive.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
