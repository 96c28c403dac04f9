/** A thread of `fill-threads.ts`: opens the source for itself and writes one file after another. */
import { createHash } from 'node:crypto';
import { closeSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { createPartial, removePartial } from '../cache/partial.ts';
import { checkSourceEntry, noAccounts, openSources } from '../sources/all.ts';
import type { Source } from '../sources/source.ts';
import type { FillAnswer, FillTask } from './fill-threads.ts';

const sources = new Map<string, Promise<Source>>();

function sourceOf(task: FillTask): Promise<Source> {
  const { source: id } = task.location;
  let source = sources.get(id);
  if (source === undefined) {
    source = openSources([checkSourceEntry(task.source)], noAccounts).then(([opened]) => {
      if (opened === undefined) throw new Error('there is no such source');
      return opened;
    });
    sources.set(id, source);
  }
  return source;
}

async function fill(task: FillTask): Promise<FillAnswer['filled']> {
  const source = await sourceOf(task);
  const { fd } = createPartial(task.directory, task.name);
  try {
    const filled = await write(task, source, fd);
    if (filled !== undefined) return { fd, ...filled };
  } catch {
    // The main thread tries again, and tells why it can't be had.
  }
  closeSync(fd);
  removePartial(task.directory, task.name);
  return undefined;
}

/** Writes and checks the bytes; undefined where they are not what the source promised. */
async function write({ location, content }: FillTask, source: Source, fd: number) {
  const hash = createHash('sha256');
  let crc = 0;
  let written = 0;
  for await (const chunk of source.open(location, { atOnce: true })) {
    if (written + chunk.length > content.size) return undefined;
    for (let done = 0; done < chunk.length; )
      done += writeSync(fd, chunk, done, chunk.length - done, written + done);
    hash.update(chunk);
    crc = crc32(chunk, crc);
    written += chunk.length;
  }
  const isRight = written === content.size && (content.crc32 === undefined || crc === content.crc32);
  return isRight ? { crc32: crc, sha256: hash.digest() } : undefined;
}

parentPort?.on('message', async (task: FillTask) => {
  const filled = await fill(task).catch(() => undefined);
  parentPort?.postMessage({ id: task.id, filled } satisfies FillAnswer);
});
