/**
 * What a source lists with a size that a fetch found to be wrong, and that lay at another place then: the source was removed and
 * added again, or the index was lost. It is given its true size before it is looked up, or it would be another photo.
 */
import { trueSize } from '../index/corrections.ts';
import type { Index } from '../index/open.ts';
import type { Page, ScannedFile, ScannedItem } from '../sources/source.ts';

/** The page with true sizes; only for a source that may be wrong, for its items are gone through here. */
export function withTrueSizes(index: Index, page: Page): Page {
  return { ...page, items: Array.from(page.items, (item) => correctItem(index, item)) };
}

function correctItem(index: Index, item: ScannedItem): ScannedItem {
  return { ...item, files: item.files.map((file) => correctFile(index, item.exportId, file)) };
}

function correctFile(index: Index, exportId: string, file: ScannedFile): ScannedFile {
  const { content, locations } = file;
  const address = locations[0]?.address ?? '';
  if (content.crc32 !== undefined || address === '') return file;
  const size = trueSize(index, exportId, address, content.size);
  return size === undefined ? file : { ...file, content: { size, crc32: undefined } };
}
