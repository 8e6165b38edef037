import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SluiceError, type Place } from '../media/errors.js';
import { checkOptions, nodeOf, pathKey } from './check-options.js';
import { isOneVariable, substitute, type Environment } from './environment.js';
import { GraphFile, QueueConfig, SessionConfig, onErrorOf, type NodeConfig, type OnError } from './schema.js';
import { SourceMap, type Path, type Places } from './source-map.js';

/** What stands for the server inside this process where an address is expected. */
export const EMBEDDED = 'embedded';

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

/**
 * Reads a pipeline file (YAML, or JSON where its name ends so). Errors: SLUICE_FILE_NOT_FOUND; what is wrong
 * inside comes back as problems: SLUICE_CONFIG_SYNTAX, SLUICE_CONFIG_INVALID.
 */
export async function readGraphFile(path: string, environment: Environment): Promise<LoadResult> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const folder = (error as NodeJS.ErrnoException).code === 'EISDIR';
    throw new SluiceError('SLUICE_FILE_NOT_FOUND', folder ? `${path} is a folder` : `cannot read ${path}`, {
      cause: error,
      mend: folder ? 'Name a file in it.' : 'Check the path; it starts from the current folder.',
    });
  }
  return readGraph(text, { file: path, baseDir: dirname(resolve(path)), environment });
}

/** The same for a text. `file` is only used for its name. Pure. */
export function readGraph(text: string, source: GraphSource): LoadResult {
  const problems: SluiceError[] = [];
  try {
    const places = new SourceMap(text, source.file);
    const substituted = new Set<string>();
    const value = places.values((scalar, path) => {
      if (isOneVariable(scalar)) substituted.add(pathKey(path));
      try {
        return substitute(scalar, source.environment);
      } catch (error) {
        problems.push((error as SluiceError).at({ ...places.placeOf(path), ...nodeOf(path) }));
        return scalar;
      }
    });
    const graph = checkedGraph(value, places, substituted, source, problems);
    return graph ? { graph, problems } : { problems };
  } catch (error) {
    if (error instanceof SluiceError) return { problems: [...problems, error] };
    throw error;
  }
}

export interface GraphSource {
  readonly file: string;
  readonly baseDir: string;
  readonly environment: Environment;
}

function checkedGraph(
  value: unknown,
  places: SourceMap,
  substituted: ReadonlySet<string>,
  source: GraphSource,
  problems: SluiceError[],
): LoadedGraph | undefined {
  const checked = checkOptions(GraphFile, value, {
    places,
    base: [],
    knownKeys,
    substituted,
    noun: 'entry',
    mend: 'See pipelines/schema.json for what a pipeline holds.',
  });
  problems.push(...checked.problems);
  if (!checked.data) return undefined;
  const { description, strict, sessions, nodes } = checked.data;
  const loaded = Object.entries(sessions).map(([id, config]) => loadSession(id, config, places, source.environment));
  problems.push(...loaded.flatMap(sessionProblems));
  return {
    file: source.file,
    baseDir: source.baseDir,
    ...(description !== undefined && { description }),
    strict,
    sessions: loaded,
    nodes: Object.entries(nodes).map(([id, node]) => loadNode(id, node, places)),
    places,
    substituted,
  };
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
  const embedded = !vonage && (url === undefined || url === EMBEDDED);
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
  const { driver, url, sessionId, token, applicationId, apiKey, apiSecret } = config;
  const problem = (message: string, expected: string, mend: string): SluiceError =>
    new SluiceError('SLUICE_CONFIG_INVALID', `session "${id}" ${message}`, { place, found: message, expected, mend });
  const noSessionId = problem(
    'has no sessionId',
    driver === 'vonage' ? 'a sessionId' : 'a sessionId, or a token that names the session',
    'Give it a `sessionId`, or set SLUICE_SESSION_ID.',
  );
  if (driver !== 'vonage') return sessionId === undefined && token === undefined ? [noSessionId] : [];
  const problems: SluiceError[] = [];
  if (sessionId === undefined) problems.push(noSessionId);
  if (token === undefined) {
    problems.push(problem('has no token', 'a token of the Vonage session', 'Give it a `token`, or set SLUICE_TOKEN.'));
  }
  if (applicationId === undefined) {
    const mend = 'Give it an `applicationId`, or set SLUICE_APPLICATION_ID.';
    problems.push(problem('has no applicationId', 'the id of the Vonage application', mend));
  }
  for (const [key, value] of Object.entries({ url, apiKey, apiSecret })) {
    if (value === undefined) continue;
    problems.push(problem(`has ${key}, which Vonage sessions do not take`, `no ${key}`, 'Take it out.'));
  }
  return problems;
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
