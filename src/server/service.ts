import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { Ticker } from '../engine/ticker.js';
import { ntpUsFromUnixUs } from '../engine/rtp/ntp.js';
import { UdpMux } from '../engine/udp-mux.js';
import { systemClock } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import type { ServerContext } from './context.js';
import { createCounters } from './counters.js';
import { FanOut } from './forwarding/fan-out.js';
import { createHttp } from './http.js';
import { type Logger, createLogger } from './log.js';
import { type ResolvedOptions, type ServerOptions, resolveOptions } from './options.js';
import { Rooms } from './rooms.js';
import { Signalling } from './signalling.js';
import { Strangers } from './strangers.js';
import { type ServerStats, serverStats } from './stats.js';

/** Where a running server is reached. */
export interface ServerInfo {
  readonly host: string;
  readonly port: number;
  readonly udpPort: number;
  /** The development keys are in force. */
  readonly development: boolean;
}

export interface ServerService {
  readonly info: ServerInfo;
  stats(): ServerStats;
  /** Lets nobody in, asks everyone to join elsewhere, and closes when all have gone or after so many ms. */
  drain(deadlineMs: number): Promise<void>;
  /** Sends everyone away and closes sockets, transports, timers and ports. Idempotent. */
  close(): Promise<void>;
}

const TICK_MS = 5;
/** Where any free port will do, so often one is looked for that is free for TCP and UDP. */
const PORT_ATTEMPTS = 20;
const DEFAULT_SESSION_ID = 'demo';

/**
 * Runs the embedded session server in this thread, which must be the one that has the native library.
 * Errors: SLUICE_CONFIG_INVALID, SLUICE_KEYS_REQUIRED, SLUICE_ADDRESS_IN_USE; nothing is left open then.
 */
export async function createService(options: ServerOptions = {}): Promise<ServerService> {
  const resolved = await resolveOptions(options);
  const attempts = resolved.port === 0 && resolved.udpPort === undefined ? PORT_ATTEMPTS : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return await startServer(resolved);
    } catch (error) {
      // The free TCP port was taken as UDP port: another one then.
      if (attempt >= attempts || (error as SluiceError).code !== 'SLUICE_ADDRESS_IN_USE') throw error;
    }
  }
}

async function startServer(options: ResolvedOptions): Promise<ServerService> {
  const log = createLogger(options.logLevel);
  const startedUs = systemClock.nowUs();
  const uptimeSeconds = (): number => Math.floor((systemClock.nowUs() - startedUs) / 1e6);
  const running: { rooms?: Rooms; signalling?: Signalling } = {};
  const isOpen = (): boolean => running.signalling?.isOpen ?? true;
  const health = (): Record<string, unknown> => ({
    sessions: running.rooms?.count ?? 0,
    participants: running.rooms?.participantCount ?? 0,
    uptimeSeconds: uptimeSeconds(),
  });
  const http = await createHttp({
    options,
    log,
    defaultSessionId: DEFAULT_SESSION_ID,
    health,
    isOpen,
    rooms: () => running.rooms,
  });
  let port: number;
  let mux: UdpMux;
  try {
    port = await listen(http, options);
    mux = await holdUdpPort(options.udpPort ?? port, options.address);
  } catch (error) {
    await http.close();
    throw error;
  }
  const context = createContext(options, log, mux.port);
  const rooms = (running.rooms = new Rooms(context));
  const strangers = new Strangers(http.server, context.counters.http);
  const signalling = (running.signalling = new Signalling(rooms, options.keys, context, (socket) => {
    strangers.letIn(socket);
  }));
  http.server.on('upgrade', signalling.onUpgrade);
  const close = async (): Promise<void> => {
    signalling.stop();
    await rooms.close();
    await signalling.close();
    await http.close();
    await mux.close();
  };
  let closing: Promise<void> | undefined;
  let draining: Promise<void> | undefined;
  let endDrain = (): void => undefined;
  const drain = async (deadlineMs: number): Promise<void> => {
    signalling.drain();
    const deadline = new Promise<void>((resolve) => {
      const timer = systemClock.after(deadlineMs, resolve);
      endDrain = () => {
        timer.cancel();
        resolve();
      };
    });
    await Promise.race([rooms.drain(), deadline]);
    endDrain();
    await (closing ??= close());
  };
  return {
    drain: (deadlineMs) => (draining ??= drain(deadlineMs)),
    stats: () => {
      const more = { uptimeSeconds: uptimeSeconds(), strangerRequests: mux.unknownRequests };
      return serverStats(rooms, context.counters, more);
    },
    info: { host: options.host, port, udpPort: mux.port, development: options.development },
    close: () => {
      endDrain();
      return (closing ??= close());
    },
  };
}

async function listen(http: FastifyInstance, options: ResolvedOptions): Promise<number> {
  try {
    await http.listen({ host: options.address, port: options.port });
  } catch (error) {
    throw listenError(error, options);
  }
  const bound = http.server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : options.port;
}

function createContext(options: ResolvedOptions, log: Logger, udpPort: number): ServerContext {
  const clock = systemClock;
  // Calendar and clock are put side by side once: a calendar that is set meanwhile does not move the media.
  const epochUs = ntpUsFromUnixUs(Date.now() * 1000) - clock.nowUs();
  const anyAddress = options.address === '0.0.0.0' || options.address === '::';
  return {
    clock,
    log,
    counters: createCounters(),
    keys: options.keys,
    ticker: new Ticker(clock, TICK_MS, (error) => {
      log.error({ err: error }, 'a periodic task failed');
    }),
    fanOut: new FanOut({
      nowUs: () => clock.nowUs(),
      soon: (task) => setImmediate(task),
      onFault: (error) => {
        log.error({ err: error }, 'sending to a subscriber failed');
      },
    }),
    bindAddress: anyAddress ? undefined : options.address,
    udpPort,
    ntpUs: (nowUs) => epochUs + nowUs,
  };
}

async function holdUdpPort(udpPort: number, address: string): Promise<UdpMux> {
  return await UdpMux.listen(udpPort === 0 ? await freeUdpPort(address) : udpPort, address);
}

async function freeUdpPort(address: string): Promise<number> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, address, resolve);
    });
    return socket.address().port;
  } finally {
    socket.close();
  }
}

function listenError(cause: unknown, { host, port }: ResolvedOptions): SluiceError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    return new SluiceError('SLUICE_ADDRESS_IN_USE', `TCP port ${port} on ${host} is taken`, {
      cause,
      mend: 'Stop the program that uses it, or choose another port.',
    });
  }
  const mend = code === 'EACCES' ? 'Choose a port from 1024 on.' : 'Give an address of this machine.';
  return new SluiceError(
    'SLUICE_CONFIG_INVALID',
    `the server cannot listen on ${host}, TCP port ${port}: ${code ?? 'unknown error'}`,
    { cause, mend },
  );
}
