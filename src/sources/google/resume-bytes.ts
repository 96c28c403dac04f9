/**
 * Bytes that survive a broken connection: a stream that breaks or stalls is opened again where it stopped, for as long as
 * that gets anywhere. Two versions are never joined: the length and the mark of the version (ETag) must stay the same.
 */
import { GphotosfsError } from '../../model/errors.ts';
import type { OpenedBytes } from './bytes.ts';
import { wakeable } from './patience.ts';

export interface ResumeRequest {
  /** Opens the bytes from `start` to the end that is wanted; may give them from an earlier byte on. */
  readonly open: (start: number) => Promise<OpenedBytes>;
  /** First byte wanted; default 0. */
  readonly start?: number | undefined;
  /** One past the last byte wanted; default the length that the first answer tells. */
  readonly end?: number | undefined;
  readonly what: string;
  /** Told of the first answer, before its bytes: who doesn't like it throws. */
  readonly check?: ((opened: OpenedBytes) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly firstWaitMs?: number | undefined;
}

/** Breaks in a row without progress. */
const maxBreaks = 5;
/** What counts as progress: a server that gives a byte per connection would keep a fetch alive for ever. */
const progressBytes = 64 << 10;

/**
 * The bytes from `start` on, without a gap.
 * @throws what `open` throws; `source-changed` where another version is there now; the last failure after `maxBreaks`
 */
export async function* resumeBytes(request: ResumeRequest): AsyncGenerator<Buffer, void> {
  const { start = 0, what, signal, firstWaitMs = 500 } = request;
  let position = start;
  let first: OpenedBytes | undefined;
  for (let breaks = 0, resumedAt = start; ; ) {
    const opened = await request.open(position);
    try {
      if (first === undefined) request.check?.(opened);
      else refuseOther(first, opened, what);
      first ??= opened;
      if (opened.start > position)
        throw new GphotosfsError('source-unreachable', `${what}: bytes are missing`);
      for await (const bytes of skip(opened, position)) {
        position += bytes.length;
        yield bytes;
      }
      const end = request.end ?? opened.size;
      if (end === undefined || position >= end) return;
      throw new GphotosfsError('source-unreachable', `${what}: it ended early`);
    } catch (error) {
      const isPassing = error instanceof GphotosfsError && error.retryCanHelp && canResume(first);
      if (!isPassing || signal?.aborted === true) throw error;
      breaks = position - resumedAt >= progressBytes ? 1 : breaks + 1;
      resumedAt = position;
      if (breaks > maxBreaks) throw error;
      // The first time at once: what broke a transfer mostly was the connection.
      if (breaks > 1) await wakeable(firstWaitMs * 2 ** (breaks - 2), signal);
    } finally {
      await opened.bytes[Symbol.asyncIterator]().return?.();
    }
  }
}

/** Without a length and a mark nothing would tell one version from another. */
function canResume(first: OpenedBytes | undefined): boolean {
  return first === undefined || first.size !== undefined || first.etag !== undefined;
}

function refuseOther(first: OpenedBytes, now: OpenedBytes, what: string): void {
  // A mark that only one answer has says nothing.
  const isOther = (a: unknown, b: unknown) => a !== undefined && b !== undefined && a !== b;
  if (isOther(first.size, now.size) || isOther(first.etag, now.etag)) {
    throw new GphotosfsError('source-changed', `${what}: it changed while it was fetched`);
  }
}

/** The opened bytes from `position` on; a server that takes no ranges sends what was read before again. */
async function* skip({ bytes, start }: OpenedBytes, position: number): AsyncGenerator<Buffer, void> {
  let before = position - start;
  for await (const chunk of bytes) {
    const rest = before === 0 ? chunk : chunk.subarray(Math.min(before, chunk.length));
    before -= chunk.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}
