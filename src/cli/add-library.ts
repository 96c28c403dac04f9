/** `add library`: what the owner's own client has uploaded. Only noted; the first sync asks Google. */
import { exitCodes } from './exit-codes.ts';
import type { Run } from './run.ts';
import { ensureAccountEntry, nextStep } from './source-entries.ts';

export const run: Run = async ({ output, paths, settings }) => {
  const { account } = settings;
  const { entry, isNew } = await ensureAccountEntry(paths.config, 'library', account);
  output.result({ type: 'added', id: entry.id, account, known: isNew ? 0 : 1 }, [
    `${entry.id}: ${isNew ? 'added' : 'known already'}`,
    `Next: ${nextStep(paths, account, 'library')}`,
  ]);
  return exitCodes.done;
};
