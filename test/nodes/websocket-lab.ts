import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { type NodePorts, parseOptions } from '../../src/media/node.js';
import { websocket } from '../../src/nodes/websocket.js';
import { freePort } from '../support/free-port.js';
import { testContext, type TestContext } from './node-lab.js';

/** Samples per second of all sound. */
export const RATE = 16_000;
/** What a peer sends first. */
export const FIRST = JSON.stringify({ 'content-type': `audio/l16;rate=${RATE}`, caller: 'ann' });

/** The node that was made. */
type Ports = Required<Pick<NodePorts, 'input' | 'output' | 'close'>>;

/** A node. */
export async function make(options: object, context: TestContext = testContext()): Promise<Ports> {
  return (await websocket.create(parseOptions(websocket, options), context)) as Ports;
}

/** A node that serves, and its address. */
export async function serving(options: object = {}, context?: TestContext): Promise<Ports & { readonly url: string }> {
  const port = await freePort();
  const ports = await make({ port, path: '/call', ...options }, context);
  return Object.assign(ports, { url: `ws://127.0.0.1:${port}/call` });
}

/** A peer that is connected. */
export async function calling(url: string, options: object = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, options);
  await once(socket, 'open');
  return socket;
}

/** A server of the test, and the first connection to it. */
export async function answering(): Promise<{ url: string; server: WebSocketServer; connected: Promise<WebSocket> }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  const connected = once(server, 'connection').then(([socket]) => socket as WebSocket);
  return { url: `ws://127.0.0.1:${port}/?key=secret`, server, connected };
}

/** Samples as they are sent. */
export const bytesOf = (samples: Int16Array): Buffer =>
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
