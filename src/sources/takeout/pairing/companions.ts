/**
 * Matching, fourth step: files that have no sidecar because they belong to another file of the folder. The clip of a
 * motion or live photo goes with the still of the same stem, an edited copy with its original, whichever way that
 * one found its sidecar, and also where it has none.
 */
import type { Role } from '../../../model/words.ts';
import { splitName, splitNumber } from './file-name.ts';
import { type Desk, type MediaName, push, type SidecarName, theOne, unmatched } from './match-desk.ts';
import { beforeEdited, kindOfName, mayBeClip } from './media.ts';
import { candidates, readings } from './sidecar-name.ts';

/** Formats of stills that come with a clip, the likeliest first: where both are there, HEIC is as the phone took it. */
const stillExtensions = ['.heic', '.heif', '.jpg', '.jpeg'];

export function pairCompanions<M extends MediaName, S extends SidecarName>(desk: Desk<M, S>): void {
  const clips = unmatched(desk).filter(({ name }) => mayBeClip(name));
  if (clips.length === 0) return;
  const stills = new Map<string, M[]>();
  for (const file of desk.media) {
    const { stem, extension } = splitName(file.name);
    const isStill = stillExtensions.includes(extension.toLowerCase());
    if (isStill && desk.matches.get(file)?.role !== 'edited') push(stills, stem, file);
  }
  for (const clip of clips) {
    const stems = stillStems(clip.name);
    const still = firstOf(stems, (stem) => bestStill(desk, stills.get(stem), clip));
    if (still !== undefined) {
      join(desk, clip, 'motion', still);
      continue;
    }
    // The still may lie in a part that isn't here; its sidecar tells as well.
    const sidecar = firstOf(stems, (stem) => sidecarOfStill(desk, stem, clip));
    if (sidecar !== undefined)
      desk.matches.set(clip, { role: 'motion', step: 'companion', sidecar, original: undefined });
  }
}

/** The stems that the still of a clip may have, best first. */
function stillStems(clip: string): string[] {
  if (kindOfName(clip) !== 'motion') return [splitName(clip).stem];
  const { stem, extension } = splitName(clip);
  if (extension === '') return [stem];
  // `X.MP` and `X.MP~2` stand beside `X.MP.jpg`; a duplicate is `X(1).MP` beside `X.MP(1).jpg`.
  const { core, number } = splitNumber(stem);
  return [`${core}.MP${number}`, stem + extension, stem];
}

function bestStill<M extends MediaName, S extends SidecarName>(
  desk: Desk<M, S>,
  stills: readonly M[] | undefined,
  clip: M,
): M | undefined {
  if (stills === undefined) return undefined;
  const withSidecar = stills.filter((still) => desk.matches.get(still)?.sidecar !== undefined);
  const choice = withSidecar.length > 0 ? withSidecar : stills;
  return firstOf(stillExtensions, (extension) =>
    theOne(
      choice.filter(({ name }) => name.toLowerCase().endsWith(extension)),
      clip,
    ),
  );
}

function sidecarOfStill<M extends MediaName, S extends SidecarName>(
  desk: Desk<M, S>,
  stem: string,
  clip: M,
): S | undefined {
  for (const lower of stillExtensions)
    for (const extension of [lower.toUpperCase(), lower])
      for (const candidate of candidates(stem + extension)) {
        // Without the still's extension, or cut, the name doesn't show that it is a still's.
        if (candidate.extension === '' || candidate.edited || candidate.cutIntoStem) continue;
        const sidecar = theOne(desk.sidecarsByName.get(candidate.name), clip);
        if (sidecar !== undefined && !desk.owner.has(sidecar)) return sidecar;
      }
  return undefined;
}

export function pairEditedCopies<M extends MediaName, S extends SidecarName>(desk: Desk<M, S>): void {
  const copies = unmatched(desk).filter(({ name }) => name.includes('-'));
  if (copies.length === 0) return;
  const byStem = new Map<string, M[]>();
  for (const file of desk.media) push(byStem, stemKey(file.name, splitName(file.name).stem), file);
  for (const copy of copies)
    for (const { core, number, extension } of readings(copy.name)) {
      const stem = beforeEdited(core);
      if (stem === undefined || desk.matches.has(copy)) continue;
      const sameType = theOne(desk.mediaByName.get(stem + number + extension), copy);
      // An edit of a HEIC or a RAW may be a JPEG.
      const original = sameType ?? theOne(byStem.get(stemKey(copy.name, stem + number)), copy);
      if (original !== undefined && desk.matches.get(original)?.role !== 'edited')
        join(desk, copy, 'edited', original);
    }
}

/** Stills and videos of one stem apart. */
const stemKey = (name: string, stem: string): string => `${kindOfName(name)}\0${stem}`;

/** Makes a file play a role of an original, with its sidecar if it has one. */
function join<M extends MediaName, S extends SidecarName>(
  desk: Desk<M, S>,
  file: M,
  role: Role,
  original: M,
): void {
  const sidecar = desk.matches.get(original)?.sidecar;
  desk.matches.set(file, { role, step: role === 'motion' ? 'companion' : 'edited', sidecar, original });
}

function firstOf<T, R>(list: readonly T[], find: (one: T) => R | undefined): R | undefined {
  for (const one of list) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
