/** The loop: read a request, answer it, until the mount is gone. */
import { readSync } from 'node:fs';
import { errorCode } from '../../model/errors.ts';
import { errno, errnoOf } from '../errno.ts';
import { addToBoard, readBoard } from './board.ts';
import { handlers } from './handlers.ts';
import { createRequest, type Request, takeRequest } from './request.ts';
import { fail, type Session } from './session.ts';

/** Blocks the calling thread until the mount is gone or the board says stop. */
export function serve(session: Session): void {
  const request = createRequest();
  let reopened = 0;
  let index: string | undefined;
  let late = false;
  while (readRequest(session, request)) {
    addToBoard(session.board, 'requests', 1);
    const wanted = readBoard(session.board, 'reopened');
    if (wanted !== reopened) {
      index = session.wantedIndex() ?? index;
      if (index === undefined || !reopen(session, index)) {
        late = true;
      } else {
        reopened = wanted;
        session.post({ type: 'reopened', count: wanted, late });
        late = false;
      }
    }
    answer(session, request);
  }
}

/** Whether the index could be opened; until it can, what was open before goes on serving. */
function reopen(session: Session, index: string): boolean {
  try {
    session.filesystem.reopen(index);
    return true;
  } catch (error) {
    const message = `the new index cannot be opened: ${error instanceof Error ? error.message : error}`;
    session.post({ type: 'log', level: 'warn', message });
    return false;
  }
}

/** Waits for the next request; false when there is none to come. */
function readRequest(session: Session, request: Request): boolean {
  for (;;) {
    try {
      const length = readSync(session.device, request.bytes, 0, request.bytes.length, null);
      if (readBoard(session.board, 'stop') !== 0) return false;
      takeRequest(request, length);
      return true;
    } catch (error) {
      const code = errorCode(error);
      // Unmounted; or its connection was aborted.
      if (code === 'ENODEV' || code === 'ECONNABORTED') return false;
      // ENOENT: the request was taken back while it was being read.
      if (code !== 'ENOENT' && code !== 'EINTR' && code !== 'EAGAIN') throw error;
    }
  }
}

/** Answers one request. Whatever goes wrong with it, its reader gets an error and the mount goes on. */
function answer(session: Session, request: Request): void {
  try {
    const handler = handlers.get(request.opcode);
    if (handler === undefined) fail(session, request, errno.ENOSYS);
    else handler(session, request);
  } catch (error) {
    const number = errnoOf(error);
    if (number !== errno.ENOENT) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `request ${request.opcode} on inode ${request.nodeid} failed: ${reason}`;
      session.post({ type: 'log', level: 'warn', message });
    }
    if (!request.answered) fail(session, request, number);
  }
}
