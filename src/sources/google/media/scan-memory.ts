/**
 * What a scan of an API remembers of each item: the ordinal that is its place, counted up and never given twice, and the
 * size that was asked for once and for all.
 */
import type { Memo } from '../../source.ts';

export interface RememberedItem {
  readonly ordinal: number;
  /** Bytes, as the source said. */
  readonly size: number;
}

export interface ScanMemory {
  find(id: string): RememberedItem | undefined;
  /** Remembers an item that is new, with what must be written in the page that lists it. */
  add(id: string, size: number): readonly Memo[];
}

const counterKey = 'next ordinal';
const keyOf = (id: string): string => `item ${id}`;

export function createScanMemory(recall: (key: string) => Buffer | undefined): ScanMemory {
  const added = new Map<string, RememberedItem>();
  let next = Number(recall(counterKey)?.toString() ?? 0);
  return {
    find: (id) => added.get(id) ?? parse(recall(keyOf(id))),
    add(id, size) {
      const ordinal = next++;
      added.set(id, { ordinal, size });
      return [
        { key: keyOf(id), value: Buffer.from(`${ordinal} ${size}`) },
        { key: counterKey, value: Buffer.from(String(next)) },
      ];
    },
  };
}

function parse(value: Buffer | undefined): RememberedItem | undefined {
  const [, ordinal, size] = /^(\d+) (\d+)$/.exec(value?.toString() ?? '') ?? [];
  return ordinal === undefined ? undefined : { ordinal: Number(ordinal), size: Number(size) };
}
