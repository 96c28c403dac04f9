import { expect, it } from 'vitest';
import { videoSizeOf } from '../../src/sync/video-size.ts';
import { box, track, videoOf } from '../helpers/video-builder.ts';

const type = box('ftyp', Buffer.from('qt  \0\0\0\0', 'latin1'));
const long = (length: bigint) => {
  const head = Buffer.alloc(16);
  head.writeUInt32BE(1);
  head.write('mdat', 4, 'latin1');
  head.writeBigUInt64BE(length, 8);
  return head;
};
const fractional = track(1920, 1080);
fractional.writeUInt16BE(0x8000, 8 + 8 + 84 - 2);

it.each<[string, Buffer, readonly [number, number] | undefined]>([
  ['directory behind the pictures', videoOf(1920, 1080, 100_000), [1920, 1080]],
  [
    'directory before the pictures',
    Buffer.concat([type, box('moov', track(640, 480)), box('mdat', Buffer.alloc(9))]),
    [640, 480],
  ],
  ['version 1', Buffer.concat([type, box('moov', track(1080, 1920, 1))]), [1080, 1920]],
  [
    'pictures of a 64-bit length',
    Buffer.concat([type, long(20n), Buffer.alloc(4), box('moov', track(3, 2))]),
    [3, 2],
  ],
  ['two pictures', Buffer.concat([type, box('moov', Buffer.concat([track(3, 2), track(4, 3)]))]), undefined],
  ['sound only', Buffer.concat([type, box('moov', track(0, 0))]), undefined],
  ['half pixels', Buffer.concat([type, box('moov', fractional)]), undefined],
  ['no directory', Buffer.concat([type, box('mdat', Buffer.alloc(9))]), undefined],
  ['cut off', videoOf(1920, 1080, 100_000).subarray(0, 99_000), undefined],
  ['another format', Buffer.from('1a45dfa3'.repeat(20), 'hex'), undefined],
  ['a length that leads nowhere', Buffer.concat([type, Buffer.alloc(64)]), undefined],
  ['nothing', Buffer.alloc(0), undefined],
])('pixels of a video: %s', async (_, bytes, size) => {
  let reads = 0;
  const read = async (start: number, end: number) => {
    reads += 1;
    return bytes.subarray(start, end);
  };
  expect(await videoSizeOf(read, bytes.length)).toEqual(size);
  expect(reads).toBeLessThan(40);
});
