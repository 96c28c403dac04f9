/** Google: does the sign-in hold, can it be reached, and does its clock agree with ours? */
import { endpointsOf } from '../../sources/google/endpoints.ts';
import { loginCommand, type TokenHealth, tokenHealth } from '../../sources/google/token-health.ts';
import type { Context } from '../context.ts';
import { formatDuration } from '../format.ts';
import { type Check, type Finding, failed, ok, warning } from './check.ts';

/** Accounts that a source reads from Google; archives on disk need none. */
function accountsInUse({ config }: Context): string[] {
  return [...new Set(config.sources.filter(({ kind }) => kind !== 'takeout').map(({ account }) => account))];
}

export const signIn: Check = {
  name: 'sign-in',
  look({ context }) {
    const wanted = accountsInUse(context);
    const known = tokenHealth(context.paths.tokens);
    const missing = wanted.filter((account) => known.every((one) => one.account !== account));
    const findings = [
      ...known.map((one) => judge(one, wanted.includes(one.account))),
      ...missing.map((account) =>
        failed(`nobody is signed in as "${account}"`, `Run ${loginCommand(account)}.`),
      ),
    ];
    return findings.length > 0 ? findings : [ok('no source needs one')];
  },
};

function judge({ account, email, state, warning: says, hint }: TokenHealth, isUsed: boolean): Finding {
  const who = `"${account}"${email === undefined ? '' : ` (${email})`}`;
  if (state === 'good' || says === undefined) return ok(`${who} is signed in`);
  return state === 'ended' && isUsed ? failed(says, hint ?? '') : warning(says, hint ?? '');
}

/** Google's own clock is right; tokens and certificates bear some minutes, ms. */
const toleratedSkewMs = 5 * 60_000;

export const google: Check = {
  name: 'google',
  async look({ context }) {
    if (accountsInUse(context).length === 0) return [ok('not asked: no source needs it')];
    const { createHttp, headerOf, standardLimits } = await import('../../sources/google/http.ts');
    const http = createHttp({ ...standardLimits, headersMs: 10_000, connections: 1 });
    try {
      // Whatever it answers to a bare question: that it answers counts.
      const url = new URL(endpointsOf(context.settings).token);
      const what = 'reaching Google';
      const answer = await http.send({ method: 'GET', url, headers: {}, followRedirects: false, what });
      await answer.body.dump().catch(() => {});
      const skewMs = Date.now() - Date.parse(headerOf(answer.headers, 'date') ?? '');
      if (Math.abs(skewMs) > toleratedSkewMs) {
        const by = formatDuration(Math.abs(skewMs) / 1000);
        return [
          warning(
            `this machine's clock is ${by} ${skewMs > 0 ? 'ahead of' : 'behind'} Google's`,
            'Set the clock (timedatectl set-ntp true).',
          ),
        ];
      }
      return [ok(`${url.host} answers${Number.isNaN(skewMs) ? '' : ', and its clock agrees'}`)];
    } finally {
      await http.close().catch(() => {});
    }
  },
};
