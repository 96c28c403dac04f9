/** The Google accounts that are signed in, and which sign-ins will end. */
import { toGphotosfsError } from '../../model/errors.ts';
import { type TokenHealth, tokenHealth } from '../../sources/google/token-health.ts';
import { isoTime, labelled, type Section, type Subject } from './section.ts';

export function accounts({ context }: Subject): Section {
  try {
    const all = tokenHealth(context.paths.tokens);
    return { record: { accounts: all.map(recordOf) }, lines: all.flatMap(describe) };
  } catch (error) {
    // A damaged token.json: all else is shown.
    const { message, hint = '' } = toGphotosfsError(error);
    return { record: { accounts: null }, lines: labelled('account', `${message}. ${hint}`) };
  }
}

function recordOf({ email, signedInAt, endsAt, warning, hint, ...rest }: TokenHealth): object {
  return {
    ...rest,
    email: email ?? null,
    signedInAt: isoTime(signedInAt / 1000),
    endsAt: isoTime(endsAt === undefined ? undefined : endsAt / 1000),
    warning: warning ?? null,
    hint: hint ?? null,
  };
}

function describe({ account, email, warning, hint }: TokenHealth): string[] {
  const who = email === undefined ? account : `${account}, ${email}`;
  return labelled('account', who, ...(warning === undefined ? [] : [`${warning} ${hint ?? ''}`]));
}
