/** A thread of `fill-threads.ts`: opens the source for itself and writes one file after another. */
import { writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { checkSourceEntry, noAccounts, openSources } from '../sources/all.ts';
import type { Source } from '../sources/source.ts';
import type { FillAnswer, FillTask } from './fill-threads.ts';
import { hashingOf } from './hashing.ts';

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

/** Writes and checks the bytes; undefined where they are not what the source promised. */
async function fill(task: FillTask): Promise<FillAnswer['filled']> {
  const { location, content, fd } = task;
  const source = await sourceOf(task);
  const hashing = hashingOf();
  for await (const chunk of source.open(location, { atOnce: true })) {
    if (hashing.size + chunk.length > content.size) return undefined;
    for (let done = 0; done < chunk.length; )
      done += writeSync(fd, chunk, done, chunk.length - done, hashing.size + done);
    hashing.add(chunk);
  }
  const { size, crc32 } = hashing;
  const isRight = size === content.size && (content.crc32 === undefined || crc32 === content.crc32);
  return isRight ? { crc32, sha256: hashing.sha256() } : undefined;
}

parentPort?.on('message', async (task: FillTask) => {
  // Why it failed the main thread finds out: it does it again.
  const filled = await fill(task).catch(() => undefined);
  parentPort?.postMessage({ id: task.id, filled } satisfies FillAnswer);
});
