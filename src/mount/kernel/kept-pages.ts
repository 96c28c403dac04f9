/**
 * Whose bytes the pages are that the kernel keeps of a file from one open to the next. A revision is shown a moment before
 * the kernel is told of it; who opens the file in between must not read pages of the former bytes and then new ones.
 */
import type { OpenedFile } from '../driver.ts';

export interface KeptPages {
  /**
   * Takes note that the file is being opened, and says what the kernel has of it: nothing, as it was never opened; pages
   * of these bytes, perhaps; or of others, perhaps.
   */
  opened(ino: number, file: OpenedFile): 'none' | 'these' | 'others';
  /** Pages that are there may be of any bytes. */
  doubt(ino: number): void;
}

export function createKeptPages(): KeptPages {
  // By inode number, which count up from 1 without gaps: 8 MB for a million. NaN, the mark of doubt, equals nothing.
  let marks = new Float64Array(1024);

  function put(ino: number, mark: number): void {
    if (ino >= marks.length) {
      const more = new Float64Array(Math.max(marks.length * 2, ino + 1));
      more.set(marks);
      marks = more;
    }
    marks[ino] = mark;
  }

  return {
    opened(ino, file) {
      const mark = markOf(file);
      const before = marks[ino] ?? 0;
      put(ino, mark);
      if (before === 0) return 'none';
      return before === mark ? 'these' : 'others';
    },
    doubt: (ino) => put(ino, Number.NaN),
  };
}

/** Positive for a cache file, negative for bytes that are fetched. */
function markOf({ recorded, content }: OpenedFile): number {
  return recorded === undefined ? -1 - (content.crc32 ?? content.size) : recorded.cacheIno;
}
