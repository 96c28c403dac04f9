/** One thread of `inspectors.ts`. The cache's root is open in the process, so its descriptor's number serves here too. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Directory } from './directories.ts';
import { createInspectBuffer, inspectFile } from './inspect.ts';
import type { InspectAnswer, InspectTask } from './inspectors.ts';

const port = parentPort;
if (port === null) throw new Error('inspect-worker.js is started by inspectors.ts, as a thread');

const root = workerData as Directory;
const buffer = createInspectBuffer();
port.on('message', (tasks: readonly InspectTask[]) => {
  const answers: readonly InspectAnswer[] = tasks.map(({ id, names, size }) => ({
    id,
    inspected: inspectFile(root, names, size, buffer),
  }));
  port.postMessage(answers);
});
