/** The Photos Picker API by the contract of all sources. */
import { createPickerSource } from '../../../../src/sources/google/picker/picker-source.ts';
import { sessionsMemo } from '../../../../src/sources/google/picker/sessions.ts';
import type { Source } from '../../../../src/sources/source.ts';
import { jpeg, mp4 } from '../../../helpers/google/media.ts';
import { fakePhoto, openPhotosHome } from '../../../helpers/google/photos-home.ts';
import { describeSource } from '../../contract.ts';

describeSource('the Picker API', async () => {
  const items = [
    fakePhoto(1, { filename: 'large.jpg', bytes: jpeg(1, 300_000) }),
    fakePhoto(2),
    fakePhoto(3, { filename: 'clip.mp4', bytes: mp4(3, 120_000) }),
  ];
  const home = await openPhotosHome();
  home.photos.sessions.push({ id: 'session-1', picked: items, expired: false, deleted: false });
  const picker = createPickerSource({ id: 'picker', account: 'default' }, () => home.parts.google('default'));
  const { key, value } = sessionsMemo([{ id: 'session-1', expiresAt: undefined }]);
  // As `gphotosfs pick` has left it.
  const source: Source = {
    ...picker,
    scan: (request) =>
      picker.scan({
        ...request,
        recall: (asked) => request.recall(asked) ?? (asked === key ? value : undefined),
      }),
  };
  return {
    source,
    files: new Map(items.map(({ filename, bytes }) => [filename, bytes as Buffer])),
    vanish: () => {
      for (const session of home.photos.sessions) session.expired = true;
      home.photos.media.killLinks();
    },
    dispose: () => home.close(),
  };
});
