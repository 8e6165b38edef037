import * as fc from 'fast-check';
import t from 'tap';
import { ConversionSearch } from '../../src/graph/conversion-search.js';
import { fits, nearestIn, type FormatPattern } from '../../src/media/format.js';
import { portsOf, type NodeDef } from '../../src/media/node.js';
import { SAMPLE_RATES } from '../../src/media/audio-data.js';
import * as nodes from '../../src/nodes/index.js';

const DEFS: readonly NodeDef[] = Object.values(nodes);
const CONVERTERS = DEFS.filter((def) => def.converts);
const search = new ConversionSearch(DEFS);
/** What converters take in. */
const stations = CONVERTERS.flatMap((def) =>
  portsOf(def, def.options.parse({})).inputs.flatMap((port) => port.formats),
);

const rate = fc.constantFrom(...SAMPLE_RATES);
const optional = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const audio = fc
  .record({ sampleRate: optional(rate), numberOfChannels: optional(fc.constantFrom(1, 2)) })
  .map((fields) => pattern('audio', fields));
const video = fc
  .record({
    format: optional(fc.constantFrom('YUV420P', 'RGB24', 'ARGB32')),
    size: optional(fc.constantFrom([640, 480], [320, 240])),
    frameRate: optional(fc.constantFrom(10, 30)),
  })
  .map(({ size, ...fields }) => pattern('video', { ...fields, width: size?.[0], height: size?.[1] }));
const encoded = fc.oneof(
  fc.constant(pattern('encoded-audio', { codec: 'opus' })),
  fc.constantFrom('vp8', 'h264').map((codec) => pattern('encoded-video', { codec })),
);
const anyFormat = fc.oneof(audio, video, encoded);

await t.test('the route is the cheapest that any row of converters has, and does what it says', async (t) => {
  fc.assert(
    fc.property(anyFormat, anyFormat, (from, to) => {
      const route = search.find([from], [to]);
      if (!route) return medium(from) !== medium(to);
      const end = route.steps.reduce((before, step) => {
        const [input] = portsOf(step.def, step.options).inputs;
        if (!input?.formats.some((taken) => fits(before, taken))) throw new Error(`${step.def.type} does not take it`);
        return step.format;
      }, from);
      return fits(end, to) && route.cost <= leastCost(from, to, 3) + 1e-9;
    }),
    { numRuns: 150 },
  );
  t.pass('for any two formats');
});

await t.test('sound never becomes pictures', async (t) => {
  t.equal(search.find([{ kind: 'audio' }], [{ kind: 'video' }]), undefined);
  t.equal(search.find([{ kind: 'encoded-video' }], [{ kind: 'encoded-audio' }]), undefined);
});

await t.test('what is not known', async (t) => {
  t.notOk(fits({ kind: 'audio' }, { kind: 'audio', sampleRate: 48_000 }), 'of raw media has to be settled');
  t.ok(fits({ kind: 'encoded-video' }, { kind: 'encoded-video', codec: 'vp8' }), 'of encoded media may fit');
  t.ok(fits({ kind: 'audio', sampleRate: 8000 }, { kind: 'audio' }), 'is no wish');
  t.notOk(
    fits({ kind: 'audio', sampleRate: [8000, 16_000] }, { kind: 'audio', sampleRate: 8000 }),
    'one of several is not known either',
  );
});

await t.test('the nearest value', async (t) => {
  t.equal(nearestIn(44_100, [8000, 48_000, 16_000]), 48_000, 'the next above');
  t.equal(nearestIn(48_000, [8000, 16_000]), 16_000, 'or the highest');
  t.equal(nearestIn(8000, [16_000, 8000]), 8000, 'or the same');
  t.equal(nearestIn(undefined, [16_000, 8000]), 16_000, 'or the best');
  t.equal(nearestIn(8000, undefined), 8000);
  t.equal(nearestIn('RGB24', ['YUV420P', 'ARGB32']), 'YUV420P');
});

/** The least that any row of at most `depth` converters costs, by trying every one with every aim: an oracle that is no search. */
function leastCost(from: FormatPattern, to: FormatPattern, depth: number): number {
  if (fits(from, to)) return 0;
  if (depth === 0) return Infinity;
  let least = Infinity;
  for (const def of CONVERTERS) {
    for (const aim of [to, ...stations]) {
      const conversion = def.converts?.(from, aim);
      if (!conversion || conversion.cost >= least) continue;
      const options = def.options.safeParse(conversion.options);
      if (!options.success) continue;
      const [input] = portsOf(def, options.data).inputs;
      if (!input?.formats.some((taken) => fits(from, taken))) continue;
      const [output] = portsOf(def, options.data, new Map([[input.name, [from]]])).outputs;
      const next = output?.formats[0];
      if (next && JSON.stringify(next) !== JSON.stringify(from)) {
        least = Math.min(least, conversion.cost + leastCost(next, to, depth - 1));
      }
    }
  }
  return least;
}

function pattern(kind: FormatPattern['kind'], fields: object): FormatPattern {
  const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return { kind, ...known };
}

function medium({ kind }: FormatPattern): string {
  return kind.replace('encoded-', '');
}
