/** Lists that `npm run gen` writes. Whoever imports one loads everything on it. */
const GENERATED_LISTS = '^src/(nodes/(index|by-type)|session/drivers/index)\\.ts$';

/** Files that may reach everything: the public API, the commands and the job worker. */
const TOP = '^src/(index|nodes|pipeline|vonage)\\.ts$|^src/(cli|worker)/';

/** What the code in `from` may import from `src/`; all else is refused. */
function layer(name, from, allowed) {
  return { name: `layer-${name}`, severity: 'error', from: { path: from }, to: { path: '^src/', pathNot: allowed } };
}

/** Packages that only one folder may import, by value or by type. */
function packagesOf(folder, packages) {
  return {
    name: `packages-of-${folder}`,
    severity: 'error',
    from: { path: '^src/', pathNot: `^src/${folder}/` },
    to: { path: `(^|/)(node_modules/)?(${packages.join('|')})(/|$)`, pathNot: '^src/' },
  };
}

const IO = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'fs',
  'http',
  'http2',
  'https',
  'net',
  'readline',
  'timers',
  'tls',
];

/** Code without files, sockets, timers and threads; `more` names further modules of Node.js that it does without. */
function pure(name, from, more = []) {
  return {
    name: `pure-${name}`,
    severity: 'error',
    from: { path: from },
    to: {
      dependencyTypes: ['core'],
      dependencyTypesNot: ['type-only'],
      path: `^(node:)?(${[...IO, 'worker_threads', ...more].join('|')})(/|$)`,
    },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-found', severity: 'error', from: {}, to: { couldNotResolve: true } },

    layer('media', '^src/media/', '^src/media/'),
    layer('codecs', '^src/codecs/', '^src/(codecs|media)/'),
    layer('engine', '^src/engine/', '^src/(engine|media|codecs)/'),
    layer('server', '^src/server/(?!page/)', ['^src/(media|engine)/', '^src/server/(?!page/)']),
    layer('page', '^src/server/page/', '^src/server/page/'),
    layer('session', '^src/session/(?!drivers/)', [
      '^src/media/',
      '^src/session/(?!drivers/)',
      '^src/engine/(port|thread)\\.ts$',
    ]),
    layer('driver', '^src/session/drivers/(?!index\\.ts$)([^/.]+)', [
      '^src/media/',
      '^src/session/(?!drivers/)',
      '^src/session/drivers/$1(/|\\.ts$)',
      '^src/engine/(port|thread)\\.ts$',
    ]),
    layer('vonage', '^src/vonage/', ['^src/(media|vonage)/', '^src/session/', '^src/connect\\.ts$']),
    layer('speech', '^src/speech/', '^src/(speech|media|codecs)/'),
    layer('node', '^src/nodes/(?!(index|by-type)\\.ts$)', '^src/(media|codecs|speech)/'),
    layer('graph', '^src/graph/', ['^src/(graph|media)/', '^src/session/(?!drivers/)']),
    layer('unit-test', '^src/unit-test/', ['^src/(unit-test|graph|media|codecs|speech)/', '^src/session/(?!drivers/)']),
    {
      name: 'top-is-not-imported',
      severity: 'error',
      from: { path: '^src/', pathNot: TOP },
      to: { path: TOP },
    },
    {
      name: 'lists-only-from-the-top',
      comment: 'Only cli, worker and index import the generated lists.',
      severity: 'error',
      from: { path: '^src/', pathNot: TOP },
      to: { path: GENERATED_LISTS },
    },
    {
      name: 'engine-only-by-its-port',
      comment: 'Outside src/engine and src/server, the engine is port.ts and thread.ts.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(engine|server)/' },
      to: { path: '^src/engine/', pathNot: '^src/engine/(port|thread)\\.ts$' },
    },
    {
      name: 'main-side-of-the-engine',
      comment: 'These run in the main thread: what they load, every program loads.',
      severity: 'error',
      from: { path: '^src/engine/(port|batching-port|thread)\\.ts$' },
      to: {
        path: '^src/(engine|codecs)/',
        pathNot: '^src/engine/(port|batching-port|thread)\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },

    packagesOf('codecs', ['node-av', '@discordjs/opus', 'libopus-wasm', '@shiguredo/rnnoise-wasm']),
    {
      name: 'packages-of-engine',
      comment: 'Only the media thread loads node-datachannel.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/engine/(?!port\\.ts$|thread\\.ts$)' },
      to: { path: '(^|/)node-datachannel(/|$)', pathNot: '^src/' },
    },
    pure('media', '^src/media/'),
    pure('rtp-and-sdp', '^src/engine/(rtp|sdp)/', ['stream', 'perf_hooks', 'process']),
    {
      name: 'no-dev-packages',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/server/page/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'undeclared-package',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-catch-all-file',
      comment: 'A file is named after its one idea.',
      severity: 'error',
      from: {},
      to: { path: '/(utils?|misc|helpers?|types|common|shared)(/|[.]ts$)', pathNot: 'node_modules/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
