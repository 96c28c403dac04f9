/** What a file shows, by its role and its name: as a filter knows it. */
import type { Role } from './words.ts';

/** `motion`: the clip of a live photo, of whatever format. */
export const mediaKinds = ['photo', 'video', 'motion'] as const;
export type MediaKind = (typeof mediaKinds)[number];

/** Endings of videos, lower-case, without the dot. */
export const videoExtensions: readonly string[] =
  'mp4 mov qt m4v avi mkv webm 3gp 3g2 mpg mpeg mpe m2v mts m2ts m2t ts wmv asf flv f4v divx mod tod mxf ogv insv lrv 360'.split(
    ' ',
  );

const videos: ReadonlySet<string> = new Set(videoExtensions);

/** @param name as the source has it */
export function mediaKindOf(role: Role, name: string): MediaKind {
  if (role === 'motion') return 'motion';
  // A sidecar goes with what it tells of.
  const shown = role === 'sidecar' ? name.replace(/\.xmp$/, '') : name;
  const dot = shown.lastIndexOf('.');
  return videos.has(shown.slice(dot + 1).toLowerCase()) ? 'video' : 'photo';
}
