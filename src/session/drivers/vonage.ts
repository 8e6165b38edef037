import { systemClock } from '../../media/clock.js';
import { SluiceError } from '../../media/errors.js';
import type { Connection, Driver, DriverConnect, DriverSession, SessionEvent, StreamDescription } from '../driver.js';
import type { ResolvedSessionSettings } from '../settings.js';
import type * as api from './vonage/connector-api.js';
import { toSluiceError } from './vonage/errors.js';
import { Readers } from './vonage/readers.js';
import { VonageSession } from './vonage/session.js';

/** The vendor's package. It is proprietary and not part of sluice: a program that joins Vonage sessions installs it. */
const PACKAGE = '@vonage/video-connector';

export interface VonageDriverOptions {
  /** Of the Vonage application that the session belongs to. */
  readonly applicationId: string;
  /** Gives the client's package. Default: `@vonage/video-connector` is imported, from where the user has installed it. */
  readonly load?: () => Promise<api.ConnectorModule>;
}

/**
 * Sessions of the Vonage Video API, through the vendor's package. They take raw media in the formats of `settings.av`, one
 * published stream for each session, and give raw media; names of streams and statistics are not told by that package.
 * Errors of `connect`: SLUICE_DRIVER_UNAVAILABLE where the package is not installed or does not run here.
 */
export function vonageDriver(options: VonageDriverOptions): Driver {
  const { applicationId, load = loadPackage } = options;
  return {
    usesUrl: false,
    connect: async (request, onEvent) => await connect(await load(), applicationId, request, onEvent),
  };
}

async function loadPackage(): Promise<api.ConnectorModule> {
  try {
    // Not a literal: it is there only where the user has installed it.
    const name: string = PACKAGE;
    const loaded = (await import(name)) as Partial<api.ConnectorModule> & { readonly default?: api.ConnectorModule };
    const { VonageVideoClient = loaded.default?.VonageVideoClient } = loaded;
    if (VonageVideoClient) return { VonageVideoClient };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Errors that come from a module loader's thread have lost their code.
    const missing = code === 'ERR_MODULE_NOT_FOUND' || message.startsWith(`Cannot find package '${PACKAGE}'`);
    throw new SluiceError(
      'SLUICE_DRIVER_UNAVAILABLE',
      missing ? `${PACKAGE} is not installed` : `${PACKAGE} does not load on this machine`,
      { cause: error, mend: missing ? `Run \`npm install ${PACKAGE}\`.` : 'It runs on Linux, x64 and arm64.' },
    );
  }
  throw new SluiceError('SLUICE_DRIVER_UNAVAILABLE', `${PACKAGE} has no VonageVideoClient`, {
    mend: `Run \`npm install ${PACKAGE}@latest\`.`,
  });
}

async function connect(
  { VonageVideoClient }: api.ConnectorModule,
  applicationId: string,
  request: DriverConnect,
  onEvent: (event: SessionEvent) => void,
): Promise<DriverSession> {
  const { sessionId, token, settings, timeoutMs, signal } = request;
  if (sessionId === undefined || sessionId === '') {
    throw new SluiceError('SLUICE_CONFIG_INVALID', 'sessionId: a session to join is needed');
  }
  signal?.throwIfAborted();
  const client = new VonageVideoClient();
  const events = new SessionEvents(client, settings, onEvent);
  const giveUp = (): void => {
    events.isOver = true;
    client.disconnect().catch(() => undefined);
  };
  const joining = client.connect(applicationId, sessionId, token, {
    sessionSettings: vendorSettings(settings),
    ...events.callbacks,
  });
  await inTime(joining, timeoutMs, signal, giveUp);
  const own = client.getConnection();
  return events.open(sessionId, own ?? { connectionId: '', creationTime: new Date(), data: '' });
}

/** Turns the callbacks of a client into the events of a session. */
class SessionEvents {
  readonly callbacks: api.ConnectOptions;
  /** Nothing is told any more. */
  isOver = false;
  readonly #client: api.ConnectorClient;
  readonly #settings: ResolvedSessionSettings;
  readonly #onEvent: (event: SessionEvent) => void;
  readonly #readers: Readers;
  #session: VonageSession | undefined;
  /** What the client said before the session was over. */
  #error: SluiceError | undefined;

