/** Bytes that are different at every place of every file, made up on both sides of a mount. */

/** What stands from `offset` on in the file `ino`. */
export function bytesOf(ino: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  // One number in every eight bytes: its place and the file.
  const first = Math.floor(offset / 8);
  const shift = offset - first * 8;
  const words = Buffer.alloc(Math.ceil((shift + length) / 8) * 8);
  for (let at = 0; at < words.length; at += 8) {
    const word = first + at / 8;
    words.writeUInt32LE((Math.imul(word, 0x9e3779b1) ^ Math.imul(ino, 0x85ebca6b)) >>> 0, at);
    words.writeUInt32LE(word >>> 0, at + 4);
  }
  words.copy(bytes, 0, shift, shift + length);
  return bytes;
}
