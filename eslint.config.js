import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Code that turns samples, pixels and packets by the index, where `!` is the honest way to read an element. */
const NUMERIC = [
  'src/media/**',
  'src/nodes/**',
  'src/engine/{rtp,audio,video}/**',
  'src/server/forwarding/**',
  'src/codecs/**',
  'src/speech/**',
  'src/unit-test/judge/**',
];

/** Code that fills in what older clients of the protocol still read. */
const PROTOCOL = ['src/server/**', 'src/engine/signalling/**'];

/** Code whose time comes from a Clock, so that tests can run it on a virtual one. */
const CLOCKED = ['src/media/**', 'src/nodes/**', 'src/engine/rtp/**', 'src/graph/**', 'src/unit-test/**'];

const NODE_GLOBALS = [
  'AbortController',
  'Buffer',
  'URL',
  'console',
  'fetch',
  'performance',
  'process',
  'setTimeout',
  'clearTimeout',
];

const noDefaultExport = [
  'error',
  { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
  { selector: 'ExportSpecifier[exported.name="default"]', message: 'Export by name.' },
];

const noWallClock = [
  'error',
  ...['Date.now', 'performance.now', 'process.hrtime'].map((call) => {
    const [object, property] = call.split('.');
    return { object, property, message: 'Take the time from a Clock (src/media/clock.ts).' };
  }),
];

export default defineConfig(
  globalIgnores(['dist/', '.build*', '.tap/', 'out/']),
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: { globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly'])) },
  },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs', globals: { module: 'writable' } } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ['test/tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    rules: {
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': noDefaultExport,
      eqeqeq: 'error',
      '@typescript-eslint/ban-ts-comment': [
        'error',
        { 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true },
      ],
      // `return fail();` in a function without a value reads well.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // `[...text]` is how code points are counted.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  { files: ['src/**/*.ts'], ignores: ['src/cli/**'], rules: { 'no-console': 'error' } },
  { files: NUMERIC, rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
  { files: PROTOCOL, rules: { '@typescript-eslint/no-deprecated': 'off' } },
  {
    files: CLOCKED,
    ignores: ['src/media/clock.ts'],
    rules: { 'no-restricted-properties': noWallClock },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // `t.test()` is run in order by tap whether it is awaited or not.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafePromises: [{ from: 'package', package: '@tapjs/core', name: 'PromiseWithSubtest' }] },
      ],
    },
  },
  {
    files: ['src/server/page/**/*.ts'],
    languageOptions: {
      parserOptions: { project: ['src/server/page/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
  },
  {
    files: ['**/*.config.ts', '**/*.{js,mjs,cjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
