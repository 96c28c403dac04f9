/** A signed-in account at a fake with photos, and the sources of it: what tests of the photo APIs start from. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Index, transaction } from '../../../src/index/open.ts';
import { putMemo } from '../../../src/index/sources.ts';
import { noAccounts, type SourceParts } from '../../../src/sources/all.ts';
import type { GoogleClient, GoogleClientRequest } from '../../../src/sources/google/client.ts';
import { createScanMemory } from '../../../src/sources/google/media/scan-memory.ts';
import { type FakeGoogle, startFakeGoogle } from './fake-google.ts';
import { openTestClient, writeGoogleHome } from './google-home.ts';
import { type FakeItem, jpeg } from './media.ts';
import { addPhotos, type FakePhotos } from './photos.ts';

export interface PhotosHome {
  readonly folder: string;
  readonly fake: FakeGoogle;
  readonly photos: FakePhotos;
  readonly parts: SourceParts;
  readonly logs: string[];
  close(): Promise<void>;
}

export async function openPhotosHome(
  items: readonly FakeItem[] = [],
  request: Partial<GoogleClientRequest> = {},
): Promise<PhotosHome> {
  const folder = mkdtempSync(join(tmpdir(), 'gphotosfs-google-'));
  const fake = await startFakeGoogle();
  const photos = addPhotos(fake);
  photos.items.push(...items);
  writeGoogleHome(folder, fake);
  const logs: string[] = [];
  let client: GoogleClient | undefined;
  const parts: SourceParts = {
    ...noAccounts,
    async google() {
      client ??= openTestClient(folder, fake, { logs, ...request });
      return client;
    },
  };
  return {
    folder,
    fake,
    photos,
    parts,
    logs,
    async close() {
      await client?.close();
      await fake.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As if a sync had asked for the sizes of these before. */
export function rememberSizes(index: Index, items: readonly FakeItem[], size: number): void {
  const memory = createScanMemory(() => undefined);
  transaction(index, () => {
    for (const { id } of items) for (const memo of memory.add(id, size)) putMemo(index, 'library', memo);
  });
}

/** A photo as the fake has it: `p7.jpg`, taken 7 minutes after the start of July 2021. */
export function fakePhoto(seed: number, more: Partial<FakeItem> = {}): FakeItem {
  return {
    id: `id-${seed}`,
    filename: `p${seed}.jpg`,
    takenAt: new Date(Date.UTC(2021, 6, 1, 0, seed)).toISOString(),
    bytes: jpeg(seed, 1000 + (seed % 977)),
    ...more,
  };
}
