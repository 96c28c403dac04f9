/**
 * Sizes of many items, some at a time. An item that can't be measured is a problem of its own; only what concerns them all
 * (quota, sign-in, no network) ends it.
 */
import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import { type GphotosfsError, toGphotosfsError } from '../../../model/errors.ts';

/** What measuring a group of items gave. */
export interface Measured<Item> {
  readonly sizes: ReadonlyMap<Item, number>;
  /** Items that could not be measured, with the reason. */
  readonly failed: ReadonlyMap<Item, GphotosfsError>;
  /** Why the rest was not tried. */
  readonly stopped: GphotosfsError | undefined;
}

/** As many HEADs as rclone sends at a time when it is told to learn sizes. */
const sideBySide = 20;
/** So many in a row that don't get through: then it is the network, not the items. */
const maxUnreachable = 20;

/** Asks for the size of each item. @throws `interrupted` */
export async function measureAll<Item>(
  items: readonly Item[],
  stopping: AbortSignal,
  measure: (item: Item, signal: AbortSignal) => Promise<number>,
): Promise<Measured<Item>> {
  // Each request listens to it.
  const signal = AbortSignal.any([stopping]);
  setMaxListeners(0, signal);
  const sizes = new Map<Item, number>();
  const failed = new Map<Item, GphotosfsError>();
  let stopped: GphotosfsError | undefined;
  let unreachable = 0;
  const limit = pLimit(sideBySide);
  async function measureOne(item: Item): Promise<void> {
    if (stopped !== undefined) return;
    try {
      sizes.set(item, await measure(item, signal));
      unreachable = 0;
    } catch (error) {
      const known = toGphotosfsError(error);
      unreachable = known.kind === 'source-unreachable' ? unreachable + 1 : 0;
      if (concernsAll(known) || unreachable >= maxUnreachable) stopped ??= known;
      else failed.set(item, known);
    }
  }
  await Promise.all(items.map((item) => limit(() => measureOne(item))));
  // Out of the closure's sight for the compiler.
  const why = stopped as GphotosfsError | undefined;
  if (why?.kind === 'interrupted') throw why;
  return { sizes, failed, stopped: why };
}

/** Whether what went wrong with one item, or album, goes wrong with all. */
export function concernsAll({ kind }: GphotosfsError): boolean {
  return (
    kind === 'quota' ||
    kind === 'sign-in' ||
    kind === 'interrupted' ||
    kind === 'usage' ||
    kind === 'internal'
  );
}
