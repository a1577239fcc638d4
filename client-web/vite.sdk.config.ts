import { defineConfig } from 'vite';

/** The SDK as one ES module, which the server hands out as `/downbeat/client.js`. */
export default defineConfig({
  // The page's icons are no part of the SDK.
  publicDir: false,
  build: {
    outDir: 'dist-sdk',
    // `types/` may have been put there by `build:types`.
    emptyOutDir: false,
    target: 'es2022',
    reportCompressedSize: false,
    lib: { entry: 'src/sdk/index.ts', formats: ['es'], fileName: () => 'downbeat.js' },
  },
});
