/**
 * Every way gphotosfs can fail, as one closed list of kinds.
 *
 * An error is raised low, where the reason is known, and translated once per edge: `mount/errno.ts` turns a
 * kind into an errno, `cli/exit-codes.ts` into an exit code. Both tables are checked with
 * `satisfies Record<ErrorKind, …>`, so a kind without a translation does not compile.
 */
export const errorKinds = [
  /** The caller asked for something that makes no sense: wrong flag, wrong value, unsafe combination. */
  'usage',
  /** A path, source or item that the caller named does not exist. */
  'not-found',
  /** The operating system refused access. */
  'no-permission',
  /** An archive or a listing cannot be read: truncated, encrypted, corrupt, of an unknown format. */
  'bad-source',
  /** Bytes are not what the source promised: size, CRC-32, or the compressed stream itself. */
  'bad-content',
  /** The archive changed since it was scanned, so recorded offsets no longer hold. */
  'source-changed',
  /** The archive or account is not there (any more). */
  'source-gone',
  /** The source does not answer; later it may. */
  'source-unreachable',
  /** The source's quota is used up; later it is not. */
  'quota',
  /** Sign-in is missing or no longer valid. */
  'sign-in',
  /** No source can give the file's bytes, and they are not cached. */
  'unavailable',
  /** The cache's file system is full, or has no free inodes. */
  'no-space',
  /** The cache's disk takes nothing: it is read-only, or reports errors. What it still gives is read. */
  'cache-failing',
  /** The cache directory is not the one the index knows: wrong disk, or disk not mounted. */
  'wrong-cache',
  /** A file or directory of the cache is not what it should be and is not touched. */
  'bad-cache',
  /** The index was written by a newer gphotosfs. */
  'index-newer',
  /** The index is damaged. */
  'index-corrupt',
  /** Another process holds what this one needs. */
  'busy',
  /** The mount could not be made or undone. */
  'mount',
  /** The owner stopped the program, or the reader gave up. */
  'interrupted',
  /** A native part that was not built, or for another Node. */
  'not-built',
  /** A defect of gphotosfs itself. */
  'internal',
] as const;

export type ErrorKind = (typeof errorKinds)[number];

/** Kinds where the same call may work a little later, without anybody doing anything. */
const passingKinds: ReadonlySet<ErrorKind> = new Set(['source-unreachable', 'quota', 'busy']);

export interface ErrorDetails {
  /** What the owner can do about it: a whole sentence. */
  readonly hint?: string;
  /** The error underneath. */
  readonly cause?: unknown;
  /** When the source said a retry can help: milliseconds from now. */
  readonly retryAfterMs?: number;
  /** Of `quota`: only this archive is refused; the others of its source may be had. */
  readonly ofOneArchive?: boolean;
  /** Of `bad-content`: the source's bytes are whole and sound, but so many, and not as many as it had said. */
  readonly actualSize?: number;
}

/** An error whose reason is known. `message` says what failed and names the file; `hint` says what to do. */
export class GphotosfsError extends Error {
  override readonly name = 'GphotosfsError';
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly ofOneArchive: boolean;
  readonly actualSize: number | undefined;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.kind = kind;
    this.hint = details.hint;
    this.retryAfterMs = details.retryAfterMs;
    this.ofOneArchive = details.ofOneArchive ?? false;
    this.actualSize = details.actualSize;
  }

  /** Whether the same call may succeed later by itself. */
  get retryCanHelp(): boolean {
    return passingKinds.has(this.kind);
  }
}

/** Kinds that concern the whole cache: it can take no more, whatever the file. */
const cacheKinds: ReadonlySet<ErrorKind> = new Set(['no-space', 'cache-failing']);

/** Whether the cache can take no more, so that trying with the next file is no use. */
export function isCacheClosed({ kind }: { readonly kind: ErrorKind }): boolean {
  return cacheKinds.has(kind);
}

/** The operating system's errors that say more than "it failed", by their `code`. */
const kindOfCode: Readonly<Record<string, ErrorKind>> = {
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EACCES: 'no-permission',
  EPERM: 'no-permission',
  EROFS: 'no-permission',
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  ABORT_ERR: 'interrupted',
  SQLITE_BUSY: 'busy',
  SQLITE_CORRUPT: 'index-corrupt',
  SQLITE_NOTADB: 'index-corrupt',
  SQLITE_FULL: 'no-space',
  SQLITE_IOERR: 'index-corrupt',
};

/** SQLite says which way it failed behind the family: SQLITE_IOERR_READ, SQLITE_CORRUPT_INDEX. */
const familyOf = (code: string): string => /^SQLITE_[A-Z]+/.exec(code)?.[0] ?? code;

/** The `code` of a Node or SQLite error (`'ENOENT'`), or undefined. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/**
 * Any thrown value as a GphotosfsError: one that is one already is returned as it is; an error of the
 * operating system or of SQLite gets the kind its code stands for; all else is `internal`.
 */
export function toGphotosfsError(error: unknown, what?: string): GphotosfsError {
  if (error instanceof GphotosfsError) return error;
  const kind = kindOfCode[familyOf(errorCode(error) ?? '')] ?? 'internal';
  const message = error instanceof Error ? error.message : String(error);
  const hint = kind === 'no-space' ? { hint: 'Free some space on the disk that has the home.' } : {};
  return new GphotosfsError(kind, what === undefined ? message : `${what}: ${message}`, {
    ...hint,
    cause: error,
  });
}

/** What failed, and what the owner can do, for one line of a log. */
export function describeFailure({ message, hint }: GphotosfsError): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
