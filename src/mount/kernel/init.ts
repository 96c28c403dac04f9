/** The greeting: which protocol version and which abilities the mount uses. */
import { errno } from '../errno.ts';
import { createBackingFiles } from './backing-files.ts';
import { createOpenWays } from './open-ways.ts';
import {
  answerHeaderLength,
  initFlag,
  initFlag2,
  initIn,
  initOutLength,
  major,
  maxPages,
  minor,
  oldestMinor,
} from './protocol.ts';
import { fail, type Handler, ok } from './session.ts';

/**
 * Requests that the kernel has under way by itself, which is all readahead. Its default of 12 makes 32 slow
 * reads take three rounds; with 64 they take one (measured).
 */
const maxBackground = 64;
/** Where the kernel starts to hold back: three quarters, its own default ratio. */
const congestionThreshold = 48;

const wantedFlags =
  initFlag.asyncRead |
  initFlag.doReaddirplus |
  initFlag.parallelDirops |
  initFlag.maxPages |
  initFlag.cacheSymlinks |
  initFlag.initExt;

/**
 * How deep file systems may be stacked with this one on top: 1, its files' bytes come from one that is itself not
 * stacked. 2 would allow a cache on an overlay, but no overlay above the mount.
 */
const maxStackDepth = 1;

/** INIT: the first request of a mount. */
export const init: Handler = (session, request) => {
  const { bytes } = request;
  const { words } = session.answer;
  const theirMajor = bytes.readUInt32LE(initIn.major);
  const theirMinor = bytes.readUInt32LE(initIn.minor);
  const body = answerHeaderLength / 4;
  words.fill(0, body, body + initOutLength / 4);
  words[body] = major;
  words[body + 1] = Math.min(minor, theirMinor);
  if (theirMajor > major) {
    // A kernel of a later major asks again with ours, so only the version counts in this answer.
    words[body + 1] = minor;
    ok(session, request, initOutLength);
    return;
  }
  if (theirMajor < major || theirMinor < oldestMinor) {
    fail(session, request, errno.EPROTO);
    const message = `the kernel speaks FUSE ${theirMajor}.${theirMinor}; ${major}.${oldestMinor} (Linux 3.15) or later is needed`;
    session.post({ type: 'refused', message });
    return;
  }
  words[body + 2] = bytes.readUInt32LE(initIn.maxReadahead);
  const flags = bytes.readUInt32LE(initIn.flags) & wantedFlags;
  words[body + 3] = flags;
  words[body + 4] = maxBackground | (congestionThreshold << 16);
  words[body + 5] = 4096; // max_write, the least there is: nothing is ever written
  words[body + 6] = 1; // time_gran, nanoseconds
  words[body + 7] = maxPages; // map_alignment in the upper half stays 0
  const offered = (flags & initFlag.initExt) === 0 ? 0 : bytes.readUInt32LE(initIn.flags2);
  if (session.wantsPassthrough && (offered & initFlag2.passthrough) !== 0) {
    words[body + 8] = initFlag2.passthrough;
    words[body + 9] = maxStackDepth;
    const log = (message: string) => session.post({ type: 'log', level: 'debug', message });
    session.ways = createOpenWays(session.board, createBackingFiles(session.device, log));
  }
  ok(session, request, initOutLength);
  session.post({ type: 'serving' });
};
