/**
 * Matching, second and third step: by the title inside the sidecar, where its name doesn't help. Only what is unique
 * on both sides counts, and a duplicate number must be the same: duplicates have the same title.
 */
import { beginsLike, cleanTitle, splitName, splitNumber } from './file-name.ts';
import { type Desk, type MediaName, own, push, type SidecarName, unmatched } from './match-desk.ts';
import { beforeEdited, kindOfName } from './media.ts';
import { readings, sidecarNameLimit } from './sidecar-name.ts';

/** Second step: the cleaned title is the media's name; then the same without regard to case. */
export function pairByTitle<M extends MediaName, S extends SidecarName>(desk: Desk<M, S>): void {
  pairTitlesAs(desk, (text) => text);
  pairTitlesAs(desk, (text) => text.toLowerCase());
}

function pairTitlesAs<M extends MediaName, S extends SidecarName>(
  desk: Desk<M, S>,
  fold: (text: string) => string,
): void {
  const left = unmatched(desk);
  if (left.length === 0) return;
  const titled = new Map<string, S[]>();
  for (const sidecar of desk.sidecars) {
    if (sidecar.title === undefined) continue;
    const title = cleanTitle(sidecar.title);
    if (contradicts(sidecar.name, title)) continue;
    push(titled, fold(`${title}\0${duplicateNumber(sidecar.name, title)}`), sidecar);
  }
  const claimed = new Map<string, M[]>();
  for (const file of left)
    for (const { core, number, extension } of readings(file.name))
      push(claimed, fold(`${core}${extension}\0${number}`), file);
  const found = new Map<M, S[]>();
  for (const [key, files] of claimed) {
    const [file] = files;
    const free = titled.get(key)?.filter((sidecar) => !desk.owner.has(sidecar)) ?? [];
    if (file !== undefined && files.length === 1 && free.length === 1) push(found, file, ...only(free));
  }
  for (const [file, sidecars] of found) {
    // A bracket read both ways may lead to two sidecars.
    const [sidecar] = sidecars;
    if (sidecar !== undefined && sidecars.length === 1 && !desk.owner.has(sidecar))
      own(desk, file, sidecar, 'title');
  }
  for (const file of left) {
    if (desk.matches.has(file)) continue;
    for (const { core, number, extension } of readings(file.name)) {
      const stem = beforeEdited(core);
      const sidecars = stem === undefined ? undefined : titled.get(fold(`${stem}${extension}\0${number}`));
      const [sidecar] = sidecars ?? [];
      if (sidecar !== undefined && sidecars?.length === 1)
        desk.matches.set(file, { role: 'edited', step: 'title', sidecar, original: undefined });
    }
  }
}

const only = <T>(list: readonly T[]): [T] => [list[0] as T];

/**
 * The duplicate number in a sidecar's name: the bracket before `.json`; or one in the middle that the title doesn't
 * have. A name cut inside a bracket of its title has none.
 */
function duplicateNumber(name: string, title: string): string {
  const { number } = splitNumber(name.slice(0, -'.json'.length));
  if (number !== '') return number;
  return /\(\d+\)(?=\.)/.exec(name)?.find((bracket) => !title.includes(bracket)) ?? '';
}

/**
 * Whether a sidecar's name and its title speak of two photos, so that nothing tells which is meant: the name holds a
 * media name that the title doesn't begin with (`IMG_2.jpg.json`, titled `IMG_1.jpg`), or ends inside a word
 * of the title though it is too short to have been cut (`IMG_1.json`, titled `IMG_12345.jpg`).
 */
function contradicts(name: string, title: string): boolean {
  const { core } = splitNumber(name.slice(0, -'.json'.length));
  const media = mediaNameIn(core);
  if (media !== undefined && !beginsLike(title, media)) return true;
  if (core.length >= sidecarNameLimit || !title.startsWith(core)) return false;
  return /[\p{L}\p{N}_]/u.test(title.slice(core.length, core.length + 2));
}

/** What of a sidecar's name reads like the name of a photo or video, number and Google's suffix left out. */
function mediaNameIn(core: string): string | undefined {
  for (let end = core.length; end > 0; end = core.lastIndexOf('.', end - 1)) {
    const { stem, extension } = splitName(core.slice(0, end));
    const plain = extension.replace(/\(\d+\)$/, '');
    const kind = kindOfName(stem + plain);
    if (kind === 'still' || kind === 'video') return stem + plain;
  }
  return undefined;
}

/** Shortest stem that may have been cut; below it a prefix proves nothing (`IMG_1` and `IMG_10`). */
const shortestPrefix = 40;

/** Third step: a long title whose end is missing from the media's name. */
export function pairByTitlePrefix<M extends MediaName, S extends SidecarName>(desk: Desk<M, S>): void {
  const long = unmatched(desk).flatMap((file) => {
    const { stem, extension } = splitName(file.name);
    const { core, number } = splitNumber(stem);
    return core.length >= shortestPrefix ? [{ file, core, number, extension }] : [];
  });
  if (long.length === 0) return;
  // Google cuts at about the same length always, so few lengths occur and each title is looked up for those only.
  const lengths = new Set(long.map(({ core }) => core.length));
  const titled = new Map<string, S[]>();
  for (const sidecar of desk.sidecars) {
    if (sidecar.title === undefined || desk.owner.has(sidecar)) continue;
    const title = cleanTitle(sidecar.title);
    if (contradicts(sidecar.name, title)) continue;
    const { stem, extension } = splitName(title);
    const number = duplicateNumber(sidecar.name, title);
    for (const length of lengths)
      if (stem.length >= length) push(titled, `${stem.slice(0, length)}\0${extension}\0${number}`, sidecar);
  }
  const claims = new Map<S, M[]>();
  for (const { file, core, number, extension } of long) {
    const sidecars = titled.get(`${core}\0${extension}\0${number}`) ?? [];
    const [sidecar] = sidecars;
    if (sidecar?.title !== undefined && sidecars.length === 1 && beginsLike(sidecar.title, core))
      push(claims, sidecar, file);
  }
  for (const [sidecar, files] of claims) {
    const [file] = files;
    if (file !== undefined && files.length === 1) own(desk, file, sidecar, 'title-prefix');
  }
}
