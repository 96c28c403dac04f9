/**
 * A small real video without a video encoder: Motion JPEG in AVI ("OpenDML AVI File Format Extensions" keeps the
 * RIFF form of 1992), each frame one of the given photographs. Every player knows it.
 */

function chunk(id: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, 0, 'latin1');
  head.writeUInt32LE(data.length, 4);
  // Chunks start at even offsets.
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

function list(type: string, parts: readonly Buffer[]): Buffer {
  return chunk('LIST', Buffer.concat([Buffer.from(type, 'latin1'), ...parts]));
}

function integers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, at * 4);
  return bytes;
}

/** An AVI that shows each JPEG for one second. The frames are scaled by the player to the first one's size. */
export function motionJpeg(frames: readonly Buffer[]): Buffer {
  const { width, height } = sizeOf(frames[0] ?? Buffer.alloc(0));
  const largest = Math.max(...frames.map((frame) => frame.length));
  const microsecondsPerFrame = 1_000_000;
  const hasIndex = 0x10;
  const mainHeader = integers(
    ...[microsecondsPerFrame, largest, 0, hasIndex, frames.length, 0, 1, largest, width, height, 0, 0, 0, 0],
  );
  const streamHeader = Buffer.concat([
    Buffer.from('vidsMJPG', 'latin1'),
    integers(0, 0, 0, 1, 1, 0, frames.length, largest, 0xffffffff, 0, 0, 0),
  ]);
  const format = Buffer.concat([
    integers(40, width, height, (24 << 16) | 1),
    Buffer.from('MJPG', 'latin1'),
    integers(width * height * 3, 0, 0, 0, 0),
  ]);
  const header = list('hdrl', [
    chunk('avih', mainHeader),
    list('strl', [chunk('strh', streamHeader), chunk('strf', format)]),
  ]);
  const data = frames.map((frame) => chunk('00dc', frame));
  const keyFrame = 0x10;
  let offset = 4;
  const entries = frames.map((frame, at) => {
    const entry = Buffer.concat([Buffer.from('00dc', 'latin1'), integers(keyFrame, offset, frame.length)]);
    offset += data[at]?.length ?? 0;
    return entry;
  });
  const body = [
    Buffer.from('AVI ', 'latin1'),
    header,
    list('movi', data),
    chunk('idx1', Buffer.concat(entries)),
  ];
  return chunk('RIFF', Buffer.concat(body));
}

/** Width and height from a JPEG's frame header (ITU-T T.81, B.2.2). */
function sizeOf(jpeg: Buffer): { width: number; height: number } {
  for (let at = 2; at + 9 < jpeg.length && jpeg[at] === 0xff; ) {
    const marker = jpeg[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: jpeg.readUInt16BE(at + 5), width: jpeg.readUInt16BE(at + 7) };
    at += 2 + jpeg.readUInt16BE(at + 2);
  }
  throw new Error('not a JPEG with a frame header');
}
