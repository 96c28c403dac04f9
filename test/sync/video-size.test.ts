import { expect, it } from 'vitest';
import { videoLooksOf } from '../../src/sync/video-size.ts';
import { box, movieHeader, track, videoOf } from '../helpers/video-builder.ts';

const type = box('ftyp', Buffer.from('qt  \0\0\0\0', 'latin1'));
const long = (length: bigint) => {
  const head = Buffer.alloc(16);
  head.writeUInt32BE(1);
  head.write('mdat', 4, 'latin1');
  head.writeBigUInt64BE(length, 8);
  return head;
};
const directory = (...boxes: Buffer[]) => box('moov', Buffer.concat([movieHeader(10), ...boxes]));
/** A box that says it has 5 GiB, in a file that has as many as far as its length goes. */
const endless = (name: string) => {
  const head = long(5n << 30n);
  head.write(name, 4, 'latin1');
  return head;
};
const fractional = track(1920, 1080);
fractional.writeUInt16BE(0x8000, 8 + 8 + 84 - 2);

it.each<[string, Buffer, readonly [number, number] | undefined]>([
  ['directory behind the pictures', videoOf(1920, 1080, 100_000), [1920, 1080]],
  [
    'directory before the pictures',
    Buffer.concat([type, directory(track(640, 480)), box('mdat', Buffer.alloc(9))]),
    [640, 480],
  ],
  [
    'version 1',
    Buffer.concat([type, box('moov', Buffer.concat([movieHeader(10, 1), track(1080, 1920, 1)]))]),
    [1080, 1920],
  ],
  [
    'pictures of a 64-bit length',
    Buffer.concat([type, long(20n), Buffer.alloc(4), directory(track(3, 2))]),
    [3, 2],
  ],
  ['two pictures', Buffer.concat([type, directory(track(3, 2), track(4, 3))]), undefined],
  ['sound only', Buffer.concat([type, directory(track(0, 0))]), undefined],
  ['half pixels', Buffer.concat([type, directory(fractional)]), undefined],
  ['no duration', Buffer.concat([type, box('moov', track(3, 2))]), undefined],
  ['written piece by piece', videoOf(3, 2, 1000, 0), undefined],
  ['no directory', Buffer.concat([type, box('mdat', Buffer.alloc(9))]), undefined],
  ['cut off', videoOf(1920, 1080, 100_000).subarray(0, 99_000), undefined],
  ['another format', Buffer.from('1a45dfa3'.repeat(20), 'hex'), undefined],
  ['a length that leads nowhere', Buffer.concat([type, Buffer.alloc(64)]), undefined],
  ['nothing', Buffer.alloc(0), undefined],
])('pixels and duration of a video: %s', async (_, bytes, size) => {
  let reads = 0;
  const read = async (start: number, end: number) => {
    reads += 1;
    return bytes.subarray(start, end);
  };
  expect(await videoLooksOf(read, bytes.length)).toEqual(size && { size, seconds: 10 });
  expect(reads).toBeLessThan(40);
});

it.each(['mvhd', 'tkhd'])('does not read a %s that claims gigabytes', async (name) => {
  const whole = 6 * 2 ** 30;
  const inner = name === 'mvhd' ? endless('mvhd') : Buffer.concat([endless('trak'), endless('tkhd')]);
  // Each box is a little shorter than the one that it is in.
  for (let at = 0, length = 5n << 30n; at < inner.length; at += 16, length -= 16n)
    inner.writeBigUInt64BE(length, at + 8);
  const moov = endless('moov');
  moov.writeBigUInt64BE(BigInt(whole - type.length), 8);
  const bytes = Buffer.concat([type, moov, inner]);
  let most = 0;
  let last = 0;
  const read = async (start: number, end: number) => {
    most = Math.max(most, end - start);
    last = Math.max(last, start);
    return bytes.subarray(start, end);
  };
  expect(await videoLooksOf(read, whole)).toBeUndefined();
  expect(last).toBeGreaterThanOrEqual(bytes.length - 16);
  expect(most).toBe(16);
});
