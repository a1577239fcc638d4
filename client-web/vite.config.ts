import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** What `downbeat types` writes imports the SDK by the name of its package; here that is the source. */
export const alias = { '@downbeat/client': fileURLToPath(new URL('src/sdk/index.ts', import.meta.url)) };

/** The pages. Everything is a file of its own, so that a strict Content-Security-Policy holds. */
export default defineConfig({
  base: './',
  resolve: { alias },
  build: {
    outDir: 'dist',
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { input: ['index.html', 'arena.html', 'chat/index.html'] },
  },
  server: {
    // `npm run dev` beside a running server: the page comes from Vite, the rooms from Downbeat.
    proxy: { '/ws': { target: 'ws://127.0.0.1:7777', ws: true } },
  },
});
