import { SluiceError, type Place } from '../media/errors.js';
import { checkOptions, nodeOf, pathKey, type CheckContext } from './check-options.js';
import { isOneVariable, substitute, type Environment } from './environment.js';
import { isMapOf } from './plain-value.js';
import { GraphFile, QueueConfig, SessionConfig, onErrorOf, type NodeConfig, type OnError } from './schema.js';
import { isServerUrl } from '../media/server-url.js';
import type { Path, Places } from '../media/source-map.js';

/** What stands for the server inside this process where an address is expected. */
export const EMBEDDED = 'embedded';

/** Whether an address is that of the server inside this process: `embedded`, or `embedded:<port>`. Pure. */
export function isEmbedded(url: string): boolean {
  return /^embedded(?::\d{1,5})?$/.test(url);
}

/** One thing that a node's `from` names. */
export interface Reference {
  /** `id` or `id.output`. */
  readonly text: string;
  /** Name of the input, where the file says it. */
  readonly input?: string;
  readonly place: Place;
}

export interface LoadedNode {
  readonly id: string;
  readonly type: string;
  readonly from: readonly Reference[];
  readonly queue?: QueueConfig;
  readonly onError?: OnError;
  /** Everything that is no matter of the graph, not yet checked. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Where the node's id stands. */
  readonly place: Place;
  readonly typePlace: Place;
}

export interface LoadedSession {
  readonly id: string;
  /** With what the environment adds. Holds secrets: never print it whole. */
  readonly config: SessionConfig;
  readonly place: Place;
}

/** A pipeline as it was written, with the place of everything. */
export interface LoadedGraph {
  readonly file: string;
  /** Folder that relative paths start from. */
  readonly baseDir: string;
  readonly description?: string;
  /** Links whose formats differ are refused. */
  readonly strict: boolean;
  readonly sessions: readonly LoadedSession[];
  readonly nodes: readonly LoadedNode[];
  readonly places: Places;
  /** Paths of values that came from the environment as a whole. */
  readonly substituted: ReadonlySet<string>;
}

/** A graph where it could be read, and everything that is wrong with it. */
export interface LoadResult {
  readonly graph?: LoadedGraph;
  readonly problems: readonly SluiceError[];
}

/** A graph as it was written in any notation, before variables are filled in and anything is checked. */
export interface WrittenGraph {
  /** What a pipeline file holds. */
  readonly value: unknown;
  readonly places: Places;
  readonly file: string;
  /** Folder that relative paths start from. */
  readonly baseDir: string;
}

/** Fills in variables and checks the graph as far as that can be done without knowing its nodes. Pure. */
export function loadGraph(written: WrittenGraph, environment: Environment): LoadResult {
  const { places } = written;
  const problems: SluiceError[] = [];
  const substituted = new Set<string>();
  const value = mapTexts(written.value, [], (text, path) => {
    if (isOneVariable(text)) substituted.add(pathKey(path));
    try {
      return substitute(text, environment);
    } catch (error) {
      problems.push((error as SluiceError).at({ ...places.placeOf(path), ...nodeOf(path) }));
      return text;
    }
  });
  const graph = checkedGraph(value, substituted, written, environment, problems);
  return graph ? { graph, problems } : { problems };
}

/** What is wrong with how a graph is written, whatever the environment and the nodes are. Pure. */
export function checkWritten({ value, places }: WrittenGraph): readonly SluiceError[] {
  const open = new Set<string>();
  const plain = mapTexts(value, [], (text, path) => {
    if (text.includes('${')) open.add(pathKey(path));
    return text;
  });
  return checkOptions(GraphFile, plain, { ...wordsFor(places), substituted: open, tolerant: true }).problems;
}

/** A copy with every text changed; what is undefined in a map is left out. */
function mapTexts(value: unknown, path: Path, change: (text: string, path: Path) => string): unknown {
  if (typeof value === 'string') return change(value, path);
  if (Array.isArray(value)) return value.map((item, index) => mapTexts(item, [...path, index], change));
  if (!isMapOf(value)) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, mapTexts(item, [...path, key], change)]));
}

function checkedGraph(
  value: unknown,
  substituted: ReadonlySet<string>,
  { places, file, baseDir }: WrittenGraph,
  environment: Environment,
  problems: SluiceError[],
): LoadedGraph | undefined {
  const checked = checkOptions(GraphFile, value, { ...wordsFor(places), substituted });
  problems.push(...checked.problems);
  if (!checked.data) return undefined;
  const { description, strict, sessions, nodes } = checked.data;
  const loaded = Object.entries(sessions).map(([id, config]) => loadSession(id, config, places, environment));
  problems.push(...loaded.flatMap(sessionProblems));
  return {
    file,
    baseDir,
    ...(description !== undefined && { description }),
    strict,
    sessions: loaded,
    nodes: Object.entries(nodes).map(([id, node]) => loadNode(id, node, places)),
    places,
    substituted,
  };
}

