/**
 * Whether a reader may go on: with bytes of the content that its file showed when it was opened, and of no other. A
 * revision may be of the same length, so the CRC-32 tells them apart; where none was known before the fetch, the one that
 * the fetch found.
 */
import { LRUCache } from 'lru-cache';
import { getFile } from '../index/items.ts';
import type { Index } from '../index/open.ts';
import { sameContent } from '../model/content.ts';
import { GphotosfsError } from '../model/errors.ts';
import type { Content } from '../model/words.ts';
import { wantedContent } from './locate.ts';

/** A reader's file, as it was opened. */
export interface Opening {
  /** When, by `monotonicMs`. */
  readonly openedAt: number;
  /** Which bytes it showed. */
  readonly content: Content;
}

export interface ReaderContent {
  /** A fetch of the file that readers may have seen has ended: what it found is what they were given. */
  learned(ino: number): void;
  /** @throws `bad-content` where the file has other bytes by now than the reader began with */
  check(file: Content & { readonly ino: number; readonly name: string }, opening: Opening): void;
}

/** Of so many files the CRC-32 is remembered that only a fetch told: those whose readers are still there, and more. */
const keptCrcs = 10_000;

export function createReaderContent(index: Index): ReaderContent {
  const found = new LRUCache<number, number>({ max: keptCrcs });

  /** What readers were given who opened the file as `content`. */
  function given(ino: number, content: Content): Content {
    return content.crc32 === undefined ? { ...content, crc32: found.get(ino) } : content;
  }

  return {
    learned(ino) {
      const crc32 = getFile(index, ino)?.crc32;
      // The first one: who opened the file later knew it.
      if (crc32 !== undefined && !found.has(ino)) found.set(ino, crc32);
    },
    check(file, { content }) {
      const begun = given(file.ino, content);
      // What is shown can't always be had; then the reader was told of what can.
      if (sameContent(file, begun) || sameContent(wantedContent(index, file.ino, false), begun)) return;
      throw new GphotosfsError('bad-content', `"${file.name}" has other bytes since it was opened`, {
        hint: 'Open the file again.',
      });
    },
  };
}
