import { defineConfig } from 'vitest/config';
import { alias } from './vite.config.ts';

export default defineConfig({
  resolve: { alias },
  // A machine may be slow, and busy with other things.
  test: { include: ['test/**/*.test.ts'], environment: 'node', testTimeout: 60_000 },
});
