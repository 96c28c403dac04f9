/** A place whose home is signed in at a stand-in for Google that has photos. */
import { afterEach, beforeEach } from 'vitest';
import { type FakeGoogle, startFakeGoogle } from '../helpers/google/fake-google.ts';
import { writeGoogleHome } from '../helpers/google/google-home.ts';
import { addPhotos, type FakePhotos } from '../helpers/google/photos.ts';
import { createPlace, type Ended, type Place } from './run-program.ts';

export interface AccountPlace {
  readonly fake: FakeGoogle;
  readonly photos: FakePhotos;
  readonly place: Place;
  /** Runs the program with `--json`; gives what it printed, line by line. */
  run(...args: string[]): Promise<Ended & { readonly results: readonly Record<string, unknown>[] }>;
  close(): Promise<void>;
}

/** One for each test of a file, made before it and taken away after it. */
export function useAccountPlace(): Omit<AccountPlace, 'close'> {
  let made: AccountPlace;
  beforeEach(async () => {
    made = await createAccountPlace();
  });
  afterEach(() => made.close());
  return {
    get fake() {
      return made.fake;
    },
    get photos() {
      return made.photos;
    },
    get place() {
      return made.place;
    },
    run: (...args) => made.run(...args),
  };
}

async function createAccountPlace(): Promise<AccountPlace> {
  const fake = await startFakeGoogle();
  const photos = addPhotos(fake);
  const place = createPlace(fake.env);
  writeGoogleHome(place.home, fake);
  return {
    fake,
    photos,
    place,
    async run(...args) {
      const ended = await place.run('--json', ...args);
      const lines = ended.stdout.split('\n').filter((line) => line !== '');
      return { ...ended, results: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
    },
    async close() {
      await place.clean();
      await fake.close();
    },
  };
}
