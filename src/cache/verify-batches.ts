/** The files that a verify looks at, in batches, and how far it has come with them. */
import type { Index } from '../index/open.ts';
import {
  cachedAfter,
  countCachedAfter,
  type RecordedFile,
  type VerifyCursor,
} from '../index/verification.ts';

/** Rows read from the index at a time. */
const pageLength = 512;
/** A batch ends at so many bytes: 20 ms of hashing. */
const batchBytes = 32 << 20;

/** All cached files after an inode number, in the order of these. */
export function* filesAfter(index: Index, from: number): Generator<RecordedFile> {
  for (let after = from; ; ) {
    const page = cachedAfter(index, after, pageLength);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.ino;
  }
}

/** The same in batches of at most `length` files. */
export function* inBatches(files: Iterable<RecordedFile>, length: number): Generator<RecordedFile[]> {
  let batch: RecordedFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (batch.length === length || (batch.length > 0 && bytes + file.size > batchBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += file.size;
  }
  if (batch.length > 0) yield batch;
}

export const bytesOf = (files: readonly RecordedFile[]): number =>
  files.reduce((sum, { size }) => sum + size, 0);

/** What there is to look at. Of a few files a small sample is still one. */
export function countFiles(
  index: Index,
  sample: number | undefined,
  after: number,
): { files: number; bytes: number } {
  const all = countCachedAfter(index, after);
  if (sample === undefined) return all;
  const files = Math.ceil((all.files * sample) / 100);
  return { files, bytes: Math.round((all.bytes * sample) / 100) };
}

/** How far a run has come. Batches are finished in any order; all up to `after` are. */
export interface Reach {
  /** Gives what to call when the batch is finished. Batches are begun in order. */
  begin(batch: readonly RecordedFile[]): () => void;
  through(): Omit<VerifyCursor, 'wrong'>;
}

export function createReach(from: Omit<VerifyCursor, 'wrong'>): Reach {
  let { after, files, bytes } = from;
  const begun: { readonly batch: readonly RecordedFile[]; isDone: boolean }[] = [];
  return {
    begin(batch) {
      const one = { batch, isDone: false };
      begun.push(one);
      return () => {
        one.isDone = true;
        while (begun[0]?.isDone) {
          const { batch } = begun.shift() ?? one;
          after = batch.at(-1)?.ino ?? after;
          files += batch.length;
          bytes += bytesOf(batch);
        }
      };
    },
    through: () => ({ after, files, bytes }),
  };
}
