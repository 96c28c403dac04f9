/** What tests of sources do: scan to the end with a memory of its own, and find a file's location as the index would. */
import type { Location } from '../../src/model/words.ts';
import type { Page, ScannedFile, ScannedItem, Source } from '../../src/sources/source.ts';

/** What a source asked to find again; stands for the index's memos. */
export type Memory = Map<string, Buffer>;

export interface ScanOptions {
  readonly memory?: Memory;
  readonly rescan?: boolean;
  readonly signal?: AbortSignal;
  /** Stops after so many pages, as a process that is killed would; their memos are kept. */
  readonly pages?: number;
}

/** A page with its items in memory. */
export type ListedPage = Page & { readonly items: readonly ScannedItem[] };

/** Scans and gives the pages; each page's memos are kept as soon as it has come. */
export async function scanPages(source: Source, options: ScanOptions = {}): Promise<ListedPage[]> {
  const memory = options.memory ?? new Map<string, Buffer>();
  const pages: ListedPage[] = [];
  const scan = source.scan({
    recall: (key) => memory.get(key),
    rescan: options.rescan ?? false,
    signal: options.signal ?? new AbortController().signal,
    progress: () => {},
  });
  for await (const page of scan) {
    pages.push({ ...page, items: [...page.items] });
    for (const { key, value } of page.memos) {
      if (value === undefined) memory.delete(key);
      else memory.set(key, value);
    }
    if (pages.length === options.pages) break;
  }
  return pages;
}

/** A scanned file with its first location as the index would hand it back. */
export interface Found {
  readonly file: ScannedFile;
  readonly location: Location;
  readonly sequential: boolean;
}

/** All files of these pages by name; a name that comes again is an error of the test's own data. */
export function filesByName(source: Source, pages: readonly ListedPage[]): Map<string, Found> {
  const archives = new Map(pages.flatMap((page) => page.archives).map((archive) => [archive.name, archive]));
  const found = new Map<string, Found>();
  // What is listed early comes again.
  for (const file of pages
    .filter((page) => !page.early)
    .flatMap((page) => page.items)
    .flatMap((item) => item.files)) {
    const [place] = file.locations;
    const archive = archives.get(place?.archive ?? '');
    if (place === undefined || archive === undefined) throw new Error(`${file.name} lies nowhere`);
    if (found.has(file.name)) throw new Error(`${file.name} comes twice`);
    const location = { ...file.content, ...place, source: source.id, fingerprint: archive.fingerprint };
    found.set(file.name, { file, location, sequential: archive.sequential });
  }
  return found;
}
