import { Readable, type Writable } from 'node:stream';
import { z } from 'zod';
import { createPictureComposer, type ComposerCell, type PictureComposer } from '../codecs/picture-composer.js';
import type { ClockTimer } from '../media/clock.js';
import { nearestIn, pictureOptions, type FormatPattern } from '../media/format.js';
import { defineNode, type InputLink, type NodeContext, type NodePorts } from '../media/node.js';
import { PictureInput } from '../media/picture-input.js';
import { arrange, isStream } from '../media/picture-layout.js';
import { PictureQueue } from '../media/picture-queue.js';
import type { SessionAccess } from '../media/session-access.js';
import { MAX_PIXELS, type VideoFrame } from '../media/video-frame.js';
import { yuvColour } from '../media/yuv.js';

const PART = 'From 0 to 1 a part of the picture, above that pixels.';

const Place = z.strictObject({
  stream: z
    .string()
    .min(1)
    .optional()
    .describe('Name or id of the stream, or id of the node, that it is for; when left out, the next without a place.'),
  x: z.number().min(0).max(4096).describe(`Left edge. ${PART}`),
  y: z.number().min(0).max(4096).describe(`Upper edge. ${PART}`),
  width: z.number().gt(0).max(4096).describe(`Width. ${PART}`),
  height: z.number().gt(0).max(4096).describe(`Height. ${PART}`),
});

const Options = z
  .strictObject({
    width: z.int().min(64).max(1920).multipleOf(2).default(1280).describe('Width of the picture in pixels, even.'),
    height: z.int().min(64).max(1920).multipleOf(2).default(720).describe('Height of the picture in pixels, even.'),
    fps: z.number().min(1).max(60).default(25).describe('Pictures per second.'),
    layout: z
      .union([z.enum(['grid', 'speaker']), z.array(Place).min(1).max(100)])
      .default('grid')
      .describe(
        '`grid`: all in cells of one size; `speaker`: one large, the others in a strip; or a list of places, later ones on top.',
      ),
    speaker: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Who is large in `speaker`: name or id of a stream. When left out, who speaks in the session, or the first.',
      ),
    session: z
      .string()
      .min(1)
      .optional()
      .describe('Id of the session whose speaker is shown; may be left out where the graph has one.'),
    fit: z
      .enum(['contain', 'cover'])
      .default('contain')
      .describe('`contain` shows all of each picture, `cover` fills its cell and cuts off what does not fit.'),
    labels: z.boolean().default(true).describe('Write the name of each stream into its picture.'),
    background: z
      .string()
      .regex(/^#[0-9a-f]{6}$/i, 'Must be a colour such as #1a1a1a')
      .default('#000000')
      .describe('Colour behind the pictures, `#rrggbb`.'),
    gap: z.int().min(0).max(64).multipleOf(2).default(4).describe('Room between cells in pixels, even.'),
    holdMs: z
      .int()
      .min(100)
      .max(600_000)
      .default(5000)
      .describe(
        'How long a stream that sends nothing keeps its last picture, in ms; then it leaves until it sends again.',
      ),
    live: z
      .boolean()
      .default(true)
      .describe(
        '`true` gives pictures by the clock, each with what there is; `false` goes by the time of the inputs and waits for all.',
      ),
    queueMs: z
      .number()
      .min(40)
      .max(2000)
      .default(200)
      .describe('How much of an input that comes faster than it is shown may wait, in ms; then it is held back.'),
  })
  .refine(({ width, height }) => width * height <= MAX_PIXELS, {
    path: ['width'],
    message: 'Too big: width times height must be at most 1920x1080 pixels',
  });
type CompositorOptions = z.output<typeof Options>;

/**
 * Puts the pictures of any number of inputs into one. Inputs come and go while it runs, each in its own size,
 * which may change; one that nothing came from for `holdMs` leaves its cell to the others. It ends when no more inputs can come and
 * all have ended. Live media that comes faster than `fps` is left out, counted; files and the like are shown in their own time.
 *
 * Errors: SLUICE_FORMAT_MISMATCH, SLUICE_SESSION_UNKNOWN, SLUICE_CODEC_UNAVAILABLE, SLUICE_CODEC_FAILED.
 */
