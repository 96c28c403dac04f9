/** `add library`: what the owner's own client has uploaded. Only noted; the first sync asks Google. */
import { existsSync } from 'node:fs';
import { exitCodes } from './exit-codes.ts';
import type { Run } from './run.ts';
import { ensureAccountEntry } from './source-entries.ts';

export const run: Run = async ({ output, paths, settings }) => {
  const { account } = settings;
  const { entry, isNew } = await ensureAccountEntry(paths.config, 'library', account);
  const next = existsSync(paths.tokens) ? 'gphotosfs sync' : 'gphotosfs login, then gphotosfs sync';
  output.result({ type: 'added', id: entry.id, account, known: isNew ? 0 : 1 }, [
    `${entry.id}: ${isNew ? 'added' : 'known already'}`,
    `Next: ${next}`,
  ]);
  return exitCodes.done;
};
