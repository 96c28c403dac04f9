/** Content: bytes by what is known of them before they are fetched. */
import type { Content } from './words.ts';

/** Whether two contents are the same bytes, as far as both sides know. A folder knows no CRC-32. */
export function sameContent(a: Content, b: Content): boolean {
  return a.size === b.size && (a.crc32 === b.crc32 || a.crc32 === undefined || b.crc32 === undefined);
}
