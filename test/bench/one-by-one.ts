/** What a prefetch is held against: `one-by-one.ts URL TOKEN ARCHIVE OUT …`, one request a photo, 8 side by side, no checks. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { localFile } from '../../src/sources/takeout/archives/local-file.ts';
import { zipArchive } from '../../src/sources/takeout/archives/zip.ts';

const limit = pLimit(8);
const [out = '', token = '', ...pairs] = process.argv.slice(2);
const requests: Promise<void>[] = [];
for (let at = 0; at < pairs.length; at += 2) {
  const [url = '', path = ''] = pairs.slice(at, at + 2);
  const { entries } = await zipArchive(localFile(path)).list(new AbortController().signal);
  for (const { path: name, offset, size } of entries) {
    if (name.endsWith('.json')) continue;
    const headers = { authorization: `Bearer ${token}`, range: `bytes=${offset}-${offset + size + 200}` };
    requests.push(
      limit(async () => {
        const answer = await fetch(url, { headers });
        writeFileSync(join(out, `${at}-${offset}`), Buffer.from(await answer.arrayBuffer()));
      }),
    );
  }
}
await Promise.all(requests);
