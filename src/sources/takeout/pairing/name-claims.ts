/**
 * Matching, first step: by name. Every media file claims the sidecars whose names fit it, best name first; a sidecar
 * goes to the strongest claim, and who loses it claims the next. Equal claims get nothing: two names cut to
 * the same 46 units can't be told apart. Edited copies only share.
 */
import { beginsLike, cleanTitle, splitName, splitNumber } from './file-name.ts';
import {
  type Desk,
  type MediaName,
  own,
  push,
  type SidecarName,
  shareArchive,
  theOne,
} from './match-desk.ts';
import { beforeEdited, kindOfName } from './media.ts';
import { type Candidate, candidates, readings } from './sidecar-name.ts';

interface Claim<S> {
  readonly sidecar: S;
  readonly edited: boolean;
  readonly step: 'name' | 'odd-name';
  readonly strength: number;
}

export function pairByName<M extends MediaName, S extends SidecarName>(desk: Desk<M, S>): void {
  const odd = oddNames(desk.sidecars);
  const holders = new Map<S, { claim: Claim<S>; claimant: Claimant<M> | undefined }>();
  // A stack, so the first name is on top.
  const waiting = desk.media.map((file): Claimant<M> => ({ file, made: 0 })).reverse();
  for (let claimant = waiting.pop(); claimant !== undefined; claimant = waiting.pop()) {
    const claim = nth(claims(desk, claimant.file, odd), claimant.made++);
    if (claim === undefined) continue;
    const { sidecar, edited, step, strength } = claim;
    if (edited) {
      desk.matches.set(claimant.file, { role: 'edited', step, sidecar, original: undefined });
      continue;
    }
    const holder = holders.get(sidecar);
    if (holder !== undefined && strength < holder.claim.strength) {
      waiting.push(claimant);
      continue;
    }
    if (holder?.claimant !== undefined) waiting.push(holder.claimant);
    const tie = holder !== undefined && strength === holder.claim.strength;
    if (tie) waiting.push(claimant);
    holders.set(sidecar, { claim, claimant: tie ? undefined : claimant });
  }
  for (const [sidecar, { claim, claimant }] of holders)
    if (claimant !== undefined) own(desk, claimant.file, sidecar, claim.step);
}

interface Claimant<M> {
  readonly file: M;
  /** Claims made so far. They are few, and found anew for the next: kept going for all files, they are 2 kB each. */
  made: number;
}

function nth<T>(values: Iterable<T>, index: number): T | undefined {
  let at = 0;
  for (const value of values) if (at++ === index) return value;
  return undefined;
}

type Look<S> = (prefix: string, number: string) => readonly S[];

/** The sidecars that a file may claim, best first: those whose names fit exactly, then the odd ones. */
function* claims<M extends MediaName, S extends SidecarName>(
  desk: Desk<M, S>,
  file: M,
  odd: Look<S>,
): Generator<Claim<S>, void> {
  const exact = exactClaims(desk, file);
  if (splitNumber(splitName(file.name).stem).number === '') for (const [, claim] of exact) yield claim;
  else yield* orderedReadings(file, [...exact]);
  yield* oddClaims(file, odd);
}

function* exactClaims<M extends MediaName, S extends SidecarName>(
  desk: Desk<M, S>,
  file: M,
): Generator<readonly [Candidate, Claim<S>], void> {
  for (const candidate of candidates(file.name)) {
    const sidecar = theOne(desk.sidecarsByName.get(candidate.name), file);
    if (sidecar === undefined || !believable(file, candidate, sidecar)) continue;
    const { edited } = candidate;
    yield [candidate, { sidecar, edited, step: 'name', strength: 16 + strengthOf(file, candidate, sidecar) }];
  }
}

/**
 * Where the cut took away some of the stem, other names would have led here too. Then the title must not say
 * otherwise, and must say so where what was cut off is a bracket or the suffix of an edit. Where the name
 * leaves the extension out, the title must not be a video's for a still, or the reverse.
 */
function believable(file: MediaName, candidate: Candidate, sidecar: SidecarName): boolean {
  const { title } = sidecar;
  if (candidate.extension === '' && title !== undefined) {
    const kinds = [kindOfName(title), kindOfName(file.name)];
    if (kinds.includes('still') && kinds.includes('video')) return false;
  }
  if (!candidate.cutIntoStem) return true;
  if (title !== undefined) return beginsLike(title, candidate.stem);
  return splitNumber(candidate.stem).number === '' && beforeEdited(candidate.stem) === undefined;
}

