/** `doctor`: what is wrong here, and what to do about it. One line a finding; nothing is made or changed. */
import { existsSync } from 'node:fs';
import type { Index } from '../index/open.ts';
import { toGphotosfsError } from '../model/errors.ts';
import type { Context } from './context.ts';
import * as accountChecks from './doctor/account-checks.ts';
import * as cacheChecks from './doctor/cache-checks.ts';
import { type Check, type Finding, failed, type Subject, type Verdict } from './doctor/check.ts';
import * as homeChecks from './doctor/home-checks.ts';
import * as mountChecks from './doctor/mount-checks.ts';
import * as sourceChecks from './doctor/source-checks.ts';
import * as systemChecks from './doctor/system-checks.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { formatCounted } from './format.ts';
import type { Run } from './run.ts';

/** In the order in which they are told: what everything else stands on comes first. */
const checks: readonly Check[] = [
  systemChecks.node,
  systemChecks.kernel,
  systemChecks.database,
  systemChecks.clock,
  systemChecks.packages,
  mountChecks.device,
  mountChecks.mounting,
  mountChecks.passthrough,
  mountChecks.mounts,
  homeChecks.permissions,
  homeChecks.index,
  cacheChecks.cache,
  cacheChecks.fileSystem,
  cacheChecks.space,
  sourceChecks.sources,
  sourceChecks.archives,
  accountChecks.signIn,
  accountChecks.google,
];

const codeOf: Readonly<Record<Verdict, ExitCode>> = {
  ok: exitCodes.done,
  warning: exitCodes.partial,
  failed: exitCodes.failed,
};

/** So that the words after it stand in one column. */
const longestName = Math.max(...checks.map(({ name }) => name.length));

export const run: Run = async (context) => {
  const { output } = context;
  const counts = { ok: 0, warning: 0, failed: 0 };
  const tell = (name: string, { verdict, says, remedy }: Finding) => {
    counts[verdict] += 1;
    const mark = verdict === 'ok' ? 'ok     ' : verdict === 'warning' ? 'WARNING' : 'FAILED ';
    const record = { type: 'check', check: name, verdict, says, remedy: remedy ?? null };
    const line = `${mark}  ${name.padEnd(longestName)}  ${says}`;
    const indent = ' '.repeat(longestName + 11);
    output.result(record, remedy === undefined ? [line] : [line, `${indent}→ ${remedy}`]);
  };
  const { index, close, finding } = await openForReading(context);
  try {
    if (finding !== undefined) tell('index', finding);
    for (const check of checks) {
      // Why there is none to be checked has been told.
      if (check === homeChecks.index && finding !== undefined) continue;
      for (const one of await lookAt(check, { context, index })) tell(check.name, one);
    }
  } finally {
    close();
  }
  const worst: Verdict = counts.failed > 0 ? 'failed' : counts.warning > 0 ? 'warning' : 'ok';
  const summary =
    worst === 'ok'
      ? 'All is well.'
      : `${formatCounted(counts.failed, 'failure')}, ${formatCounted(counts.warning, 'warning')}.`;
  output.result({ type: 'doctor', worst, ...counts }, ['', summary]);
  return codeOf[worst];
};

async function lookAt(check: Check, subject: Subject): Promise<readonly Finding[]> {
  try {
    return await check.look(subject);
  } catch (error) {
    return [asFinding(error)];
  }
}

function asFinding(error: unknown): Finding {
  const { message, hint } = toGphotosfsError(error);
  return failed(message, hint ?? 'Run it again with --log-level debug, and report what it says.');
}

interface Opened {
  readonly index: Index | undefined;
  /** Why there is none, where that is not because nothing was synced yet. */
  readonly finding: Finding | undefined;
  readonly close: () => void;
}

/** Not through the context, which would make a new one. */
async function openForReading({ paths }: Context): Promise<Opened> {
  const none = (finding: Finding | undefined): Opened => ({ index: undefined, finding, close: () => {} });
  if (!existsSync(paths.index)) return none(undefined);
  try {
    const [{ closeIndex, openIndex }, { isCurrent }] = await Promise.all([
      import('../index/open.ts'),
      import('../index/integrity.ts'),
    ]);
    const index = openIndex(paths.index, { readonly: true });
    if (isCurrent(index)) return { index, finding: undefined, close: () => closeIndex(index) };
    closeIndex(index);
    return none({ verdict: 'ok', says: 'made by an older gphotosfs; the next sync brings it up to date' });
  } catch (error) {
    return none(asFinding(error));
  }
}
