/** A sample Takeout of real photographs: years, an album, an edited copy, a live clip, a video, two parts. */
import { photograph } from '../helpers/photographs.ts';
import { buildTakeout } from '../helpers/takeout-builder.ts';
import { motionJpeg } from './motion-jpeg.ts';

const seconds = (date: string) => Date.parse(`${date}T12:00:00Z`) / 1000;

/** Writes the sample into `folder` and gives the paths of its two parts. */
export function buildSampleLibrary(folder: string): Promise<string[]> {
  const acanthus = photograph('acanthus-mollis');
  const airplane = photograph('airplane-from-above');
  const allium = photograph('allium-oreophilum');
  const alps = photograph('french-alpine-landscape');
  const dustBowl = photograph('dust-bowl-home');
  const people = [{ name: 'Ada' }, { name: 'Grace' }];
  return buildTakeout(folder, {
    exportTime: '20261101T060000Z',
    parts: 2,
    compress: true,
    entries: [
      {
        folder: 'Photos from 2021',
        name: 'IMG_0001.jpg',
        bytes: alps,
        takenAt: seconds('2021-07-14'),
        sidecar: { description: 'From the pass', people },
      },
      { folder: 'Photos from 2021', name: 'IMG_0001-edited.jpg', bytes: acanthus, sidecar: false, part: 2 },
      {
        folder: 'Photos from 2021',
        name: 'IMG_0002.jpg',
        bytes: airplane,
        takenAt: seconds('2021-07-15'),
        sidecarPart: 2,
      },
      {
        folder: 'Photos from 2022',
        name: 'Zwiebelblüte 🌸.jpg',
        bytes: allium,
        takenAt: seconds('2022-05-01'),
      },
      {
        folder: 'Photos from 2022',
        name: 'PXL_20220501.jpg',
        bytes: acanthus,
        takenAt: seconds('2022-05-01'),
      },
      { folder: 'Photos from 2022', name: 'PXL_20220501.mp4', bytes: motionJpeg([acanthus]), sidecar: false },
      {
        folder: 'Photos from 2022',
        name: 'slideshow.avi',
        bytes: motionJpeg([alps, airplane, allium, acanthus]),
        takenAt: seconds('2022-08-20'),
      },
      { folder: 'Photos from 1936', name: 'Dust Bowl.jpg', bytes: dustBowl, takenAt: seconds('1936-04-14') },
      {
        folder: 'Summer in the Alps',
        name: 'IMG_0001.jpg',
        bytes: alps,
        takenAt: seconds('2021-07-14'),
        part: 2,
      },
      {
        folder: 'Summer in the Alps',
        name: 'IMG_0002.jpg',
        bytes: airplane,
        takenAt: seconds('2021-07-15'),
        part: 2,
      },
    ],
    albums: [{ folder: 'Summer in the Alps', part: 2 }],
  });
}