/** How much speaks for a claim, only to be compared with claims on the same sidecar. */
function strengthOf(
  file: MediaName,
  name: Pick<Candidate, 'stem' | 'extension' | 'cutIntoStem'>,
  sidecar: SidecarName,
): number {
  const kind = kindOfName(file.name);
  const title = sidecar.title === undefined ? undefined : cleanTitle(sidecar.title);
  const told =
    title === name.stem + splitName(file.name).extension || (name.extension === '' && title === name.stem);
  return (
    (told ? 8 : 0) +
    (name.extension !== '' ? 4 : 0) +
    (name.cutIntoStem ? 0 : 2) +
    // A still and its clip under one cut name: the sidecar is the still's, the clip shares it later.
    (kind === 'still' ? 1 : kind === 'video' ? 0.5 : 0) +
    (shareArchive(file, sidecar) ? 0.25 : 0)
  );
}

/**
 * A bracket at the end of a name is part of the title or a duplicate number, and sidecars for both readings are
 * there: the title tells which is meant.
 */
function orderedReadings<S extends SidecarName>(
  file: MediaName,
  exact: readonly (readonly [Candidate, Claim<S>])[],
): Claim<S>[] {
  const asTitle = exact.filter(([{ number }]) => number === '').map(([, claim]) => claim);
  const asNumber = exact.filter(([{ number }]) => number !== '').map(([, claim]) => claim);
  const [title] = asTitle;
  const [number] = asNumber;
  if (title === undefined || number === undefined) return [...asTitle, ...asNumber];
  const numberFits = !endsInBracket(number.sidecar.title);
  const titleFits = endsInBracket(title.sidecar.title);
  const numberFirst =
    titleFits === numberFits
      ? shareArchive(file, number.sidecar) && !shareArchive(file, title.sidecar)
      : numberFits && title.sidecar.title !== undefined;
  return numberFirst ? [...asNumber, ...asTitle] : [...asTitle, ...asNumber];
}

function endsInBracket(title: string | undefined): boolean {
  if (title === undefined) return false;
  return /\(\d+\)$/.test(title) || /\(\d+\)$/.test(splitName(title).stem);
}

/**
 * Names in which something else than Google's usual suffix follows the media's name: odd cuts, translations.
 * Only a title that agrees makes them count.
 */
function* oddClaims<M extends MediaName, S extends SidecarName>(
  file: M,
  odd: Look<S>,
): Generator<Claim<S>, void> {
  for (const { core, number, extension } of readings(file.name)) {
    const original = beforeEdited(core);
    for (const stem of original === undefined ? [core] : [core, original]) {
      const found = [...odd(stem + extension, number)];
      // `X.jpg(1).anything.json`, the number in the middle.
      if (number !== '') found.push(...odd(stem + extension + number, ''));
      const agreeing = found.filter(
        ({ title }) => title !== undefined && titleAgrees(title, stem, extension),
      );
      const sidecar = agreeing.length === 1 ? agreeing[0] : theOne(agreeing, file);
      if (sidecar === undefined) continue;
      const strength = strengthOf(file, { stem, extension, cutIntoStem: false }, sidecar);
      yield { sidecar, edited: stem !== core, step: 'odd-name', strength };
    }
  }
}

/** Shortest stem that Google may have cut (it keeps 47 units or so); only such a one may end inside a title's word. */
const shortestCutStem = 40;

function titleAgrees(title: string, stem: string, extension: string): boolean {
  const clean = cleanTitle(title);
  if (clean === stem + extension || clean === stem) return true;
  if (!clean.startsWith(stem)) return false;
  return stem.length >= shortestCutStem || !/[\p{L}\p{N}]/u.test(clean.slice(stem.length, stem.length + 2));
}

/** Dots looked at from the end of a name; the suffix has one, an extension one, phones add up to two more. */
const mostDots = 6;

/** Finds sidecars by what stands before one of their dots and their duplicate number; made when first asked. */
function oddNames<S extends SidecarName>(sidecars: readonly S[]): Look<S> {
  let index: Map<string, S[]> | undefined;
  const build = (): Map<string, S[]> => {
    const built = new Map<string, S[]>();
    for (const sidecar of sidecars) {
      const { core, number } = splitNumber(sidecar.name.slice(0, -'.json'.length));
      let dot = core.lastIndexOf('.');
      for (let count = 0; dot > 0 && count < mostDots; count++) {
        push(built, `${core.slice(0, dot)}\0${number}`, sidecar);
        dot = core.lastIndexOf('.', dot - 1);
      }
    }
    return built;
  };
  return (prefix, number) => {
    index ??= build();
    return index.get(`${prefix}\0${number}`) ?? [];
  };
}
