import { readFile, stat } from 'node:fs/promises';
import { openMediaFile, type MediaFile } from '../codecs/media-file.js';
import type { LinkObserver } from '../graph/link-observer.js';
import type { Plan, PlannedLink } from '../graph/planned.js';
import type { Path } from '../media/source-map.js';
import type { SluiceError } from '../media/errors.js';
import type { StreamValue } from '../media/media-value.js';
import type { StreamInfo } from '../media/session-access.js';
import type { Kind } from '../session/driver.js';
import { pathInSandbox } from './dressed-plan.js';
import type { FileExpectation, PublishedExpectation } from './expectation-schema.js';
import { JUDGED_RATE } from './judge/sound-blocks.js';
import { MutedTimes } from './muted-times.js';
import { nodeName, type NodeName } from './node-name.js';
import { shortfall, type TestToRun } from './test-to-run.js';
import { Witness, type References } from './witness.js';

/** How much of a text is shown, in characters. */
const MOST_SHOWN = 500;

interface Watched {
  /** Where the expectation is written. */
  readonly path: Path;
  readonly witness: Witness;
}

interface WatchedStream extends Watched {
  readonly session: string;
  readonly expected: PublishedExpectation;
  readonly muted: MutedTimes;
}

/** Everyone who looks at the media of one test: on links, in sessions, and in files afterwards. */
export class TestWitnesses {
  readonly #toRun: TestToRun;
  readonly #plan: Plan;
  readonly #references: References;
  readonly #nodes: readonly (Watched & { readonly name: NodeName })[];
  /** By session and name of the stream. */
  readonly #published = new Map<string, WatchedStream>();
  /** Names of the streams that were published, by session. */
  readonly #streams = new Map<string, Set<string>>();
  /** Values of each attribute, by session and name. */
  readonly #attributes = new Map<string, string[]>();

