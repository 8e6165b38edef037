import { Readable, Transform, Writable } from 'node:stream';
import { z } from 'zod';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { defineNode, type NodeContext, type NodeDef, type NodePorts } from '../../src/media/node.js';
import { MONO } from './lab.js';

/** How a node fails; what is left out goes well. */
export interface Trouble {
  /** The first makings that are refused. */
  readonly setups?: number;
  /** The value at which each making fails, in their order, `undefined` for one that does not. */
  readonly at?: readonly (number | undefined)[];
  /** `error` by default; `throw` out of the stream's method, `quit` closes without an error, `hang` never answers. */
  readonly how?: 'error' | 'throw' | 'quit' | 'hang';
  /** It fails when it has taken everything. */
  readonly final?: boolean;
}

/** Nodes that fail as they are told to. */
export class FrailNodes {
  /** By id, `id@streamId` in a branch. */
  readonly troubles = new Map<string, Trouble>();
  /** What sinks took, over all their makings. */
  readonly taken = new Map<string, number[]>();
  /** How often each was made. */
  readonly made = new Map<string, number>();
  /** Streams that are there now. */
  open = 0;
  /** What `flood` gave. */
  flooded = 0;

  /**
   * `frail` hands on, `frail-sink` takes, `frail-source` gives `n` numbers from 0, `ticks` one each 20 ms of the clock, `frail-join`
   * gives what any of its inputs gets, of which `refuse` fails that input, `flood` 1000 numbers each 20 ms, wanted or not.
   */
  readonly defs: readonly NodeDef[] = [
    defineNode({
      ...COMMON,
      type: 'frail',
      inputs: IN,
      outputs: OUT,
      create: (_options, context) => this.#make(context, (fails) => new FrailTransform(fails)),
    }),
    defineNode({
      ...COMMON,
      type: 'frail-sink',
      inputs: IN,
      outputs: [],
      create: (_options, context) => {
        const taken = this.taken.get(nameOf(context)) ?? [];
        this.taken.set(nameOf(context), taken);
        return this.#make(context, (fails) => new FrailSink(fails, taken));
      },
    }),
    defineNode({
      ...COMMON,
      type: 'frail-source',
      options: COUNTED,
      inputs: [],
      outputs: OUT,
      create: ({ n }, context) => this.#make(context, (fails) => new FrailSource(fails, n)),
    }),
    defineNode({
      ...COMMON,
      type: 'ticks',
      options: COUNTED,
      inputs: [],
      outputs: OUT,
      latency: { live: true, minMs: 0, maxMs: 0 },
      create: ({ n }, context) => this.#make(context, (fails) => new Ticks(fails, n, context)),
    }),
    defineNode({
      ...COMMON,
      type: 'flood',
      inputs: [],
      outputs: OUT,
      create: (_options, context) =>
        this.#make(context, () => new Flood(context, () => numbered(this.flooded++ % 30_000))),
    }),
    defineNode({
      ...COMMON,
      type: 'frail-join',
      options: z.strictObject({ refuse: z.number().optional().describe('What no input takes.') }),
      inputs: [{ name: 'in', many: true, formats: [MONO], flow: 'pull' }],
      outputs: OUT,
      joins: true,
      create: ({ refuse }, context) =>
        joined(
          this.#make(context, (fails) => new FrailTransform(fails)),
          refuse,
        ),
    }),
  ];

  #make<S extends Readable | Writable>(context: NodeContext, create: (fails: Fails) => S): S {
    const name = nameOf(context);
    const number = this.made.get(name) ?? 0;
    this.made.set(name, number + 1);
    const { setups = 0, at = [], how = 'error', final = false } = this.troubles.get(name) ?? {};
    if (number < setups) throw new Error(`${name} cannot be made`);
    const stream = create({ name, at: at[number - setups], how, final });
    this.open++;
    stream.once('close', () => this.open--);
    return stream;
  }
}

const COMMON = { summary: '', options: z.strictObject({}), example: '' };
const COUNTED = z.strictObject({ n: z.number().default(Infinity).describe('How many.') });
const IN = [{ name: 'in', formats: [MONO] }] as const;
const OUT = [{ name: 'out', formats: [MONO] }] as const;

interface Fails extends Required<Pick<Trouble, 'how' | 'final'>> {
  readonly name: string;
  readonly at: number | undefined;
}