export const compositor = defineNode({
  type: 'compositor',
  summary: 'Puts the pictures of any number of inputs into one, also those of branches.',
  options: Options,
  joins: true,
  inputs: ({ live, queueMs }) => [
    {
      name: 'in',
      many: true,
      formats: [{ kind: 'video', format: 'YUV420P' }],
      flow: live ? 'push' : 'pull',
      bufferMs: queueMs,
    },
  ],
  outputs: ({ width, height, fps }) => [
    { name: 'out', formats: [{ kind: 'video', format: 'YUV420P', width, height, frameRate: fps }] },
  ],
  latency: ({ live, fps, queueMs }) => ({ live, minMs: 0, maxMs: live ? Math.ceil(2000 / fps) : queueMs }),
  waitsForAll: ({ live }) => !live,
  adapts: outputOptions,
  example: `nodes:
  left:  { type: test-pattern, durationMs: 1000, live: false }
  right: { type: test-pattern, durationMs: 1000, live: false }
  both:  { type: compositor, from: [left, right], live: false, background: "#202020" }
  vp8:   { type: video-encoder, from: both }
  file:  { type: recorder, from: vp8, path: out/both.webm }`,
  async create(options, context) {
    const session = options.session === undefined ? undefined : context.session(options.session);
    const { width, height, fit } = options;
    const composer = await createPictureComposer({ width, height, fit, background: yuvColour(options.background) });
    return new Compositor(options, context, composer, session);
  },
});

function outputOptions(format: FormatPattern): Readonly<Record<string, unknown>> {
  const { width, height } = pictureOptions(format);
  const fps = format.kind === 'video' ? nearestIn(format.frameRate, undefined) : undefined;
  return {
    ...(width !== undefined && height !== undefined && { width, height }),
    ...(fps !== undefined && { fps }),
  };
}

class Compositor implements NodePorts {
  readonly #options: CompositorOptions;
  readonly #context: NodeContext;
  readonly #composer: PictureComposer;
  readonly #session: SessionAccess | undefined;
  readonly #intervalUs: number;
  readonly #inputs = new Set<PictureInput>();
  readonly #output: Readable;
  #lastId = 0;
  #sealed = false;
  #hungry = false;
  #composing = false;
  #ended = false;
  #isClosed = false;
  #timer: ClockTimer | undefined;
  /** Live: the clock at the first picture. Otherwise the time of the first picture that came. */
  #startUs: number | undefined;
  #count = 0;
  /** What the composer was told last: who is where, and what each shows. */
  #layoutKey = '';
  readonly #cells = new Map<PictureInput, ComposerCell>();
  readonly #drawn = new Map<PictureInput, VideoFrame>();
  #large: PictureInput | undefined;

