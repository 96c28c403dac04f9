/** Links to bytes die within the hour, sometimes sooner: one that is refused is renewed, once. */
import { refusalOf } from '../google-error.ts';

/**
 * Does `use` with the link, and once more with a new one where the host refused the first (403 is what a dead link gets;
 * 404 is a link that was never right, or an item that is gone, which asking for a new one will tell).
 */
export async function withLink<T>(
  link: (renew: boolean) => Promise<string>,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const url = await link(false);
  try {
    return await use(url);
  } catch (error) {
    if (!isDead(error)) throw error;
    return use(await link(true));
  }
}

/** A 403 of a rate or of a missing permission has another kind; neither has to do with the link. */
function isDead(error: unknown): boolean {
  const refusal = refusalOf(error);
  if (refusal === undefined) return false;
  const { kind } = error as { kind?: unknown };
  return kind === 'no-permission' || kind === 'source-gone';
}
