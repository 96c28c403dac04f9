/** Different items with equal bytes are fetched once: the other's cached file is copied, by reflink where that goes. */
import { closeSync, constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { getCached } from '../index/cached.ts';
import type { Index } from '../index/open.ts';
import type { Content } from '../model/words.ts';
import type { Cache } from './cache.ts';
import type { CachedFiles } from './cached-file.ts';
import { descriptorPath } from './directories.ts';
import { type Hashed, hashFile } from './hash.ts';
import { type Partial, removePartial, reopenPartial } from './partial.ts';
import type { Claim } from './room.ts';

export interface Copied {
  readonly partial: Partial & { readonly name: string };
  readonly content: Hashed;
}

/**
 * Makes a partial file from a cached twin's bytes.
 * @param twins other cached files with the same bytes (`cachedTwins`)
 * @returns undefined where there is no twin, or its bytes are not what was recorded
 */
export async function copyTwin(
  index: Index,
  cache: Cache,
  cachedFiles: CachedFiles,
  twins: readonly number[],
  content: Content,
  name: string,
): Promise<Copied | undefined> {
  for (const twin of twins) {
    const recorded = getCached(index, twin);
    const fd = cachedFiles.open(twin);
    if (fd === undefined) continue;
    let claim: Claim | undefined;
    try {
      claim = cache.room.claim(content.size);
      const path = `${cache.partial.path}/${name}`;
      await copyFile(descriptorPath(fd), path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    } finally {
      claim?.end();
      closeSync(fd);
    }
    const partial = reopenPartial(cache.partial, name);
    try {
      const copied = await hashFile(partial.fd);
      if (recorded !== undefined && copied.sha256.equals(recorded.sha256))
        return { partial, content: copied };
    } catch (error) {
      closeSync(partial.fd);
      throw error;
    }
    closeSync(partial.fd);
    removePartial(cache.partial, name);
  }
  return undefined;
}
