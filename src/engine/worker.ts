import { parentPort } from 'node:worker_threads';
import { SluiceError, toErrorData } from '../media/errors.js';
import { BatchingPort } from './batching-port.js';
import { nativeUsers } from './native.js';
import { MediaThread } from './media-thread.js';
import type { EngineEvents, FromEngine, ToEngine } from './port.js';
import { stopIdleListeners } from './udp-mux.js';

/** A thing that a service module runs in the media thread. */
interface Service {
  readonly info: unknown;
  readonly stats: () => unknown;
  readonly drain?: (deadlineMs: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

interface ServiceModule {
  readonly createService: (options: unknown) => Promise<Service>;
}

const main = parentPort;
if (!main) throw new SluiceError('SLUICE_INTERNAL', 'the media thread was not started as a worker');
const port = new BatchingPort<FromEngine>(main);
const services = new Map<number, Service>();
const media = new MediaThread((name, args, buffer) => {
  if (name === 'audio') port.send((args as EngineEvents['audio']).reader);
  else port.send({ t: 'event', name, args } as FromEngine, buffer);
});

main.on('message', (batch: ToEngine[]) => {
  for (const message of batch) {
    switch (message.t) {
      case 'post':
        media.post(message.name, message.args);
        break;
      case 'call':
        void answer(message);
        break;
      case 'shutdown':
        void shutDown(message.done);
        break;
    }
  }
});

// An error that nobody caught would end the thread, and with it the process: it is reported and the thread goes on.
process.on('uncaughtException', (error) => {
  process.emitWarning(error instanceof Error ? error : String(error));
});
process.on('unhandledRejection', (error) => {
  process.emitWarning(error instanceof Error ? error : String(error));
});

async function answer(message: Extract<ToEngine, { t: 'call' }>): Promise<void> {
  try {
    const result = await dispatch(message);
    port.send({ t: 'reply', id: message.id, result });
    if (message.name === 'connect') media.announce(message.args.session);
  } catch (error) {
    port.send({ t: 'reply', id: message.id, error: toErrorData(error, 'SLUICE_ENGINE_FAILED') });
  }
}

function dispatch(message: Extract<ToEngine, { t: 'call' }>): unknown {
  switch (message.name) {
    case 'serviceStart':
      return startService(message.args);
    case 'serviceStats':
      return statsOf(message.args.service);
    case 'serviceDrain':
      return drainService(message.args.service, message.args.deadlineMs);
    case 'serviceStop':
      return stopService(message.args.service);
    case 'connect':
      return media.connect(message.args);
    case 'disconnect':
      return media.disconnect(message.args.session);
    case 'setAttributes':
      return media.setAttributes(message.args.session, message.args.attributes);
    case 'publisherOpen':
      return media.publisherOpen(message.args);
    case 'publisherClose':
      return media.publisherClose(message.args.publisher);
    case 'publisherCaptions':
      return media.publisherCaptions(message.args.publisher, message.args.captions);
    case 'publisherDrain':
      return media.publisherDrain(message.args.publisher, message.args.kind);
    case 'readerOpen':
      return media.readerOpen(message.args);
    case 'readerClose':
      return media.readerClose(message.args.reader);
    case 'stats':
      return media.stats(message.args.session);
  }
}

async function startService(args: { service: number; module: string; options: unknown }): Promise<unknown> {
  const { createService } = (await import(args.module)) as ServiceModule;
  const service = await createService(args.options);
  services.set(args.service, service);
  return service.info;
}

function statsOf(id: number): unknown {
  const service = services.get(id);
  if (!service) throw new SluiceError('SLUICE_STATE_INVALID', 'the service is closed');
  return service.stats();
}

async function drainService(id: number, deadlineMs: number): Promise<void> {
  await services.get(id)?.drain?.(deadlineMs);
}

async function stopService(id: number): Promise<void> {
  const service = services.get(id);
  services.delete(id);
  await service?.close();
}

/** Closes everything, so that the native library is at rest before the process ends, and tells the waiting main thread. */
async function shutDown(done: SharedArrayBuffer): Promise<void> {
  const flag = new Int32Array(done);
  try {
    await media.close();
    await Promise.allSettled([...services.values()].map((service) => service.close()));
    if (stopIdleListeners() || nativeUsers() > 0) (await import('node-datachannel')).cleanup();
  } finally {
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  }
}
