/**
 * The list of files in Drive that may be archives, by Google's own library. MIME types say nothing: a zip of Takeout's
 * comes under three of them; so files are told by name, and later by content.
 */
import { drive, type drive_v3 } from '@googleapis/drive';
import type { GoogleClient } from '../client.ts';

/** What is asked of each file. */
export const fileFields =
  'id,name,size,md5Checksum,sha256Checksum,headRevisionId,trashed,capabilities(canDownload)';

const folderType = 'application/vnd.google-apps.folder';
/** The most that Drive gives. */
const pageSize = 1000;
/** More folders in one question make it longer than Drive takes. */
const foldersPerQuery = 50;

/** Pages of files: all in the given folders, or, without any, those in folders called Takeout and those named like archives. */
export async function* eachPage(
  client: GoogleClient,
  folders: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<readonly drive_v3.Schema$File[], void> {
  // The library appends the path itself. Its own retries are off: the client's know when Google asks for a rest.
  const rootUrl = new URL(client.endpoints.drive).origin;
  // It brings an older copy of the class that it wants, of the same shape as far as it calls it.
  const auth = (await client.auth()) as never;
  const { files } = drive({ version: 'v3', auth, rootUrl, retry: false });

  async function* ask(q: string, fields: string): AsyncGenerator<readonly drive_v3.Schema$File[], void> {
    for (let pageToken: string | undefined; ; ) {
      const page = await client.viaLibrary(
        { url: client.endpoints.drive, what: 'the list of files in Drive', signal },
        () =>
          files.list({
            q,
            fields: `nextPageToken,files(${fields})`,
            pageSize,
            spaces: 'drive',
            supportsAllDrives: true,
            includeItemsFromAllDrives: true,
            ...(pageToken === undefined ? {} : { pageToken }),
          }),
      );
      yield page.files ?? [];
      pageToken = page.nextPageToken ?? undefined;
      if (pageToken === undefined) return;
    }
  }

  const ids = [...folders];
  if (ids.length === 0) {
    const named = `mimeType = '${folderType}' and name = 'Takeout' and trashed = false`;
    for await (const page of ask(named, 'id')) ids.push(...page.flatMap(({ id }) => id ?? []));
  }
  // In Drive `contains` looks at the beginnings of words.
  const anywhere = folders.length === 0 ? ["name contains 'takeout-'"] : [];
  for (let at = 0; at < Math.max(1, ids.length); at += foldersPerQuery) {
    const inside = ids.slice(at, at + foldersPerQuery).map((id) => `'${quoted(id)}' in parents`);
    const where = [...(at === 0 ? anywhere : []), ...inside].join(' or ');
    yield* ask(`trashed = false and mimeType != '${folderType}' and (${where})`, fileFields);
  }
}

const quoted = (text: string): string => text.replace(/[\\']/g, '\\$&');
