/**
 * What is put behind a base URL: `=d` is a photo as it is, `=dv` a video. By width and height comes a JPEG that fits into them;
 * of a video it is a frame, with `no` without the arrow on it (Google Photos Library API, "Access media items").
 */
export const suffixes = {
  whole: { image: '=d', video: '=dv' },
  small: { image: '=w256-h256', video: '=w256-h256-no' },
} as const;
