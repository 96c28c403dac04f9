/**
 * What is asked of Drive: which archives are there, how one of them is now, and its bytes. Everything that comes back is
 * checked here; bytes are of one version of the file, for a file that changed has another length or mark.
 */
import { z } from 'zod';
import { GphotosfsError } from '../../../model/errors.ts';
import { sourceChanged } from '../../takeout/archives/archive-file.ts';
import type { OpenedBytes } from '../bytes.ts';
import type { GoogleClient } from '../client.ts';
import { refusalOf } from '../google-error.ts';
import type { Limit } from '../limit-rate.ts';
import { resumeBytes } from '../resume-bytes.ts';
import { eachPage, fileFields } from './list-files.ts';
import { createPace, type Pace } from './pace.ts';

/** A file in Drive as it is now. */
export interface DriveFile {
  readonly id: string;
  readonly name: string;
  /** Bytes; undefined for what has none, such as a document of Drive's own, or while it is being uploaded. */
  readonly size: number | undefined;
  /** Changes with its bytes; undefined where Drive tells neither a checksum nor a revision (yet). */
  readonly fingerprint: string | undefined;
  readonly trashed: boolean;
  /** Its owner lets it be downloaded. */
  readonly canDownload: boolean;
}

export interface DriveApi {
  /** Longest request for what is read from front to back, bytes. */
  readonly longRange: number;
  /** Of small requests. */
  readonly pace: Pace;
  /** Files that may be archives: in the folders, by their ids, or, given none, wherever Takeout puts them. */
  list(folders: readonly string[], signal: AbortSignal): Promise<readonly DriveFile[]>;
  /** The file as it is now. @throws `source-gone` */
  look(id: string, signal?: AbortSignal): Promise<DriveFile>;
  /** Bytes `start` to `end` of a file, which is `size` bytes long. @throws `source-changed` where it isn't */
  bytes(file: PinnedFile, start: number, end: number, how?: Reading): AsyncIterable<Buffer>;
}

export interface Reading {
  readonly signal?: AbortSignal | undefined;
  /** In pieces as the connection gives them. */
  readonly asTheyCome?: boolean;
}

/** How bytes are to be transferred. */
export interface Transfer {
  readonly longRange: number;
  readonly limit?: Limit | undefined;
}

/** A file as bytes are wanted of it. */
export interface PinnedFile {
  readonly id: string;
  readonly size: number;
  /** For messages. */
  readonly path: string;
}

const answered = z.object({
  id: z.string().min(1),
  name: z.string(),
  // A number as text, for it may be larger than JSON's numbers are exact.
  size: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
  md5Checksum: z.string().min(1).optional(),
  sha256Checksum: z.string().min(1).optional(),
  headRevisionId: z.string().min(1).optional(),
  trashed: z.boolean().optional(),
  capabilities: z.object({ canDownload: z.boolean().optional() }).optional(),
});

/** A file for messages: Drive may have several of one name. */
export const driveName = (name: string, id: string): string => `${name} (Drive file ${id})`;

export function createDriveApi(client: GoogleClient, { longRange, limit }: Transfer): DriveApi {
  const base = client.endpoints.drive;
  /** Files that Drive takes for malware, which it gives only to who says that he knows. Takeout's own zips have been taken for it. */
  const flagged = new Set<string>();
  const pace = createPace();

  async function open(
    file: PinnedFile,
    start: number,
    end: number,
    { signal, asTheyCome }: Reading,
  ): Promise<OpenedBytes> {
    const ask = (acknowledge: boolean) =>
      client.open({
        url: `${base}/files/${encodeURIComponent(file.id)}?alt=media&supportsAllDrives=true${acknowledge ? '&acknowledgeAbuse=true' : ''}`,
        authorized: true,
        what: file.path,
        start,
        end,
        signal,
        slowed: pace.slowed,
        asTheyCome,
      });
    const askAgain = (acknowledge: boolean) =>
      ask(acknowledge).catch((error: unknown) => {
        if (!isDeadLink(error)) throw error;
        return ask(acknowledge).catch((again: unknown) => {
          throw isDeadLink(again) ? deadLinkError(again, file) : again;
        });
      });
    try {
      return await askAgain(flagged.has(file.id));
    } catch (error) {
      // Said without need, it is refused.
      if (flagged.has(file.id) || !refusalOf(error)?.reasons.includes('cannotDownloadAbusiveFile'))
        throw error;
      const opened = await ask(true).catch((refused: unknown) => {
        throw flaggedError(refused, file);
      });
      flagged.add(file.id);
      return opened;
    }
  }

  return {
    longRange,
    pace,
    async list(folders, signal) {
      const files: DriveFile[] = [];
      for await (const page of eachPage(client, folders, signal))
        for (const one of page) files.push(toDriveFile(one, 'the list of files in Drive'));
      return [...new Map(files.map((file) => [file.id, file])).values()];
    },
    async look(id, signal) {
      const what = `Drive file ${id}`;
      const answer = await client.call({
        method: 'GET',
        url: `${base}/files/${encodeURIComponent(id)}`,
        query: { fields: fileFields, supportsAllDrives: true },
        schema: z.unknown(),
        what,
        signal,
      });
      return toDriveFile(answer, what);
    },
    bytes(file, start, end, how = {}) {
      if (start >= end) return noBytes();
      const chunks = resumeBytes({
        open: (from) =>
          open(file, from, end, how).catch((error: unknown) => {
            // Bytes that were there when it was looked at: it is another, shorter file by now.
            throw refusalOf(error)?.status === 416 ? sourceChanged(file.path) : error;
          }),
        start,
        end,
        what: file.path,
        check: ({ size }) => {
          if (size !== undefined && size !== file.size) throw sourceChanged(file.path);
        },
        signal: how.signal,
      });
      return limit?.(chunks, how.signal) ?? chunks;
    },
  };
}

function toDriveFile(value: unknown, what: string): DriveFile {
  const checked = answered.safeParse(value);
  if (!checked.success) throw new GphotosfsError('bad-source', `${what}: Drive answered oddly`);
  const { id, name, size, md5Checksum, sha256Checksum, headRevisionId, trashed, capabilities } = checked.data;
  // The checksum first: the same bytes uploaded again are another revision, but nothing that has to be read again.
  const mark = md5Checksum ?? sha256Checksum ?? headRevisionId;
  return {
    id,
    name,
    size: size === undefined ? undefined : Number(size),
    fingerprint: mark === undefined || size === undefined ? undefined : `${size}:${mark}`,
    trashed: trashed ?? false,
    canDownload: capabilities?.canDownload ?? true,
  };
}

/**
 * Whether somebody else than the API refuses: Drive may send on to a link of a content host, which dies, and what it says then
 * has no reason and tells nothing of the file.
 */
function isDeadLink(error: unknown): boolean {
  const refusal = refusalOf(error);
  return refusal !== undefined && [403, 404, 410].includes(refusal.status) && refusal.reasons.length === 0;
}

const deadLinkError = (cause: unknown, { path }: PinnedFile) =>
  new GphotosfsError('source-unreachable', `${path}: the links that Drive gives for it are dead`, {
    hint: 'Try again later.',
    cause,
  });

function flaggedError(error: unknown, { path }: PinnedFile): unknown {
  if (refusalOf(error) === undefined) return error;
  return new GphotosfsError(
    'no-permission',
    `${path}: Drive takes it for malware and only gives it to its owner`,
    {
      hint: 'Add the account that owns the file, or export again.',
      cause: error,
    },
  );
}

async function* noBytes(): AsyncGenerator<Buffer> {}
