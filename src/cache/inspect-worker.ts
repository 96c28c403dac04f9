/** One thread of `inspectors.ts`. The cache's root is open in the process, so its descriptor's number serves here too. */
import { parentPort } from 'node:worker_threads';
import { createInspectBuffer, inspectFiles } from './inspect.ts';
import type { InspectTask } from './inspectors.ts';

const port = parentPort;
if (port === null) throw new Error('inspect-worker.js is started by inspectors.ts, as a thread');

const buffer = createInspectBuffer();
port.on('message', ({ root, files }: InspectTask) => port.postMessage(inspectFiles(root, files, buffer)));
