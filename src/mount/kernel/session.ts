/** What the handlers of one mount share, and how they answer. */
import type { Filesystem } from '../filesystem.ts';
import { type AnswerBuffer, sendAnswer } from './answer-buffer.ts';
import type { Batches } from './batches.ts';
import type { Board } from './board.ts';
import type { Handles, OpenDirectory, OpenFile } from './handles.ts';
import type { Lookups } from './lookups.ts';
import type { Presentation, WorkerMessage } from './messages.ts';
import type { OpenWays } from './open-ways.ts';
import type { Request } from './request.ts';

export interface Session {
  readonly device: number;
  readonly filesystem: Filesystem;
  readonly presentation: Presentation;
  readonly answer: AnswerBuffer;
  readonly board: Board;
  readonly batches: Batches;
  readonly lookups: Lookups;
  readonly files: Handles<OpenFile>;
  readonly directories: Handles<OpenDirectory>;
  /** Whether to ask the kernel for passthrough; INIT settles whether there is any. */
  readonly wantsPassthrough: boolean;
  ways: OpenWays;
  /** The index that the main thread wants open, if it has named one since the last call. */
  readonly wantedIndex: () => string | undefined;
  /** Says something to the main thread. */
  readonly post: (message: WorkerMessage) => void;
}

/** Answers one request, by `ok`, `fail` or a message to the main thread. What it throws becomes an error answer. */
export type Handler = (session: Session, request: Request) => void;

/** Sends `length` bytes of body that stand in the answer buffer. False: the kernel no longer waits. */
export function ok(session: Session, request: Request, length: number): boolean {
  const taken = sendAnswer(session.device, session.answer, request.uniqueLow, request.uniqueHigh, 0, length);
  request.answered = true;
  return taken;
}

/** Sends a positive error number. */
export function fail(session: Session, request: Request, error: number): void {
  sendAnswer(session.device, session.answer, request.uniqueLow, request.uniqueHigh, error, 0);
  request.answered = true;
}
