/** The fake Google with a Drive, in a process of its own: `drive-server.ts HOME ARCHIVE…`. Told over IPC what to count. */
import { addDrive } from '../helpers/google/drive.ts';
import { startFakeGoogle } from '../helpers/google/fake-google.ts';
import { writeGoogleHome } from '../helpers/google/google-home.ts';

/** What the server is asked. */
export type Asked =
  | { readonly ask: 'conditions'; readonly latencyMs: number; readonly bytesPerSecond: number }
  | { readonly ask: 'totals' };

export interface Totals {
  readonly requests: number;
  readonly bytes: number;
}

export interface Started {
  readonly env: Readonly<Record<string, string>>;
  /** Where curl finds each archive, and with which token. */
  readonly urls: readonly string[];
  readonly token: string;
}

const [home = '', ...archives] = process.argv.slice(2);
const fake = await startFakeGoogle();
const drive = addDrive(fake);
const token = writeGoogleHome(home, fake).accessToken;
const files = archives.map((path) => drive.add(path));

process.on('message', (asked: Asked) => {
  if (asked.ask === 'conditions') {
    fake.conditions.latencyMs = asked.latencyMs;
    fake.conditions.bytesPerSecond = asked.bytesPerSecond;
  }
  const bytes = fake.requests.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  process.send?.({ requests: fake.requests.length, bytes } satisfies Totals);
});
process.on('disconnect', () => process.exit());
process.send?.({
  env: fake.env,
  urls: files.map(({ id }) => `${fake.endpoints.drive}/files/${id}?alt=media`),
  token,
} satisfies Started);