  constructor(client: api.ConnectorClient, settings: ResolvedSessionSettings, onEvent: (event: SessionEvent) => void) {
    this.#client = client;
    this.#settings = settings;
    this.#onEvent = onEvent;
    this.#readers = new Readers(client, systemClock, settings.av.audioSubscribersMix);
    this.callbacks = {
      onError: (_, description, code) => this.#fail(toSluiceError(description, 'SLUICE_SESSION_LOST', code)),
      onDisconnected: () => this.#lose(),
      onConnectionCreated: (_, one) => this.#tell({ type: 'connectionCreated', connection: connectionOf(one) }),
      onConnectionDropped: (_, one) => this.#tell({ type: 'connectionDropped', connection: connectionOf(one) }),
      onStreamReceived: (_, stream) => this.#addStream(stream),
      onStreamDropped: (_, stream) => this.#dropStream(stream),
      onAudioData: (_, audio) => this.#readers.takeMix(audio),
      onReadyForAudio: () => this.#session?.onReadyForAudio(),
      onMediaBufferDrained: () => this.#session?.onMediaBufferDrained(),
    };
  }

  open(sessionId: string, connection: api.Connection): DriverSession {
    this.#session = new VonageSession({
      client: this.#client,
      clock: systemClock,
      settings: this.#settings,
      readers: this.#readers,
      sessionId,
      connection: connectionOf(connection),
      onReady: () => this.#tell({ type: 'readyForAudio' }),
      onLeave: () => {
        this.isOver = true;
        this.#readers.endAll();
      },
    });
    return this.#session;
  }

  #tell(event: SessionEvent): void {
    if (!this.isOver) this.#onEvent(event);
  }

  #addStream(stream: api.Stream): void {
    if (this.isOver) return;
    this.#readers.add(stream);
    this.#onEvent({ type: 'streamReceived', stream: streamOf(stream) });
  }

  #dropStream({ streamId }: api.Stream): void {
    if (this.isOver) return;
    this.#onEvent({ type: 'streamDropped', streamId });
    this.#readers.remove(streamId);
  }

  /** The client says later whether the session is over because of it; where it goes on, nobody else would tell. */
  #fail(error: SluiceError): void {
    this.#error = error;
    process.emitWarning(error);
  }

  #lose(): void {
    if (this.isOver) return;
    this.isOver = true;
    const { message = 'the session has ended' } = this.#error ?? {};
    this.#onEvent({ type: 'lost', error: new SluiceError('SLUICE_SESSION_LOST', message, { cause: this.#error }) });
  }
}

/** Waits for a client to join, up to a limit. What it joins after that is left by `giveUp`. */
async function inTime(
  joining: Promise<unknown>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  giveUp: () => void,
): Promise<void> {
  const limit = new AbortController();
  // It keeps the process alive, which the client need not do.
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  const either = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
  const over = new Promise<never>((_, reject) => {
    either.addEventListener('abort', () => reject(either.reason as Error), { once: true });
  });
  try {
    await Promise.race([joining, over]);
  } catch (error) {
    if (!either.aborted) throw toSluiceError(error, 'SLUICE_CONNECT_FAILED');
    giveUp();
    joining.then(giveUp, () => undefined);
    signal?.throwIfAborted();
    throw new SluiceError('SLUICE_CONNECT_TIMEOUT', `the session was not joined within ${timeoutMs} ms`);
  } finally {
    clearTimeout(timer);
  }
}

function vendorSettings({ enableMigration, av, logging }: ResolvedSessionSettings): api.SessionSettings {
  const { audioPublisher, audioSubscribersMix, videoPublisher } = av;
  const { resolution, ...picture } = videoPublisher;
  return {
    enableMigration,
    av: {
      audioPublisher: { sampleRate: audioPublisher.sampleRate, channels: audioPublisher.numberOfChannels },
      audioSubscribersMix: {
        sampleRate: audioSubscribersMix.sampleRate,
        channels: audioSubscribersMix.numberOfChannels,
      },
      videoPublisher: { ...resolution, ...picture },
    },
    logging,
  };
}

function connectionOf({ connectionId, creationTime, data }: api.Connection): Connection {
  return { connectionId, creationTime: new Date(creationTime), data, identity: connectionId, name: '', attributes: {} };
}

/** What the package does not tell is taken to be there. */
function streamOf({ streamId, connection, name = '' }: api.Stream): StreamDescription {
  return { streamId, name, connection: connectionOf(connection), hasAudio: true, hasVideo: true };
}
