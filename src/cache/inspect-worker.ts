/** One thread of `inspectors.ts`. The cache's root is open in the process, so its descriptor's number serves here too. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RecordedFile } from '../index/verification.ts';
import type { Directory } from './directories.ts';
import { createInspectBuffer, inspectFiles } from './inspect.ts';

const port = parentPort;
if (port === null) throw new Error('inspect-worker.js is started by inspectors.ts, as a thread');

const root = workerData as Directory;
const buffer = createInspectBuffer();
port.on('message', (files: readonly RecordedFile[]) => port.postMessage(inspectFiles(root, files, buffer)));
