/**
 * Lists that come in pages. Only the token says whether more follows: a page may be short or empty and still have one (80
 * empty ones in a row have been seen), and the last may have no list at all.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import { refusalOf } from '../google-error.ts';

export interface TokenPage {
  readonly nextPageToken?: string | undefined;
}

/** How often a list whose token died is begun again; how long a token lives is not documented. */
const maxRestarts = 3;

/**
 * The pages of a list. Where a token has died the list is begun again, so that items come twice: who reads it tells them by
 * their ids.
 * @param ask asks for the page of a token, or for the first one; always with the same other parameters
 * @throws what `ask` throws; `bad-source` for a list that leads back to itself
 */
export async function* pagesOf<Page extends TokenPage>(
  ask: (token: string | undefined) => Promise<Page>,
): AsyncGenerator<Page, void> {
  for (let restarts = 0; ; restarts++) {
    const seen = new Set<string>();
    let token: string | undefined;
    try {
      do {
        const page: Page = await ask(token);
        yield page;
        token = page.nextPageToken === '' ? undefined : page.nextPageToken;
        if (token !== undefined && seen.has(token))
          throw new GphotosfsError('bad-source', 'a list of Google Photos leads back to itself');
        if (token !== undefined) seen.add(token);
      } while (token !== undefined);
      return;
    } catch (error) {
      const isDeadToken = token !== undefined && refusalOf(error)?.status === 400;
      if (!isDeadToken || restarts >= maxRestarts) throw error;
    }
  }
}
