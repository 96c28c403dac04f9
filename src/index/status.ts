/** How things stand, in numbers. */
import type { UnixSeconds } from '../model/words.ts';
import { intact } from './cached.ts';
import { type Index, rawStatement, statement } from './open.ts';
import { obtainable } from './plan.ts';
import { getSetting } from './settings.ts';
import { countUnavailable } from './sources.ts';

export interface SourceStatus {
  readonly id: string;
  readonly account: string;
  readonly archives: number;
  readonly files: number;
  readonly bytes: number;
  readonly cachedFiles: number;
  /** Items that can't be listed yet, for their size isn't known. */
  readonly waiting: number;
  readonly lastScan: UnixSeconds | undefined;
  /** When the newest of its exports was made. */
  readonly newestExport: UnixSeconds | undefined;
}

export interface IndexStatus {
  readonly items: number;
  readonly files: number;
  readonly bytes: number;
  readonly cachedFiles: number;
  readonly cachedBytes: number;
  /** Files that `verify` found wrong or missing in the cache, and that are not mended yet. */
  readonly damaged: number;
  /** Former bytes of photos, which are kept beside the tree. */
  readonly superseded: { readonly files: number; readonly bytes: number };
  readonly albums: number;
  /** Listed, but neither cached nor to be had. */
  readonly unavailable: number;
  /** Without a sidecar so far: their dates may still change, once. */
  readonly provisional: number;
  /** Newer bytes that are known but not fetched yet. */
  readonly revisions: number;
  /** Every file is in the cache, with its newest bytes. */
  readonly complete: boolean;
  readonly lastSync: UnixSeconds | undefined;
  readonly sources: readonly SourceStatus[];
}

export function readStatus(index: Index): IndexStatus {
  const numbers = (sql: string) =>
    (rawStatement(index, sql).get() as (number | null)[]).map((value) => value ?? 0);
  return index.db.transaction(() => {
    const [items = 0, provisional = 0] = numbers('SELECT count(*), sum(provisional) FROM item');
    const [files = 0, bytes = 0] = numbers('SELECT count(*), sum(size) FROM file');
    const [cachedFiles = 0, cachedBytes = 0, damaged = 0] = numbers(
      `SELECT total(${intact}), total(c.size * (${intact})), total(NOT (${intact})) FROM cached c`,
    );
    const [supersededFiles = 0, supersededBytes = 0] = numbers('SELECT count(*), sum(size) FROM superseded');
    const [waiting = 0] = numbers('SELECT sum(waiting) FROM source');
    const [albums = 0] = numbers('SELECT count(*) FROM album');
    const [revisions = 0] = numbers(`SELECT count(*) FROM (${obtainable})`);
    const sources = readSources(index);
    const lastSync = getSetting(index, 'lastSync');
    return {
      items,
      files,
      bytes,
      cachedFiles,
      cachedBytes,
      damaged,
      superseded: { files: supersededFiles, bytes: supersededBytes },
      albums,
      unavailable: countUnavailable(index),
      provisional,
      revisions,
      complete: lastSync !== undefined && cachedFiles === files && revisions === 0 && waiting === 0,
      lastSync: lastSync === undefined ? undefined : Number(lastSync),
      sources,
    };
  })();
}

type Times = 'lastScan' | 'newestExport';

function readSources(index: Index): SourceStatus[] {
  const rows = statement(
    index,
    `SELECT s.id, s.account, s.last_scan AS lastScan, s.waiting,
            (SELECT max(a.export_time) FROM archive a WHERE a.source = s.id) AS newestExport,
            (SELECT count(*) FROM archive a WHERE a.source = s.id) AS archives,
            count(f.ino) AS files, coalesce(sum(f.size), 0) AS bytes, count(c.ino) AS cachedFiles
     FROM source s
     LEFT JOIN (SELECT DISTINCT a.source, l.ino FROM location l JOIN archive a ON a.id = l.archive) x ON x.source = s.id
     LEFT JOIN file f ON f.ino = x.ino
     LEFT JOIN cached c ON c.ino = f.ino AND ${intact}
     GROUP BY s.id ORDER BY s.id`,
  ).all() as (Omit<SourceStatus, Times> & Record<Times, number | null>)[];
  return rows.map(({ lastScan, newestExport, ...row }) => ({
    ...row,
    lastScan: lastScan ?? undefined,
    newestExport: newestExport ?? undefined,
  }));
}
