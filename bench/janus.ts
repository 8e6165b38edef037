import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findProgram } from '../test/support/require.js';
import { nowMs } from './pacer.js';

/** Janus with its AudioBridge, and participants that send and take plain RTP. */
export interface Janus {
  /** Lets one in that takes RTP at `port` of this machine; the port that takes theirs. */
  join(port: number): Promise<number>;
  /** CPU time of its process over the next `ms`, in percent of one core. */
  cpu(ms: number): Promise<number>;
  stop(): Promise<void>;
}

const HTTP_PORT = 18_088;
const ADDRESS = `http://127.0.0.1:${HTTP_PORT}/janus`;
const ROOM = 1;
const PATIENCE_MS = 10_000;
/** Clock ticks of the kernel a second (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

/** Starts Janus with a configuration in `folder`. Errors: it is not installed, or does not answer. */
export async function startJanus(folder: string): Promise<Janus> {
  const program = findProgram('janus');
  if (program === undefined) throw new Error('janus is needed for this benchmark (Debian: apt-get install janus)');
  await configure(folder);
  const child = spawn(program, ['-F', folder, '-C', join(folder, 'janus.jcfg')], { stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answers(child);
    const session = await Session.open();
    await session.createRoom();
    return { join: (port) => session.join(port), cpu: (ms) => cpuOf(child.pid ?? 0, ms), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function configure(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files = {
    'janus.jcfg': `general: { debug_level = 2\n admin_secret = "none"\n plugins_folder = "/usr/lib/x86_64-linux-gnu/janus/plugins"\n transports_folder = "/usr/lib/x86_64-linux-gnu/janus/transports" }
plugins: { disable = "libjanus_videoroom.so,libjanus_streaming.so,libjanus_sip.so,libjanus_nosip.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so,libjanus_recordplay.so,libjanus_echotest.so,libjanus_lua.so,libjanus_duktape.so" }
transports: { disable = "libjanus_websockets.so,libjanus_pfunix.so,libjanus_mqtt.so,libjanus_rabbitmq.so,libjanus_nanomsg.so" }
`,
    'janus.transport.http.jcfg': `general: { json = "plain"\n base_path = "/janus"\n http = true\n port = ${HTTP_PORT}\n ip = "127.0.0.1"\n https = false }\nadmin: { admin_http = false }\n`,
    'janus.plugin.audiobridge.jcfg': 'general: { local_ip = "127.0.0.1" }\n',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

async function answers(child: ChildProcess): Promise<void> {
  const untilMs = nowMs() + PATIENCE_MS;
  while (nowMs() < untilMs && child.exitCode === null) {
    const isThere = await fetch(`${ADDRESS}/info`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isThere) return;
    await wait(100);
  }
  throw new Error('janus does not answer');
}

interface Message {
  readonly janus: string;
  readonly sender?: number;
  readonly data?: { readonly id: number };
  readonly plugindata?: {
    readonly data: { readonly audiobridge?: string; readonly error?: string; readonly rtp?: { readonly port: number } };
  };
}

/** One session of Janus' API, with a handle for each participant. */
class Session {
  readonly #path: string;
  readonly #joined = new Map<number, (message: Message) => void>();

  private constructor(path: string) {
    this.#path = path;
  }

  static async open(): Promise<Session> {
    const { data } = await post(ADDRESS, { janus: 'create' });
    const session = new Session(`${ADDRESS}/${data?.id ?? ''}`);
    void session.#poll().catch(() => undefined);
    return session;
  }

  async createRoom(): Promise<void> {
    const handle = await this.#attach();
    const body = { request: 'create', room: ROOM, sampling_rate: 48_000, allow_rtp_participants: true };
    const { plugindata } = await post(`${this.#path}/${handle}`, { janus: 'message', body });
    if (plugindata?.data.audiobridge !== 'created') throw new Error(`no room: ${plugindata?.data.error ?? ''}`);
  }

  async join(port: number): Promise<number> {
    const handle = await this.#attach();
    const event = new Promise<Message>((resolve) => this.#joined.set(handle, resolve));
    const rtp = { ip: '127.0.0.1', port, payload_type: 111, audiolevel_ext: 0 };
    await post(`${this.#path}/${handle}`, { janus: 'message', body: { request: 'join', room: ROOM, rtp } });
    const { plugindata } = await event;
    const theirs = plugindata?.data.rtp?.port;
    if (theirs === undefined) throw new Error(`not let in: ${plugindata?.data.error ?? ''}`);
    return theirs;
  }

  async #attach(): Promise<number> {
    const { data } = await post(this.#path, { janus: 'attach', plugin: 'janus.plugin.audiobridge' });
    if (!data) throw new Error('janus has no AudioBridge');
    return data.id;
  }

  /** Takes events, which also keeps the session alive. */
  async #poll(): Promise<never> {
    for (;;) {
      const response = await fetch(`${this.#path}?maxev=50`);
      for (const message of [(await response.json()) as Message | Message[]].flat()) {
        if (message.janus === 'event' && message.sender !== undefined) this.#joined.get(message.sender)?.(message);
      }
    }
  }
}

async function post(url: string, message: Readonly<Record<string, unknown>>): Promise<Message> {
  const body = JSON.stringify({ ...message, transaction: crypto.randomUUID() });
  const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  return (await response.json()) as Message;
}

async function cpuOf(pid: number, ms: number): Promise<number> {
  const [startMs, before] = [nowMs(), await ticksOf(pid)];
  await wait(ms);
  return ((((await ticksOf(pid)) - before) / TICKS_PER_SECOND) * 100_000) / (nowMs() - startMs);
}

/** User and system time; the name in front of them may hold anything, but ends with the last bracket. */
async function ticksOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
