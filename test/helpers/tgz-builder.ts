/**
 * Writes tgz files through tar-stream's pack, so that entries of any kind (links, devices, hostile names, long
 * names) can be made. Streaming: the memory is that of one entry.
 */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Header, type Pack, pack } from 'tar-stream';
import type { Bytes } from './zip-builder.ts';

/** One entry; `type` other than file has no bytes. */
export interface TgzEntry {
  readonly name: string;
  readonly bytes?: Bytes;
  readonly mtime?: Date;
  readonly type?: Header['type'];
  /** Target of a symlink or hard link. */
  readonly linkname?: string;
}

/** A tgz file being written. */
export interface TgzWriter {
  add(entry: TgzEntry): Promise<void>;
  finish(): Promise<void>;
}

/** Creates (or truncates) `path` and takes entries one by one. Level 1 keeps big test archives quick. */
export function openTgz(path: string, level = 1): TgzWriter {
  const tar = pack();
  const file = tar.pipe(createGzip({ level })).pipe(createWriteStream(path));
  const written = finished(file);
  return {
    add: (entry) =>
      new Promise((resolve, reject) => {
        const bytes = plain(entry.bytes ?? '');
        const header: Parameters<Pack['entry']>[0] = {
          name: entry.name,
          size: bytes.length,
          mtime: entry.mtime ?? new Date(Date.UTC(2026, 0, 1, 12)),
          type: entry.type ?? 'file',
          ...(entry.linkname === undefined ? {} : { linkname: entry.linkname }),
        };
        tar.entry(header, bytes, (error) => (error ? reject(error) : resolve()));
      }),
    async finish() {
      tar.finalize();
      await written;
    },
  };
}

/** Writes a whole tgz file. */
export async function writeTgz(path: string, entries: Iterable<TgzEntry>): Promise<void> {
  const tgz = openTgz(path);
  for (const entry of entries) await tgz.add(entry);
  await tgz.finish();
}

function plain(bytes: Bytes): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes);
  return 'zeros' in bytes ? Buffer.alloc(bytes.zeros) : bytes;
}
