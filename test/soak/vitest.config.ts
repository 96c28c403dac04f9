import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/soak/soak.ts'],
    setupFiles: ['test/setup.ts'],
    hookTimeout: 300_000,
    pool: 'forks',
  },
});
