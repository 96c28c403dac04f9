/**
 * What is shown for a file whose picture can't be had without fetching all of it: a card that says "a photo" or "a video". With
 * it a file manager has a thumbnail that is right, and opens nothing.
 */
import type { MediaKind } from '../model/media-kind.ts';
import type { Picture } from './picture.ts';

const [width, height] = [256, 192];
const card = [226, 230, 235] as const;
const ink = [140, 150, 163] as const;

/** Whether a point of the card is drawn, by kind. */
const drawings: Readonly<Record<'photo' | 'video', (x: number, y: number) => boolean>> = {
  // A sun and two hills.
  photo: (x, y) =>
    Math.hypot(x - 170, y - 66) < 14 ||
    (y < 146 && (y > 70 + Math.abs(x - 108) || y > 96 + Math.abs(x - 160))),
  // A triangle that points to the right.
  video: (x, y) => x > 100 && Math.abs(y - 96) < (176 - x) * 0.6,
};

/** The card for files of a kind. */
export function drawPlaceholder(kind: MediaKind): Picture {
  const isDrawn = drawings[kind === 'photo' ? 'photo' : 'video'];
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rgb.set(isDrawn(x, y) ? ink : card, (y * width + x) * 3);
  return { width, height, rgb };
}
