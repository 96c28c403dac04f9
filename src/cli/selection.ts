/** What a prefetch of this home selects: by flags, or by what the configuration says for every run. */
import { type Filter, isEmpty, parseTerms } from '../model/filter.ts';
import { mediaKinds } from '../model/media-kind.ts';
import { parseChoice } from '../model/option-values.ts';
import type { Settings } from '../model/options.ts';

/** @throws `usage` for a term or a kind that is none */
export function selectionOf(settings: Settings): Filter {
  return {
    only: {
      years: settings.year,
      albums: settings.album,
      kinds: settings.kind.map((kind) => parseChoice(kind, mediaKinds)),
    },
    skip: parseTerms(settings.skip, '--skip'),
  };
}

export const selectsAll = ({ only, skip }: Filter): boolean => isEmpty(only) && isEmpty(skip);