  constructor(
    options: CompositorOptions,
    context: NodeContext,
    composer: PictureComposer,
    session: SessionAccess | undefined,
  ) {
    this.#options = options;
    this.#context = context;
    this.#composer = composer;
    this.#session = session;
    this.#intervalUs = 1_000_000 / options.fps;
    this.#output = new Readable({
      objectMode: true,
      highWaterMark: 4,
      read: () => {
        this.#hungry = true;
        if (options.live) this.#start();
        else this.#composeWhileReady();
      },
      destroy: (error, done) => {
        this.close();
        done(error);
      },
    });
  }

  input(_port: string, { name = '', branch, flow }: InputLink = {}): Writable {
    const { live, holdMs, queueMs } = this.#options;
    const pictures = new PictureQueue({
      order: live ? (flow === 'push' ? 'newest' : 'paced') : 'own-time',
      intervalUs: this.#intervalUs,
      holdUs: holdMs * 1000,
      queueUs: queueMs * 1000,
      skipped: () => {
        this.#context.dropped('more pictures than wanted');
      },
    });
    const input = new PictureInput(++this.#lastId, { name, streamId: branch }, pictures, () => {
      this.#composeWhileReady();
    });
    this.#inputs.add(input);
    return input;
  }

  output(): Readable {
    return this.#output;
  }

  seal(): void {
    this.#sealed = true;
    this.#composeWhileReady();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#composer.close();
  }

  #start(): void {
    if (this.#startUs !== undefined) return;
    this.#startUs = this.#context.clock.nowUs();
    this.#tick();
  }

  readonly #tick = (): void => {
    const { clock } = this.#context;
    const elapsedUs = clock.nowUs() - (this.#startUs ?? 0);
    while (this.#count * this.#intervalUs <= elapsedUs + 0.5) {
      const momentUs = this.#count * this.#intervalUs;
      if (this.#endIfOver(momentUs)) return;
      if (this.#hungry) this.#compose(momentUs);
      else {
        this.#count++;
        this.#context.dropped('reader too slow');
      }
    }
    this.#timer = clock.after((this.#count * this.#intervalUs - elapsedUs) / 1000, this.#tick);
  };

  /** Not live: goes on while it is known what every input shows. Taking makes writers go on, which calls it again. */
  #composeWhileReady(): void {
    if (this.#options.live || !this.#sealed || this.#ended || this.#composing) return;
    this.#composing = true;
    this.#startUs ??= this.#firstUs();
    while (this.#startUs !== undefined && this.#hungry && !this.#isClosed) {
      const momentUs = this.#startUs + this.#count * this.#intervalUs;
      if (this.#endIfOver(momentUs) || !this.#isKnown(momentUs)) break;
      this.#compose(momentUs);
    }
    this.#composing = false;
  }

  /** The time of the first picture of all; undefined while it is not known. */
  #firstUs(): number | undefined {
    if (!this.#isKnown(-Infinity)) return undefined;
    const firstUs = Math.min(...[...this.#inputs].map(({ pictures }) => pictures.firstUs ?? Infinity));
    return Number.isFinite(firstUs) ? firstUs : 0;
  }

  /** Whether it is known what every input shows at a moment. */
  #isKnown(momentUs: number): boolean {
    for (const { pictures } of this.#inputs) if (!pictures.isKnown(momentUs)) return false;
    return true;
  }

  #endIfOver(momentUs: number): boolean {
    for (const input of this.#inputs) {
      if (!input.pictures.isOver(momentUs)) continue;
      input.pictures.clear();
      this.#inputs.delete(input);
    }
    if (!this.#sealed || this.#inputs.size > 0) return false;
    this.#ended = true;
    if (!this.#isClosed) this.#output.push(null);
    return true;
  }

  #compose(momentUs: number): void {
    this.#count++;
    const shown = new Map<PictureInput, VideoFrame>();
    for (const input of this.#inputs) {
      const picture = input.pictures.at(momentUs);
      if (picture) shown.set(input, picture);
    }
    try {
      this.#arrange([...shown.keys()]);
      for (const [input, frame] of shown) this.#show(input, frame);
      this.#hungry = this.#output.push(this.#composer.draw(Math.round(momentUs)));
    } catch (error) {
      this.#output.destroy(error as Error);
      return;
    }
    for (const input of this.#inputs) input.goOn();
  }

  #show(input: PictureInput, frame: VideoFrame): void {
    if (this.#drawn.get(input) === frame) return;
    this.#drawn.set(input, frame);
    if (this.#cells.has(input)) this.#composer.show({ ...frame, id: input.id });
    else this.#context.dropped('no place in the layout');
  }

  /** Lays the picture out anew where others are shown than before, or another is large. */
  #arrange(inputs: readonly PictureInput[]): void {
    const { layout, labels, gap, width, height } = this.#options;
    const large = layout === 'speaker' ? this.#chooseLarge(inputs) : undefined;
    const key = `${large?.id ?? ''}:${inputs.map(({ id }) => id).join()}`;
    if (key === this.#layoutKey) return;
    this.#layoutKey = key;
    this.#large = large;
    const streams = inputs.map(({ stream }) => stream);
    const placed = arrange(layout, streams, { width, height, gap, large: large ? inputs.indexOf(large) : 0 });
    const before = new Set(this.#cells.keys());
    this.#cells.clear();
    for (const { index, rect } of placed) {
      const input = inputs[index];
      if (input) this.#cells.set(input, { id: input.id, rect, label: labels ? input.stream.name : undefined });
    }
    // What a new cell shows is drawn, whether it came before or not.
    for (const input of this.#cells.keys()) if (!before.has(input)) this.#drawn.delete(input);
    for (const input of this.#drawn.keys()) if (!inputs.includes(input)) this.#drawn.delete(input);
    this.#composer.arrange([...this.#cells.values()]);
  }

  /** Who is asked for, or speaks; otherwise it stays as it is. */
  #chooseLarge(inputs: readonly PictureInput[]): PictureInput | undefined {
    const wanted = this.#options.speaker ?? this.#session?.currentSpeaker?.streamId;
    const found = wanted === undefined ? undefined : inputs.find(({ stream }) => isStream(stream, wanted));
    return found ?? inputs.find((input) => input === this.#large) ?? inputs[0];
  }
}
