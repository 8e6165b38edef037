// Built by `npm run build:threads`, which `npm run build:ts` ends with: the entries of the media thread, of the server in it and of the
// codec threads, each in as few files as can be. Of some two hundred modules, most of the time to start a thread went into finding them.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** What the threads share, beside their entries. */
const SHARED = 'threads';
const ENTRIES = ['engine/worker', 'server/service', 'codecs/codec-worker'];
/** Packages that go into the files, since each has many modules of which few are used. */
const BUNDLED = ['@livekit/protocol', '@bufbuild/protobuf', 'ws', 'sdp-transform'];

const config = defineConfig({
  root: ROOT,
  publicDir: false,
  logLevel: 'warn',
  ssr: { noExternal: BUNDLED },
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'dist',
    emptyOutDir: false,
    minify: false,
    sourcemap: true,
    rollupOptions: {
      input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(ROOT, 'src', `${entry}.ts`)])),
      // Of ws, optional and not installed.
      external: ['bufferutil', 'utf-8-validate'],
      output: { entryFileNames: '[name].js', chunkFileNames: `${SHARED}/[name].js` },
    },
  },
  plugins: [
    {
      name: 'sluice-threads',
      buildStart: () => rmSync(join(ROOT, 'dist', SHARED), { recursive: true, force: true }),
      generateBundle() {
        this.emitFile({
          type: 'asset',
          fileName: `${SHARED}/LICENSES.txt`,
          source: BUNDLED.map(licenceOf).join('\n\n'),
        });
      },
    },
  ],
});

// Vite reads its configuration from the default export only.
export { config as default };

/** The terms of a package, which are passed on with its code. */
function licenceOf(name) {
  const folder = join(ROOT, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt'].map((one) => join(folder, one)).find(existsSync);
  return `${name} ${version}: ${license}\n\n${file ? readFileSync(file, 'utf8').trim() : ''}`;
}
