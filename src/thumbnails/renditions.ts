/** A picture in every size that is kept, compressed: several files may show it. */
import { type MediaKind, mediaKinds } from '../model/media-kind.ts';
import { fitted, type Picture } from './picture.ts';
import { drawPlaceholder } from './placeholder.ts';
import { compressPixels, type Pixels } from './png.ts';
import { type Size, sizes } from './store.ts';

export type Renditions = Readonly<Record<Size, Pixels>>;

export function inAllSizes(picture: Picture): Renditions {
  const pixels = (size: Size) => compressPixels(fitted(picture, sizes[size]));
  return { normal: pixels('normal'), large: pixels('large') };
}

/** The cards, by what they stand for. */
export function drawCards(): Readonly<Record<MediaKind, Renditions>> {
  const drawn = mediaKinds.map((kind) => [kind, inAllSizes(drawPlaceholder(kind))] as const);
  return Object.fromEntries(drawn) as Record<MediaKind, Renditions>;
}
