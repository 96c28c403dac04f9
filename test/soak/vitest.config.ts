import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/soak/soak.ts', 'test/promises/kills.test.ts', 'test/promises/processes.test.ts'],
    // As many kills, and as long a crowd, as a release has to stand; one after the other, for the soak measures.
    env: {
      GPHOTOSFS_KILLS: process.env.GPHOTOSFS_KILLS ?? '200',
      GPHOTOSFS_PROCESSES_SECONDS: process.env.GPHOTOSFS_PROCESSES_SECONDS ?? '300',
    },
    fileParallelism: false,
    setupFiles: ['test/setup.ts'],
    hookTimeout: 300_000,
    pool: 'forks',
  },
});
