/** `logout`: gives the account's token back to Google and deletes it. Sources and cached photos stay. */
import { endpointsOf } from '../sources/google/endpoints.ts';
import { createHttp } from '../sources/google/http.ts';
import { signOut } from '../sources/google/sign-out.ts';
import { exitCodes } from './exit-codes.ts';
import type { Run } from './run.ts';

export const run: Run = async (context) => {
  const { settings, paths, output } = context;
  const { account } = settings;
  const http = createHttp();
  try {
    const signedOut = await signOut({
      http,
      endpoints: endpointsOf(settings),
      account,
      secretPath: paths.clientSecret,
      tokenPath: paths.tokens,
      signal: context.signal(),
    });
    const { email = null, revoked = false } = signedOut ?? {};
    const name = email ?? account;
    const lines = [
      signedOut === undefined
        ? `"${account}" was not signed in.`
        : `${name} is signed out; cached photos stay.`,
    ];
    output.result({ type: 'logout', account, email, wasSignedIn: signedOut !== undefined, revoked }, lines);
    if (signedOut === undefined || revoked) return exitCodes.done;
    output.log('warn', 'Google could not be told; to end it there too, see myaccount.google.com/connections');
    return exitCodes.partial;
  } finally {
    await http.close();
  }
};
