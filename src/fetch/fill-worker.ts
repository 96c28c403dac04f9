/** A thread of `fill-threads.ts`: opens the source for itself, or requests a link, and writes files, each from its start on. */
import { closeSync, fstatSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { createPartial, removePartial } from '../cache/partial.ts';
import { settle } from '../cache/settle.ts';
import { checkSourceEntry, noAccounts, openSources } from '../sources/all.ts';
import type { BytesLink, Source } from '../sources/source.ts';
import type { FillAnswer, FillTask } from './fill-threads.ts';
import { hashingOf } from './hashing.ts';
import { lowerPriority } from './low-priority.ts';

lowerPriority();

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

type OpenLink = (link: BytesLink, size: number) => AsyncIterable<Buffer>;
let linked: Promise<OpenLink> | undefined;

/** What opens links: loaded where there are some. */
async function loadLinked(): Promise<OpenLink> {
  const [{ createHttp }, { openMediaLink }] = await Promise.all([
    import('../sources/google/http.ts'),
    import('../sources/google/media/media-link.ts'),
  ]);
  const http = createHttp();
  return (link, size) => openMediaLink(http, link, size);
}

async function bytesOf(task: FillTask): Promise<AsyncIterable<Buffer>> {
  const { link, location, content } = task;
  if (link === undefined) return (await sourceOf(task)).open(location, { atOnce: true });
  linked ??= loadLinked();
  return (await linked)(link, content.size);
}

/** Makes the file; leaves none where its bytes can't be had. */
async function fill(task: FillTask): Promise<FillAnswer['filled']> {
  const bytes = await bytesOf(task);
  const { fd } = createPartial(task.directory, task.name);
  // Why it failed the main thread finds out: it does it again.
  const filled = await write(task, bytes, fd).catch(() => undefined);
  const { dev, ino } = fstatSync(fd);
  closeSync(fd);
  if (filled !== undefined) return { ...filled, file: { dev, ino } };
  removePartial(task.directory, task.name);
  return undefined;
}

/** Writes, checks and settles the bytes; undefined where they are not what the source promised. */
async function write(
  { content, mtime }: FillTask,
  bytes: AsyncIterable<Buffer>,
  fd: number,
): Promise<Omit<NonNullable<FillAnswer['filled']>, 'file'> | undefined> {
  const hashing = hashingOf();
  for await (const chunk of bytes) {
    if (hashing.size + chunk.length > content.size) return undefined;
    for (let done = 0; done < chunk.length; )
      done += writeSync(fd, chunk, done, chunk.length - done, hashing.size + done);
    hashing.add(chunk);
  }
  const { size, crc32 } = hashing;
  const isRight = size === content.size && (content.crc32 === undefined || crc32 === content.crc32);
  if (!isRight) return undefined;
  await settle(fd, mtime);
  return { crc32, sha256: hashing.sha256() };
}

parentPort?.on('message', async (task: FillTask) => {
  const filled = await fill(task).catch(() => undefined);
  parentPort?.postMessage({ id: task.id, filled } satisfies FillAnswer);
});
