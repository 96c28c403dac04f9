/** A fake Google in a process of its own, for the bench: `account-server.ts HOME PHOTOS BYTES LATENCY_MS`. Prints one line of JSON. */
import { startFakeGoogle } from '../helpers/google/fake-google.ts';
import { writeGoogleHome } from '../helpers/google/google-home.ts';
import { jpeg } from '../helpers/google/media.ts';
import { addPhotos } from '../helpers/google/photos.ts';

const [home = '', photos = '', size = '', latency = ''] = process.argv.slice(2);
const fake = await startFakeGoogle();
const library = addPhotos(fake);
const bytes = jpeg(1, Number(size));
library.items = Array.from({ length: Number(photos) }, (_, at) => ({
  id: `id-${at}`,
  filename: `IMG_${String(at).padStart(5, '0')}.jpg`,
  takenAt: new Date(Date.UTC(2015 + (at % 10), 6, 1, 0, 0, at % 60)).toISOString(),
  bytes,
}));
writeGoogleHome(home, fake);
fake.conditions.latencyMs = Number(latency);
const links = library.items.map((item) => `${library.media.linkOf(item, 'library')}=d`);
console.log(JSON.stringify({ env: fake.env, links }));
