/** An MP4 as a camera writes it, as far as its boxes go: type, pictures, and behind them the directory with sound and picture. */
export function videoOf(width: number, height: number, size: number, seconds = 10): Buffer {
  const type = box('ftyp', Buffer.from('isom\0\0\0\0', 'latin1'));
  const directory = box('moov', Buffer.concat([movieHeader(seconds), track(0, 0), track(width, height)]));
  const pictures = Buffer.alloc(size - type.length - directory.length - 8, `${width} by ${height}, ${size};`);
  return Buffer.concat([type, box('mdat', pictures), directory]);
}

export function movieHeader(seconds: number, version: 0 | 1 = 0): Buffer {
  const header = Buffer.alloc(version === 0 ? 100 : 112);
  header.writeUInt8(version);
  header.writeUInt32BE(600, version === 0 ? 12 : 20);
  // The lower half of the longer one.
  header.writeUInt32BE(600 * seconds, version === 0 ? 16 : 28);
  return box('mvhd', header);
}

export function track(width: number, height: number, version: 0 | 1 = 0): Buffer {
  const header = Buffer.alloc(version === 0 ? 84 : 96);
  header.writeUInt8(version);
  header.writeUInt32BE(width * 65_536, header.length - 8);
  header.writeUInt32BE(height * 65_536, header.length - 4);
  return box('trak', Buffer.concat([box('tkhd', header), box('mdia', Buffer.alloc(40))]));
}

export function box(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + content.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}
