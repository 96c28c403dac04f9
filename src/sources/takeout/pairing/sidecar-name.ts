/**
 * The names under which Google may have put a media file's sidecar. From media to sidecar the rule is determined;
 * the reverse isn't. `X.jpg` has `X.jpg.supplemental-metadata.json`, in older exports `X.jpg.json`; what stands before
 * `.json` is cut to 46 UTF-16 units; a duplicate number (`X(1).jpg`) moves to just before `.json` and is never cut.
 */
import { splitName, splitNumber } from './file-name.ts';
import { beforeEdited } from './media.ts';

/** Units that stay of a sidecar's name before `.json`, without the duplicate number. */
export const sidecarNameLimit = 46;

/** A sidecar's name that would fit a media file, and how the media's name was read for it. */
export interface Candidate {
  readonly name: string;
  /** The media's stem as read: without duplicate number, and for an edited copy without its suffix. */
  readonly stem: string;
  /** The media's extension where the name counts it; empty for a title without one. */
  readonly extension: string;
  /** The duplicate number as read, with brackets; empty where a bracket was taken as part of the title. */
  readonly number: string;
  /** Read as an edited copy: the sidecar is the original's. */
  readonly edited: boolean;
  /** The cut took away some of `stem`, so that the name alone no longer tells it. */
  readonly cutIntoStem: boolean;
}

/** One way to read a media name: the last bracket as part of the title, or as a duplicate number. */
export interface Reading {
  readonly core: string;
  readonly number: string;
  readonly extension: string;
}

export function readings(media: string): Reading[] {
  const { stem, extension } = splitName(media);
  const numbered = splitNumber(stem);
  const whole = { core: stem, number: '', extension };
  return numbered.number === '' ? [whole] : [whole, { ...numbered, extension }];
}

/** All names for a media file's sidecar, best first. */
export function* candidates(media: string): Generator<Candidate> {
  for (const { core, number, extension } of readings(media)) {
    const original = beforeEdited(core);
    for (const stem of original === undefined ? [core] : [core, original]) {
      const edited = stem !== core;
      for (const ending of extension === '' ? [''] : [extension, ''])
        for (const suffix of ['.supplemental-metadata', '']) {
          const whole = stem + ending + suffix;
          for (const kept of cuts(whole))
            yield {
              name: `${kept}${number}.json`,
              stem,
              extension: ending,
              number,
              edited,
              cutIntoStem: kept.length < stem.length,
            };
        }
    }
  }
}

/** The cut forms of a text, then the text itself, which occurs uncut as well. */
function cuts(text: string): string[] {
  const forms: string[] = [];
  if (text.length > sidecarNameLimit) forms.push(...cutForms(text));
  // Names are NFC here, but Google cuts what was uploaded: a name in NFD lost its end earlier.
  const decomposed = text.length > sidecarNameLimit / 2 && !isAscii(text) ? text.normalize('NFD') : text;
  if (decomposed.length > Math.max(text.length, sidecarNameLimit))
    forms.push(...cutForms(decomposed).map((form) => form.normalize('NFC')));
  forms.push(text);
  return forms;
}

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

function cutForms(text: string): string[] {
  const end = text.charCodeAt(sidecarNameLimit - 1);
  const splitsPair = end >= 0xd800 && end <= 0xdbff;
  if (!splitsPair) return [text.slice(0, sidecarNameLimit)];
  // The cut falls into a surrogate pair. Dropped whole, or its half shown as any of the usual replacements.
  const before = text.slice(0, sidecarNameLimit - 1);
  return ['', '\ufffd', '_', '?'].map((rest) => before + rest);
}