function wordsFor(places: Places): Omit<CheckContext, 'substituted'> {
  return { places, base: [], knownKeys, noun: 'entry', mend: 'See pipelines/schema.json for what a pipeline holds.' };
}

function knownKeys(path: Path): readonly string[] {
  if (path.length === 0) return Object.keys(GraphFile.shape);
  if (path[0] === 'sessions') return path.length === 2 ? Object.keys(SessionConfig.shape) : [];
  return path[0] === 'nodes' && path[2] === 'queue' ? Object.keys(QueueConfig.shape) : [];
}

/**
 * What a session does not give comes from the environment. A token or key of its own keeps those of the environment
 * out, and so does the embedded server, which they were not made for.
 */
function loadSession(id: string, own: SessionConfig, places: Places, environment: Environment): LoadedSession {
  const given = (name: string): string | undefined => environment[name] || undefined;
  const vonage = own.driver === 'vonage';
  const url = own.url ?? (vonage ? undefined : given('SLUICE_URL'));
  const sessionId = own.sessionId ?? given('SLUICE_SESSION_ID');
  const applicationId = own.applicationId ?? (vonage ? given('SLUICE_APPLICATION_ID') : undefined);
  const embedded = !vonage && (url === undefined || isEmbedded(url));
  const proves = own.token !== undefined || own.apiKey !== undefined || own.apiSecret !== undefined;
  const token = own.token ?? (proves || embedded ? undefined : given('SLUICE_TOKEN'));
  const signs = own.token === undefined && !embedded && !vonage;
  const apiKey = own.apiKey ?? (signs ? given('SLUICE_API_KEY') : undefined);
  const apiSecret = own.apiSecret ?? (signs ? given('SLUICE_API_SECRET') : undefined);
  const config: SessionConfig = {
    ...own,
    ...(url !== undefined && { url }),
    ...(sessionId !== undefined && { sessionId }),
    ...(applicationId !== undefined && { applicationId }),
    ...(token !== undefined && { token }),
    ...(apiKey !== undefined && { apiKey }),
    ...(apiSecret !== undefined && { apiSecret }),
  };
  return { id, config, place: places.placeOfKey(['sessions', id]) };
}

function sessionProblems({ id, config, place }: LoadedSession): SluiceError[] {
  const { driver, url, sessionId, token, applicationId, apiKey, apiSecret, kind } = config;
  const problem = (message: string, expected: string, mend: string): SluiceError =>
    new SluiceError('SLUICE_CONFIG_INVALID', `session "${id}" ${message}`, { place, found: message, expected, mend });
  const noSessionId = problem(
    'has no sessionId',
    driver === 'vonage' ? 'a sessionId' : 'a sessionId, or a token that names the session',
    'Give it a `sessionId`, or set SLUICE_SESSION_ID.',
  );
  const problems: SluiceError[] = [];
  if (driver !== 'vonage') {
    if (sessionId === undefined && token === undefined) problems.push(noSessionId);
    if (url !== undefined && !isAddress(url)) {
      const mend = 'Use ws://host:port, wss://host, or `embedded`; several with commas between them.';
      problems.push(problem('has a url that is no address', 'the address of a session server', mend));
    }
    return problems;
  }
  if (sessionId === undefined) problems.push(noSessionId);
  if (token === undefined) {
    problems.push(problem('has no token', 'a token of the Vonage session', 'Give it a `token`, or set SLUICE_TOKEN.'));
  }
  if (applicationId === undefined) {
    const mend = 'Give it an `applicationId`, or set SLUICE_APPLICATION_ID.';
    problems.push(problem('has no applicationId', 'the id of the Vonage application', mend));
  }
  for (const [key, value] of Object.entries({ url, apiKey, apiSecret, kind })) {
    if (value === undefined) continue;
    problems.push(problem(`has ${key}, which Vonage sessions do not take`, `no ${key}`, 'Take it out.'));
  }
  return problems;
}

/** Whether a session's url is `embedded`, an address, or several with commas between them. */
function isAddress(url: string): boolean {
  return isEmbedded(url) || url.split(',').every((one) => isServerUrl(one.trim()));
}

function loadNode(id: string, { type, from, queue, onError, ...options }: NodeConfig, places: Places): LoadedNode {
  return {
    id,
    type,
    from: from === undefined ? [] : references(from, ['nodes', id, 'from'], places),
    ...(queue && { queue }),
    ...(onError !== undefined && { onError: onErrorOf(onError) }),
    options,
    place: { ...places.placeOfKey(['nodes', id]), node: id },
    typePlace: { ...places.placeOf(['nodes', id, 'type']), node: id },
  };
}

function references(from: NonNullable<NodeConfig['from']>, path: Path, places: Places, input?: string): Reference[] {
  if (typeof from === 'string') {
    return [{ text: from, place: { ...places.placeOf(path), ...nodeOf(path) }, ...(input !== undefined && { input }) }];
  }
  if (Array.isArray(from)) return from.flatMap((one, index) => references(one, [...path, index], places, input));
  return Object.entries(from).flatMap(([port, one]) => references(one, [...path, port], places, port));
}
