/**
 * A tgz from Drive that is kept on disk while it is listed: it can only be read from its start, so what is listed now and
 * fetched a moment later would be downloaded twice. Whoever has taken its photos removes the folder.
 */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ArchiveFile, OpenArchive } from '../../takeout/archives/archive-file.ts';
import { localFile } from '../../takeout/archives/local-file.ts';
import { readFailure } from '../../takeout/archives/read-failure.ts';

/** The file, read from `folder` where a whole copy of the same version lies there, else from Drive. */
export function spooledFile(file: ArchiveFile, folder: string): ArchiveFile {
  return {
    ...file,
    async use(expected) {
      const open = await file.use(expected);
      // A fingerprint may have any characters; the size in it and the id tell versions apart as far as a name can.
      const path = join(folder, `${file.name}-${open.fingerprint.replace(/[^A-Za-z0-9]/g, '-')}.tgz`);
      if (sizeOf(path) === open.size) return copied(open, path);
      return {
        ...open,
        stream: (start, end, signal) =>
          start === 0 && end === open.size
            ? keep(open.stream(start, end, signal), folder, path, end)
            : open.stream(start, end, signal),
      };
    },
  };
}

async function copied(open: OpenArchive, path: string): Promise<OpenArchive> {
  const file = localFile(path);
  const local = await file.use();
  return {
    ...local,
    fingerprint: open.fingerprint,
    async release() {
      await local.release();
      await file.close();
      await open.release();
    },
  };
}

/** The stream, which is written to `path` on its way; there is a file of that name only when all of it came. */
async function* keep(
  chunks: AsyncIterable<Buffer>,
  folder: string,
  path: string,
  size: number,
): AsyncGenerator<Buffer, void> {
  const partial = `${path}.part`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fd = openSync(partial, 'w', 0o600);
  let written = 0;
  try {
    for await (const chunk of chunks) {
      try {
        for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done);
      } catch (error) {
        throw readFailure(error, partial);
      }
      written += chunk.length;
      yield chunk;
    }
    if (written === size) renameSync(partial, path);
  } finally {
    closeSync(fd);
    rmSync(partial, { force: true });
  }
}

function sizeOf(path: string): number | undefined {
  try {
    return statSync(path).size;
  } catch {
    return undefined;
  }
}
