/** The questions that people have about the years to come, for the manual page. */
export const questions: readonly (readonly [question: string, answer: string])[] = [
  [
    'Google closes my account, or I delete photos there?',
    `What is in the cache stays: cached photos need no Google, no network and no token. What isn't in it yet can be had from the archives
that you downloaded. So run "gphotosfs prefetch" to its end, and let "gphotosfs status --check complete" prove it.

Nothing vanishes because it vanished at Google. Only what an export shows in the trash is left out, and only if it wasn't listed before.`,
  ],
  [
    'I stop using gphotosfs?',
    `The cache is folders with photos: years, and albums as links into them. Copy or move it, and delete .gphotosfs in it when you are sure. Where a
program doesn't follow links, choose "albums": "hardlink" before the first sync.`,
  ],
  [
    'I move to a new NAS or a new disk?',
    `Stop the mount. Copy the cache with its .gphotosfs and the home (config.json, index.db, token.json), keeping times: rsync -a. On the new
machine run "gphotosfs adopt DIR" for the cache; then "gphotosfs doctor". A copy has other inode numbers, so the first read of each file
checks it, or "gphotosfs verify" checks all at once. Nothing is fetched again.`,
  ],
  [
    'index.db is lost or damaged?',
    `Move it away, with its -wal and -shm files, and run "gphotosfs sync --rebuild": names and inode numbers come back from the journal in the cache,
and no photo is fetched again. A mount may stay up: it goes on with what it has open, and goes over to the new index once that is whole.`,
  ],
  [
    'the whole cache is lost?',
    `Restore it from your backup, with .gphotosfs, and run "gphotosfs verify". Without a backup, remove what is left, and fetch again from the archives.`,
  ],
  [
    'a photo looks wrong?',
    `Run "gphotosfs verify --repair": it compares every byte with what was recorded, and fetches again what a source still has. What gave way lies in
.gphotosfs/superseded. Edits made at Google are files of their own, ending in "-edited".`,
  ],
  [
    'I want a new export in every two months?',
    `At takeout.google.com choose "Export every 2 months for 1 year". Put new archives into the folder that you added, and let the nightly run sync it.
Old archives may go when "gphotosfs status" says that everything is cached.`,
  ],
];
