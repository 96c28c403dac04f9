/**
 * The thread that answers the kernel. It opens its own connection to the index, waits for the device, and
 * then sits in a blocking read: from there on it hears of the main thread only through the board.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { openFilesystem } from '../filesystem.ts';
import { createAnswerBuffer } from './answer-buffer.ts';
import { createBatches } from './batches.ts';
import { raiseOnBoard } from './board.ts';
import { createHandles, type OpenDirectory, type OpenFile } from './handles.ts';
import { createLookups } from './lookups.ts';
import type { ReopenMessage, ServeMessage, WorkerData, WorkerMessage } from './messages.ts';
import { createOpenWays } from './open-ways.ts';
import { closeAll } from './reading.ts';
import { serve } from './serve.ts';
import type { Session } from './session.ts';

const port = parentPort;
if (port === null) throw new Error('worker.js is started by the kernel driver, as a thread');

const { indexPath, cachePath, presentation, board, wantsPassthrough } = workerData as WorkerData;
const filesystem = openFilesystem(indexPath, cachePath);
const post = (message: WorkerMessage) => port.postMessage(message);

/** Messages are taken from the port by hand, as the loop never comes back to wait for them. */
function wantedIndex(): string | undefined {
  let wanted: string | undefined;
  for (;;) {
    const received = receiveMessageOnPort(port as NonNullable<typeof port>) as
      | { message: ReopenMessage }
      | undefined;
    if (received === undefined) return wanted;
    wanted = received.message.index;
  }
}

port.once('message', ({ device }: ServeMessage) => {
  const session: Session = {
    device,
    filesystem,
    presentation,
    board,
    post,
    wantedIndex,
    answer: createAnswerBuffer(),
    batches: createBatches(filesystem, board),
    lookups: createLookups(board),
    files: createHandles<OpenFile>(board, 'files'),
    directories: createHandles<OpenDirectory>(board, 'directories'),
    wantsPassthrough,
    ways: createOpenWays(board, undefined),
  };
  try {
    serve(session);
  } finally {
    raiseOnBoard(board, 'ended');
    closeAll(session);
    filesystem.close();
  }
});
post({ type: 'ready' });
