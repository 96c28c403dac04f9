/** What becomes of a mount's device when its kernel side fails or is gone, without a thread that serves it. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openFilesystem } from '../../../src/mount/filesystem.ts';
import { createAnswerBuffer } from '../../../src/mount/kernel/answer-buffer.ts';
import { createBatches } from '../../../src/mount/kernel/batches.ts';
import { createBoard, readBoard } from '../../../src/mount/kernel/board.ts';
import { createDevice } from '../../../src/mount/kernel/device.ts';
import { createHandles, type OpenFile } from '../../../src/mount/kernel/handles.ts';
import { isThere } from '../../../src/mount/kernel/invalidate.ts';
import { createLookups } from '../../../src/mount/kernel/lookups.ts';
import { mountAsRoot } from '../../../src/mount/kernel/mount-root.ts';
import { createOpenWays } from '../../../src/mount/kernel/open-ways.ts';
import { open } from '../../../src/mount/kernel/reading.ts';
import { createRequest } from '../../../src/mount/kernel/request.ts';
import type { Session } from '../../../src/mount/kernel/session.ts';
import { bytesOf } from '../../helpers/mount-bytes.ts';
import { canMount } from '../../helpers/mount-client.ts';
import { createTestTree, type TestTree } from '../../helpers/mount-tree.ts';

let tree: TestTree;
beforeEach(() => {
  tree = createTestTree();
});
afterEach(() => tree.remove());

/** Without a look at it: nobody answers. */
const unmount = () => execFileSync('umount', ['-c', '-n', '-i', tree.mountPoint], { timeout: 10_000 });

function sessionOn(device: number): Session {
  const board = createBoard();
  const filesystem = openFilesystem(tree.indexPath, tree.cachePath);
  return {
    device,
    filesystem,
    presentation: { uid: 0, gid: 0, mode: { file: 0, directory: 0, symlink: 0 } },
    board,
    post: () => {},
    wantedIndex: () => undefined,
    answer: createAnswerBuffer(),
    batches: createBatches(filesystem, board),
    lookups: createLookups(board),
    files: createHandles<OpenFile>(board, 'files'),
    directories: createHandles(board, 'directories'),
    wantsPassthrough: false,
    ways: createOpenWays(board, undefined),
  };
}

it.runIf(canMount())('tells whether its file system is still there', async () => {
  const device = createDevice(await mountAsRoot(tree.mountPoint, false));
  expect(isThere(device)).toBe(true);
  unmount();
  expect(isThere(device)).toBe(false);
  device.close();
  expect(isThere(device)).toBe(false);
});

it.runIf(canMount()).each([
  { what: 'fails', size: 300_000 },
  { what: 'fails', size: 5000 },
  { what: 'is gone', size: 300_000 },
])('leaves nothing open of $size bytes when it $what', async ({ what, size }) => {
  const fails = what === 'fails';
  const ino = tree.addFile(2, 'photo', { size, ctime: Math.floor(Date.now() / 1000) });
  tree.cacheFile(ino, bytesOf(ino, 0, size));
  const device = fails ? openSync('/dev/null', 'r') : await mountAsRoot(tree.mountPoint, false);
  if (!fails) unmount();
  const session = sessionOn(device);
  const request = Object.assign(createRequest(), { uniqueLow: 2, nodeid: ino });
  // The index is asked once before, so that nothing else stays open for the first time.
  const first = session.filesystem.open(ino);
  if (first.fd !== undefined) closeSync(first.fd);
  const before = readdirSync('/proc/self/fd').length;
  const opening = () => open(session, request);
  if (fails) expect(opening).toThrow('EBADF');
  else opening();
  expect(readBoard(session.board, 'files')).toBe(0);
  expect(readdirSync('/proc/self/fd').length).toBe(before);
  // What the kernel has is not known, so the next open does not keep it.
  expect(session.ways.open(ino, first).pages).toBe('drop');
  session.filesystem.close();
  closeSync(device);
});
