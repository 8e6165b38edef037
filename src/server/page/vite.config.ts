import { defineConfig } from 'vite';

/** Built by `npx vite build src/server/page` into `dist/page`, which the embedded server serves. Nothing is fetched from elsewhere. */
const config = defineConfig({
  base: './',
  build: {
    outDir: '../../../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    // A `data:` address would need its own line in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: false,
    sourcemap: false,
    chunkSizeWarningLimit: 1000,
  },
});

// Vite reads its configuration from the default export only.
export { config as default };
