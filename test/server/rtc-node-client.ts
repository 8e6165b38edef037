import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What can be asked of an rtc-node participant. */
export interface PeerCalls {
  connect: {
    /** `single`: one connection for both ways, as is its default. */
    args: { url: string; token: string; autoSubscribe: boolean; single?: boolean };
    result: { identity: string; others: string[] };
  };
  publishTone: { args: { hz: number }; result: string };
  publishGrey: {
    args: { width: number; height: number; left: number; right: number; simulcast: boolean };
    result: string;
  };
  unpublish: { args: { sid: string }; result: undefined };
  hear: { args: { identity: string; windows: number }; result: { hz: number; rms: number } };
  /** Listens for so many milliseconds of audio; how many were loud, and the longest piece that was not, once sound had begun. */
  listen: { args: { identity: string; ms: number }; result: { loudMs: number; longestSilenceMs: number } };
  see: {
    args: { identity: string; frames: number };
    result: { width: number; height: number; left: number; right: number };
  };
  setAttributes: { args: { attributes: Record<string, string> }; result: undefined };
  sendData: { args: { text: string; to: string[]; topic?: string; lossy?: boolean }; result: undefined };
  /** As a transcription, or as a text stream, in the name of `identity` where it is given. */
  publishTranscription: {
    args: { identity: string; sid: string; segment: string; text: string; final: boolean };
    result: undefined;
  };
  sendCaptions: {
    args: { text: string; attributes: Record<string, string>; identity?: string };
    result: undefined;
  };
  disconnect: { args: Record<string, never>; result: undefined };
}

export interface PeerCall {
  readonly id: number;
  readonly name: keyof PeerCalls;
  readonly args: unknown;
}

export type PeerEvent =
  | { type: 'trackSubscribed'; identity: string; sid: string; name: string }
  | { type: 'trackUnsubscribed'; identity: string; sid: string }
  | { type: 'joined' | 'left'; identity: string }
  | { type: 'disconnected'; reason: string }
  | { type: 'reconnecting' | 'reconnected' }
  | { type: 'speakers'; identities: string[] }
  | { type: 'captionText'; identity: string; text: string; attributes: Record<string, string> }
  | { type: 'attributes'; identity: string; attributes: Record<string, string> }
  | { type: 'data'; identity: string; text: string; topic: string; lossy: boolean }
  | { type: 'text'; identity: string; topic: string; bytes: number }
  | { type: 'quality'; identity: string; quality: string };

type Reply =
  { readonly id: number; readonly result?: unknown; readonly error?: string } | { readonly event: PeerEvent };

/** Runs rtc-node in a child process, so that its native library has one of its own and can be killed. */
export class RtcNodeClient {
  readonly events: PeerEvent[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #watchers: (() => void)[] = [];
  #lastId = 0;

  constructor() {
    this.#child = fork(new URL('./rtc-node-peer.js', import.meta.url), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    this.#child.on('message', (message: Reply) => {
      if ('event' in message) {
        this.events.push(message.event);
        for (const watch of this.#watchers) watch();
        return;
      }
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.result);
      else waiting?.reject(new Error(message.error));
    });
    this.#child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`the rtc-node process ended (${code ?? signal ?? ''})`));
      this.#waiting.clear();
    });
  }

  call<N extends keyof PeerCalls>(name: N, args: PeerCalls[N]['args']): Promise<PeerCalls[N]['result']> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve, reject });
      this.#child.send({ id, name, args });
    });
  }

  /** The first event that fits, one that already came included. */
  async event<T extends PeerEvent['type']>(
    type: T,
    fits: (event: Extract<PeerEvent, { type: T }>) => boolean = () => true,
  ): Promise<Extract<PeerEvent, { type: T }>> {
    for (;;) {
      const found = this.events.find(
        (event): event is Extract<PeerEvent, { type: T }> =>
          event.type === type && fits(event as Extract<PeerEvent, { type: T }>),
      );
      if (found) return found;
      await new Promise<void>((resolve) => {
        const watch = (): void => {
          this.#watchers = this.#watchers.filter((other) => other !== watch);
          resolve();
        };
        this.#watchers.push(watch);
      });
    }
  }

  /** Kills the process without a word to anyone. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
