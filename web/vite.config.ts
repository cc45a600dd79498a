/*
 * vite.config: the client, built from the library's sources; the service worker keeps its name.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: { alias: { twoticks: at('../sdk/js/src/index.ts') } },
  build: {
    target: 'es2024',
    // Inlined files would be data: URLs, which the policy forbids for all but images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: at('index.html'), worker: at('src/worker/worker.ts') },
      output: {
        entryFileNames: (chunk) =>
          chunk.name === 'worker' ? 'worker.js' : 'assets/[name]-[hash].js',
      },
    },
  },
});
