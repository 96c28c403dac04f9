/**
 * Matching, last steps: edited copies whose suffix was cut off or is in a language that no list has, and edits whose
 * number fits nothing. The title has to confirm the stem, because `trip-sunset.jpg` may as well be a photo of its own
 * whose sidecar lies in a part that isn't here.
 */
import { beginsLike, cleanTitle } from './file-name.ts';
import { type Desk, type MediaName, push, type SidecarName, theOne, unmatched } from './match-desk.ts';
import { beforeEdited, isCutSuffix } from './media.ts';
import { candidates, readings } from './sidecar-name.ts';

/** Shortest stem at which a title may go on (as in `title-steps.ts`). */
const shortestPrefix = 40;
/** Dashes looked at from the end of a name. */
const mostDashes = 3;
/** An unknown word counts as a suffix of edits where it follows the stems of this many originals of the folder. */
const enoughOriginals = 2;

/** Fifth step. */
export function pairCutSuffixes<M extends MediaName, S extends SidecarName>(desk: Desk<M, S>): void {
  const unknown = new Map<string, { file: M; sidecar: S; original: M | undefined }[]>();
  for (const file of unmatched(desk))
    for (const { core, number, extension } of readings(file.name)) {
      let dash = core.lastIndexOf('-');
      for (let count = 0; dash > 0 && count < mostDashes && !desk.matches.has(file); count++) {
        const suffix = core.slice(dash);
        const stem = core.slice(0, dash);
        const found = confirmed(desk, file, stem, number, extension);
        if (found !== undefined && isCutSuffix(suffix))
          desk.matches.set(file, { role: 'edited', step: 'cut-suffix', ...found });
        else if (found?.original !== undefined && mayBeSuffix(suffix))
          push(unknown, suffix, { file, ...found });
        dash = core.lastIndexOf('-', dash - 1);
      }
    }
  for (const copies of unknown.values()) {
    if (new Set(copies.map(({ original }) => original)).size < enoughOriginals) continue;
    for (const { file, sidecar, original } of copies)
      if (!desk.matches.has(file))
        desk.matches.set(file, { role: 'edited', step: 'cut-suffix', sidecar, original });
  }
}

/** A word, in any script: no digits, which number things, and no single letters. */
function mayBeSuffix(suffix: string): boolean {
  return /^-[\p{L}\p{M}][\p{L}\p{M} ]+$/u.test(suffix) && (suffix.length > 4 || /[^\x20-\x7e]/.test(suffix));
}

/** The sidecar of the original that a stem leads to, if its title agrees. */
function confirmed<M extends MediaName, S extends SidecarName>(
  desk: Desk<M, S>,
  file: M,
  stem: string,
  number: string,
  extension: string,
): { sidecar: S; original: M | undefined } | undefined {
  const original = theOne(desk.mediaByName.get(stem + number + extension), file);
  const match = original === undefined ? undefined : desk.matches.get(original);
  if (match?.role === 'original' && match.sidecar !== undefined)
    return confirms(match.sidecar, stem, extension) ? { sidecar: match.sidecar, original } : undefined;
  for (const candidate of candidates(stem + number + extension)) {
    if (candidate.edited || candidate.number !== number) continue;
    const sidecar = theOne(desk.sidecarsByName.get(candidate.name), file);
    if (sidecar !== undefined && confirms(sidecar, stem, extension)) return { sidecar, original: undefined };
  }
  return undefined;
}

function confirms({ title }: SidecarName, stem: string, extension: string): boolean {
  if (title === undefined) return false;
  return cleanTitle(title) === stem + extension || (stem.length >= shortestPrefix && beginsLike(title, stem));
}

/**
 * Sixth step: `X-edited(1)` where neither `X(1)` nor a sidecar with that number is here. It may be a second edit of X
 * or the only file left of another photo, so the pair is marked as of low confidence.
 */
export function pairLoosely<M extends MediaName, S extends SidecarName>(desk: Desk<M, S>): void {
  for (const file of unmatched(desk))
    for (const { core, number, extension } of readings(file.name)) {
      const stem = beforeEdited(core);
      if (number === '' || stem === undefined) continue;
      const found = confirmed(desk, file, stem, '', extension);
      if (found !== undefined) desk.matches.set(file, { role: 'edited', step: 'loose', ...found });
    }
}
