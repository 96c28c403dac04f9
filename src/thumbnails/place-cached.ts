/**
 * Thumbnails of cached files, so that opening a folder of them costs the file manager nothing. What no picture can be made of
 * cheaply is left to it: it opens the cached file, and makes a better one.
 */
import { closeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { createCachedFiles } from '../cache/cached-file.ts';
import type { Directory } from '../cache/directories.ts';
import { getFile } from '../index/items.ts';
import type { Index } from '../index/open.ts';
import { createPictureThread } from './picture-thread.ts';
import { subjectsOf } from './plan.ts';
import type { Renditions } from './renditions.ts';
import { mayHavePreview } from './small-picture.ts';
import { type Size, type Subject, sizeNames, type ThumbnailStore } from './store.ts';

export interface CachedThumbnailsRequest {
  readonly index: Index;
  /** undefined where there are none. */
  readonly cache: Directory | undefined;
  /** Absolute. */
  readonly mountPoint: string;
  readonly store: ThumbnailStore;
  /** The files' inode numbers. */
  readonly inos: readonly number[];
  readonly signal: AbortSignal;
  /** Told after each file. */
  readonly tell: () => void;
}

export interface CachedThumbnails {
  /** Files that were looked at. */
  readonly cachedFiles: number;
  /** Of these: have a picture by now, or had all they need before. The others are the file manager's. */
  readonly cachedPictures: number;
  readonly cachedPresent: number;
}

/** Files between which others get their turn: each is a few calls to the disk. */
const pause = 20;

/** @throws where the thumbnails' own disk takes nothing */
export async function placeCached(request: CachedThumbnailsRequest): Promise<CachedThumbnails> {
  const { index, mountPoint, store, signal } = request;
  const counts = { cachedFiles: 0, cachedPictures: 0, cachedPresent: 0 };
  if (request.cache === undefined) return counts;
  const files = createCachedFiles(index, request.cache);
  const thread = createPictureThread();

  async function makePicture(ino: number): Promise<Renditions | undefined> {
    if (!mayHavePreview(getFile(index, ino)?.name ?? '')) return undefined;
    const opened = files.openSized(ino);
    if (opened === undefined) return undefined;
    try {
      return await thread.make(opened);
    } finally {
      closeSync(opened.fd);
    }
  }

  async function place(ino: number): Promise<void> {
    const lacking: [Subject, Size][] = [];
    for (const subject of subjectsOf(index, mountPoint, ino))
      for (const size of sizeNames)
        if (['nothing', 'card'].includes(store.find(subject, size))) lacking.push([subject, size]);
    counts.cachedFiles += 1;
    if (lacking.length === 0) {
      counts.cachedPresent += 1;
      return;
    }
    const renditions = await makePicture(ino);
    if (renditions !== undefined) counts.cachedPictures += 1;
    for (const [subject, size] of lacking)
      if (renditions === undefined) store.remove(subject, size);
      else store.write(subject, size, renditions[size], 'picture');
  }

  try {
    for (const [at, ino] of request.inos.entries()) {
      if (signal.aborted) break;
      if (at % pause === 0) await turn();
      await place(ino);
      request.tell();
    }
    return counts;
  } finally {
    await thread.close();
    files.close();
  }
}
