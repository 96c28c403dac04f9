/**
 * Lines of the journal, each made as soon as its record comes. Kept as objects until their page was applied, records
 * grew old in memory: for 100,000 photos 60 MB of garbage, copied twice by each collection of the young.
 */
import type { JournalRecord } from './journal-record.ts';

export interface JournalLines {
  push(...records: readonly JournalRecord[]): void;
  /** Takes out all of them, in pieces of whole lines; none when there are no lines. */
  take(): readonly Buffer[];
}

/** Bytes a piece. Of a large page as one text, and as one buffer, 90 MB of a first sync's memory were garbage. */
const pieceBytes = 64 * 1024;

export function journalLines(): JournalLines {
  let pieces: Buffer[] = [];
  // A line break before each record would cost a byte; one before the first closes a line that a crash cut off.
  let piece = '\n';
  const cut = (): void => {
    pieces.push(Buffer.from(piece));
    piece = '';
  };
  return {
    push(...records) {
      for (const record of records) piece += `${JSON.stringify(record)}\n`;
      if (piece.length >= pieceBytes) cut();
    },
    take() {
      if (piece.length > 1) cut();
      const taken = pieces;
      pieces = [];
      piece = '\n';
      return taken;
    },
  };
}