type Done = (error?: Error | null) => void;

function nameOf({ id, branch }: NodeContext): string {
  return branch ? `${id}@${branch.streamId}` : id;
}

/** 20 ms whose samples are all `value`. */
function numbered(value: number): AudioData {
  return audioData(new Int16Array(960).fill(value), 48_000, 1, value * 20_000);
}

function numberOf(audio: AudioData): number {
  return audio.data[0] ?? NaN;
}

/** True when it is time to fail, which is then done. */
function failsAt(value: number, { name, at, how }: Fails, stream: Readable | Writable, done: Done): boolean {
  if (value !== at) return false;
  const error = new Error(`${name} broke at ${value}`);
  if (how === 'throw') throw error;
  if (how === 'error') done(error);
  if (how === 'quit') stream.destroy();
  return true;
}

function endOf({ name, final }: Fails, done: Done): void {
  done(final ? new Error(`${name} broke at its end`) : null);
}

/** Any number of inputs into one transform. */
function joined(into: FrailTransform, refuse: number | undefined): NodePorts {
  let open = 0;
  let isSealed = false;
  const checkEnd = (): void => {
    if (isSealed && open === 0) into.end();
  };
  return {
    input: () => {
      open++;
      const input = new Writable({
        objectMode: true,
        highWaterMark: 2,
        write: (audio: AudioData, _encoding, done) => {
          if (numberOf(audio) === refuse) done(new Error(`refused ${refuse}`));
          else into.write(audio, done);
        },
      });
      return input.once('close', () => {
        open--;
        checkEnd();
      });
    },
    output: () => into,
    seal: () => {
      isSealed = true;
      checkEnd();
    },
  };
}

class FrailTransform extends Transform {
  readonly #fails: Fails;

  constructor(fails: Fails) {
    super({ objectMode: true, highWaterMark: 2 });
    this.#fails = fails;
  }

  override _transform(audio: AudioData, _encoding: BufferEncoding, done: Done): void {
    if (failsAt(numberOf(audio), this.#fails, this, done)) return;
    this.push(audio);
    done();
  }

  override _flush(done: Done): void {
    endOf(this.#fails, done);
  }
}

class FrailSink extends Writable {
  readonly #fails: Fails;
  readonly #taken: number[];

  constructor(fails: Fails, taken: number[]) {
    super({ objectMode: true, highWaterMark: 2 });
    this.#fails = fails;
    this.#taken = taken;
  }

  override _write(audio: AudioData, _encoding: BufferEncoding, done: Done): void {
    if (failsAt(numberOf(audio), this.#fails, this, done)) return;
    this.#taken.push(numberOf(audio));
    setImmediate(done);
  }

  override _final(done: Done): void {
    endOf(this.#fails, done);
  }
}

class FrailSource extends Readable {
  readonly #fails: Fails;
  readonly #n: number;
  #next = 0;

  constructor(fails: Fails, n: number) {
    super({ objectMode: true, highWaterMark: 2 });
    this.#fails = fails;
    this.#n = n;
  }

  override _read(): void {
    const failed: Done = (error) => void this.destroy(error ?? undefined);
    if (failsAt(this.#next, this.#fails, this, failed)) return;
    this.push(this.#next < this.#n ? numbered(this.#next++) : null);
  }
}

/** Numbers by the clock: what is made anew goes on where the clock is. */
class Ticks extends Readable {
  constructor(fails: Fails, n: number, { clock }: NodeContext) {
    super({ objectMode: true, highWaterMark: 2 });
    const failed: Done = (error) => void this.destroy(error ?? undefined);
    const tick = (): void => {
      if (this.destroyed) return;
      const value = Math.round(clock.nowUs() / 20_000) - 1;
      if (failsAt(value, fails, this, failed)) return;
      this.push(value < n ? numbered(value) : null);
      if (value < n) clock.after(20, tick);
    };
    clock.after(20, tick);
  }

  override _read(): void {
    // It gives by the clock.
  }
}

class Flood extends Readable {
  constructor({ clock }: NodeContext, next: () => AudioData) {
    super({ objectMode: true, highWaterMark: 2 });
    const tick = (): void => {
      if (this.destroyed) return;
      for (let i = 0; i < 1000; i++) this.push(next());
      clock.after(20, tick);
    };
    clock.after(20, tick);
  }

  override _read(): void {
    // It does not wait to be asked.
  }
}
