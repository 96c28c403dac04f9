/** Google Drive as the fake plays it: a list of files with their bytes, from disk or from memory, and ranges of them. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Content, Exchange, FakeGoogle } from './fake-google.ts';
import { driveScope } from './oauth.ts';

export interface FakeDriveFile {
  readonly id: string;
  name: string;
  /** Takeout's zips come under several; nobody should believe them. */
  mimeType: string;
  content: Content;
  parents: readonly string[];
  trashed: boolean;
  /** Taken for malware. */
  flagged: boolean;
  /** Downloaded too often: Drive gives its bytes to nobody for a day. */
  overQuota: boolean;
  /** Without length and checksum so far. */
  uploading: boolean;
  canDownload: boolean;
  /** Counts the versions of its bytes. */
  revision: number;
  /** Drive tells no checksum of it, only a revision. */
  withoutChecksum: boolean;
}

export interface FakeDrive {
  readonly files: Map<string, FakeDriveFile>;
  /** Files a page of a list. */
  pageSize: number;
  /** Told of every request for bytes before it is answered, with the number of such requests so far. */
  onBytes: (file: FakeDriveFile, count: number) => void;
  /** Puts a file there; a path is read from disk as it is asked for. */
  add(
    content: Content | string,
    more?: Partial<Omit<FakeDriveFile, 'id' | 'content'>> & { id?: string },
  ): FakeDriveFile;
  /** Other bytes in the same file. */
  replace(file: FakeDriveFile, content: Content | string): void;
  /** The folder that Takeout puts archives into. */
  readonly takeout: string;
  /** Requests for bytes, and for what a file is, so far. */
  bytesRequests(): number;
  metadataRequests(): number;
  listRequests(): number;
  /** Bytes of files sent so far. */
  bytesSent(): number;
  close(): void;
}

const folderType = 'application/vnd.google-apps.folder';
const prefix = '/drive/v3/files';

export function addDrive(fake: FakeGoogle): FakeDrive {
  const files = new Map<string, FakeDriveFile>();
  const opened: number[] = [];
  let made = 0;
  let asked = 0;
  const takeout = 'folderTakeout0001';

  function fromDisk(path: string): Content {
    const fd = openSync(path, 'r');
    opened.push(fd);
    const { size } = statSync(path);
    return {
      size,
      slice(start: number, end: number) {
        const bytes = Buffer.allocUnsafe(end - start);
        return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, start));
      },
    };
  }
  const contentOf = (content: Content | string): Content =>
    typeof content === 'string' ? fromDisk(content) : content;

  const drive: FakeDrive = {
    files,
    pageSize: 1000,
    onBytes: () => {},
    takeout,
    add(content, { id, ...more } = {}) {
      made++;
      const file: FakeDriveFile = {
        id: id ?? `file${String(made).padStart(8, '0')}`,
        name: typeof content === 'string' ? basename(content) : `takeout-${made}.zip`,
        mimeType: made % 2 === 0 ? 'application/x-zip-compressed' : 'application/octet-stream',
        content: contentOf(content),
        parents: [takeout],
        trashed: false,
        flagged: false,
        overQuota: false,
        uploading: false,
        canDownload: true,
        revision: 1,
        withoutChecksum: false,
        ...more,
      };
      files.set(file.id, file);
      return file;
    },
    replace(file, content) {
      file.content = contentOf(content);
      file.revision++;
    },
    bytesRequests: () => requests('media').length,
    metadataRequests: () => requests('file').length,
    listRequests: () => requests('list').length,
    bytesSent: () => requests('media').reduce((sum, { bytesSent }) => sum + bytesSent, 0),
    close() {
      for (const fd of opened.splice(0)) closeSync(fd);
    },
  };
  drive.add(Buffer.alloc(0), { id: takeout, name: 'Takeout', mimeType: folderType, parents: [] });

  const requests = (kind: 'media' | 'file' | 'list') =>
    fake.requests.filter(({ path, query }) => {
      if (!path.startsWith(prefix)) return false;
      if (path === prefix) return kind === 'list';
      return kind === (query.get('alt') === 'media' ? 'media' : 'file');
    });

  fake.use(prefix, async (exchange) => {
    if (!(await fake.oauth.allows(exchange, driveScope))) return;
    const id = exchange.rest.replace(/^\//, '');
    if (id === '') return list(exchange);
    const file = files.get(id);
    if (file === undefined) return refuse(exchange, 404, 'notFound', `File not found: ${id}.`);
    if (exchange.request.query.get('alt') !== 'media') return exchange.json(200, describe(file));
    drive.onBytes(file, ++asked);
    if (!file.canDownload)
      return refuse(exchange, 403, 'cannotDownloadFile', 'This file cannot be downloaded.');
    if (file.overQuota)
      return refuse(
        exchange,
        403,
        'downloadQuotaExceeded',
        'The download quota for this file has been exceeded.',
      );
    const acknowledged = exchange.request.query.get('acknowledgeAbuse') === 'true';
    if (file.flagged && !acknowledged)
      return refuse(
        exchange,
        403,
        'cannotDownloadAbusiveFile',
        'This file has been identified as malware or spam.',
      );
    if (!file.flagged && acknowledged)
      return refuse(exchange, 403, 'invalidAbuseAcknowledgment', 'The file is not identified as abusive.');
    return exchange.bytes(file.content, file.mimeType);
  });

  async function list(exchange: Exchange): Promise<void> {
    const { query } = exchange.request;
    const found = [...files.values()].filter(matcher(query.get('q') ?? ''));
    const start = Number(query.get('pageToken') ?? 0);
    const end = start + Math.min(drive.pageSize, Number(query.get('pageSize') ?? 100));
    await exchange.json(200, {
      files: found.slice(start, end).map(describe),
      ...(end < found.length ? { nextPageToken: String(end) } : {}),
    });
  }
  return drive;
}

/** The conditions that the program asks with, of those that Drive knows. */
function matcher(q: string): (file: FakeDriveFile) => boolean {
  const isFolder = / mimeType = '|^mimeType = '/.test(q);
  const name = /name = '([^']*)'/.exec(q)?.[1];
  const prefixes = [...q.matchAll(/name contains '([^']*)'/g)].map(([, text = '']) => text);
  const parents = [...q.matchAll(/'([^']*)' in parents/g)].map(([, id = '']) => id);
  return (file) => {
    if (q.includes('trashed = false') && file.trashed) return false;
    if (isFolder !== (file.mimeType === folderType)) return false;
    if (name !== undefined) return file.name === name;
    return (
      prefixes.some((text) => file.name.toLowerCase().startsWith(text)) ||
      parents.some((id) => file.parents.includes(id))
    );
  };
}

function describe(file: FakeDriveFile): object {
  const { id, name, mimeType, trashed, content, canDownload, revision } = file;
  const size = Buffer.isBuffer(content) ? content.length : content.size;
  const bytes =
    mimeType === folderType || file.uploading
      ? {}
      : {
          size: String(size),
          headRevisionId: `${id}-revision-${revision}`,
          ...(file.withoutChecksum ? {} : { md5Checksum: markOf(`${id} ${revision} ${size}`) }),
        };
  return { id, name, trashed, capabilities: { canDownload }, ...bytes };
}

/** Stands for a checksum: another one for each version of each file. */
const markOf = (text: string): string => createHash('md5').update(text).digest('hex');

function refuse(exchange: Exchange, code: number, reason: string, message: string): Promise<void> {
  return exchange.json(code, { error: { code, message, errors: [{ domain: 'global', reason, message }] } });
}