  constructor(toRun: TestToRun, plan: Plan, references: References) {
    this.#toRun = toRun;
    this.#plan = plan;
    this.#references = references;
    const { expect } = toRun.test;
    this.#nodes = Object.entries(expect.nodes).map(([key, expected]) => ({
      path: ['expect', 'nodes', key],
      name: nodeName(key),
      witness: new Witness(expected, references),
    }));
    for (const [id, { published }] of Object.entries(expect.sessions)) {
      for (const [name, expected] of Object.entries(published)) {
        const path = ['expect', 'sessions', id, 'published', name];
        const witness = new Witness(expected, references);
        this.#published.set(keyOf(id, name), { path, session: id, expected, witness, muted: new MutedTimes() });
      }
    }
  }

  /** Looks at what passes a link. */
  readonly observe: LinkObserver = (link, branch) => {
    const watching = this.#nodes.filter(({ name }) => this.#isAt(link, branch, name)).map(({ witness }) => witness);
    const [only] = watching;
    if (!only) return undefined;
    if (watching.length === 1) return only.take;
    return (value) => {
      for (const witness of watching) witness.take(value);
    };
  };

  /** A stream was published. */
  published(session: string, streamName: string): void {
    const streams = this.#streams.get(session) ?? new Set();
    this.#streams.set(session, streams.add(streamName));
  }

  /** The pipeline changed attributes of its participant. */
  described(session: string, attributes: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(attributes)) {
      const values = this.#attributes.get(keyOf(session, name)) ?? [];
      if (values.at(-1) !== value) values.push(value);
      this.#attributes.set(keyOf(session, name), values);
    }
  }

  /** Looks at what is sent in a stream. */
  sent(session: string, streamName: string, value: StreamValue): void {
    this.#published.get(keyOf(session, streamName))?.witness.take(value);
  }

  /** A kind of a stream is muted from now on, or not any more. */
  muted(session: string, streamName: string, change: { kind: Kind; muted: boolean; atMs: number }): void {
    const { kind, muted, atMs } = change;
    this.#published.get(keyOf(session, streamName))?.muted.set(kind, muted, atMs);
  }

  /** What was not as expected. No more media may come. */
  async failures(folders: { readonly sandbox: string; readonly baseDir: string }): Promise<SluiceError[]> {
    const failures: SluiceError[] = [];
    for (const watched of this.#nodes) failures.push(...(await this.#judge(watched)));
    for (const watched of this.#published.values()) {
      const missing = this.#missing(watched.path, watched.session);
      failures.push(...(missing ? [missing] : [...(await this.#judge(watched)), ...this.#judgeMuting(watched)]));
    }
    failures.push(...this.#judgeAttributes());
    for (const [path, expected] of Object.entries(this.#toRun.test.expect.files)) {
      const place = pathInSandbox(folders.sandbox, folders.baseDir, path);
      failures.push(...(await this.#judgeFile(path, place, expected)));
    }
    return failures;
  }

  close(): void {
    for (const { witness } of [...this.#nodes, ...this.#published.values()]) witness.close();
  }

  #isAt(link: PlannedLink, branch: StreamInfo | undefined, name: NodeName): boolean {
    if (name.branch !== undefined && name.branch !== branch?.name) return false;
    const isSink = this.#plan.nodes.some(({ id, outputs }) => id === name.id && outputs.length === 0);
    if (isSink) return link.to.node === name.id && (name.port ?? link.to.input) === link.to.input;
    if (link.from.node !== name.id || (name.port ?? link.from.output) !== link.from.output) return false;
    // An output with several readers counts once.
    const { node, output } = link.from;
    return this.#plan.links.find(({ from }) => from.node === node && from.output === output) === link;
  }

  /** Undefined where the stream was published. */
  #missing(path: Path, session: string): SluiceError | undefined {
    const name = String(path.at(-1));
    const streams = [...(this.#streams.get(session) ?? [])];
    if (streams.includes(name)) return undefined;
    const found = streams.length === 0 ? 'nothing' : streams.map((one) => `"${one}"`).join(', ');
    const words = { message: `nothing was published as "${name}"`, found, expected: `"${name}"` };
    return shortfall(this.#toRun, path, words);
  }

  async #judge({ path, witness }: Watched): Promise<SluiceError[]> {
    const what = String(path.at(-1));
    return (await witness.findings()).map(({ path: below, found, expected }) =>
      shortfall(this.#toRun, [...path, ...below], { message: `"${what}" is not as expected`, found, expected }),
    );
  }

  #judgeMuting({ path, expected, muted }: WatchedStream): SluiceError[] {
    const finding = expected.muted && muted.finding(expected.muted);
    if (!finding) return [];
    const message = `"${String(path.at(-1))}" was muted at other times`;
    return [shortfall(this.#toRun, [...path, 'muted'], { message, ...finding })];
  }

  #judgeAttributes(): SluiceError[] {
    const failures: SluiceError[] = [];
    for (const [session, { attributes }] of Object.entries(this.#toRun.test.expect.sessions)) {
      for (const [name, values] of Object.entries(attributes)) {
        const expected = values.join(', ');
        const found = (this.#attributes.get(keyOf(session, name)) ?? []).join(', ');
        if (found === expected) continue;
        const words = { message: `"${name}" had other values`, found: found || 'none', expected: expected || 'none' };
        failures.push(shortfall(this.#toRun, ['expect', 'sessions', session, 'attributes', name], words));
      }
    }
    return failures;
  }

  async #judgeFile(name: string, place: string, expected: FileExpectation): Promise<SluiceError[]> {
    const path: Path = ['expect', 'files', name];
    const exists = await isThere(place);
    if (exists !== expected.exists) {
      const told = (is: boolean): string => (is ? 'a file' : 'no file');
      const words = { message: `"${name}" is not as expected`, found: told(exists), expected: told(expected.exists) };
      return [shortfall(this.#toRun, path, words)];
    }
    if (!exists) return [];
    const texts = await this.#judgeTexts(path, place, expected);
    if (!looksInside(expected)) return texts;
    const file = await openMediaFile(place);
    const witness = new Witness(expected, this.#references);
    try {
      const audio = { sampleRate: JUDGED_RATE, numberOfChannels: 1 } as const;
      for await (const value of file.read({ audio })) witness.take(value);
      return [...texts, ...this.#judgeTracks(path, file, expected), ...(await this.#judge({ path, witness }))];
    } finally {
      witness.close();
    }
  }

  async #judgeTexts(path: Path, place: string, { contains }: FileExpectation): Promise<SluiceError[]> {
    if (contains.length === 0) return [];
    const content = await readFile(place, 'utf8');
    let at = 0;
    for (const [index, text] of contains.entries()) {
      at = content.indexOf(text, at);
      if (at >= 0) {
        at += text.length;
        continue;
      }
      const found = content.length > MOST_SHOWN ? `${content.slice(0, MOST_SHOWN)}…` : content;
      const words = { message: 'the file lacks a text', found: JSON.stringify(found), expected: JSON.stringify(text) };
      return [shortfall(this.#toRun, [...path, 'contains', index], words)];
    }
    return [];
  }

  #judgeTracks(path: Path, file: MediaFile, { tracks }: FileExpectation): SluiceError[] {
    const found = (['audio', 'video'] as const).filter((kind) => file[kind] !== undefined).join(', ');
    const expected = tracks && [...new Set(tracks)].sort().join(', ');
    if (expected === undefined || found === expected) return [];
    return [shortfall(this.#toRun, [...path, 'tracks'], { message: 'the file holds other tracks', found, expected })];
  }
}

function keyOf(session: string, streamName: string): string {
  return `${session} ${streamName}`;
}

function looksInside({ audio, video, count, durationMs, tracks }: FileExpectation): boolean {
  return audio.length > 0 || video.length > 0 || [count, durationMs, tracks].some((one) => one !== undefined);
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
