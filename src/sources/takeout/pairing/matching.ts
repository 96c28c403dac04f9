/**
 * Which sidecar belongs to which photo of one folder. Steps in order of certainty, each only for what the earlier
 * ones left over: the name, an odd name confirmed by the title, the title alone, the still of a clip, the original
 * of an edit. A wrong pair loses somebody's date and mixes two photos up, a missed one only leaves a photo without
 * metadata; so whatever could mean two things pairs nothing, and a duplicate number is never dropped.
 *
 * Every step works by look-ups in maps: a folder may hold 50,000 files.
 */
import { pairCompanions, pairEditedCopies } from './companions.ts';
import { pairCutSuffixes, pairLoosely } from './edited-guess.ts';
import { compareText } from './file-name.ts';
import { type Desk, type Match, type MediaName, push, type SidecarName } from './match-desk.ts';
import { pairByName } from './name-claims.ts';
import { pairByTitle, pairByTitlePrefix } from './title-steps.ts';

/**
 * Pairs the media of one folder, merged over all parts, with its sidecars. Media that found neither a sidecar nor an
 * original is not in the answer.
 */
export function matchFolder<M extends MediaName, S extends SidecarName>(
  media: readonly M[],
  sidecars: readonly S[],
): ReadonlyMap<M, Match<M, S>> {
  const byName = (a: { name: string }, b: { name: string }) => compareText(a.name, b.name);
  let mediaByName: Map<string, M[]> | undefined;
  const desk: Desk<M, S> = {
    media: [...media].sort(byName),
    sidecars: [...sidecars].sort(byName),
    // Nearly always the first step places all, and does without it.
    get mediaByName() {
      mediaByName ??= groupByName(media);
      return mediaByName;
    },
    sidecarsByName: groupByName(sidecars),
    matches: new Map(),
    owner: new Map(),
  };
  pairByName(desk);
  if (desk.matches.size < media.length) {
    pairByTitle(desk);
    pairByTitlePrefix(desk);
    pairCompanions(desk);
    pairEditedCopies(desk);
    pairCutSuffixes(desk);
    pairLoosely(desk);
  }
  return desk.matches;
}

function groupByName<T extends { readonly name: string }>(list: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) push(groups, one.name, one);
  return groups;
}
