import { Readable, Writable } from 'node:stream';
import type { AudioData } from '../../media/audio-data.js';
import type { Clock } from '../../media/clock.js';
import type { InputLink, NodePorts } from '../../media/node.js';
import type { Passing } from '../../media/passing.js';
import type { PipelineValue } from '../../media/media-value.js';
import type { Transcript } from '../../media/transcript.js';
import type { VoiceActivity } from '../../media/voice-activity.js';
import type { Agent } from './agent.js';

export type AgentInput = 'audio' | 'activity' | 'transcript';
export type AgentOutput = 'audio' | 'captions' | 'turns';

/** Values that wait for a reader; of more the new ones are let go. */
const MOST_WAITING = 64;

/** Whoever is talked to where there are no branches. */
const ONLY = 'user';

/** What is known of a participant by the links that come from them. */
interface Source {
  /** Links that have not ended. */
  open: number;
  /** Time on the clock of the graph minus media time, in µs, where something told it. */
  shiftUs: number | undefined;
  readonly isBranch: boolean;
}

/** The links of the node `voice-agent`: sound, voice activity and transcripts of any number of participants in, a voice out. */
export class AgentPorts implements NodePorts {
  readonly #agent: Agent;
  readonly #clock: Clock;
  readonly #dropped: (reason: string) => void;
  readonly #sources = new Map<string, Source>();
  readonly #outputs = new Map<string, Readable>();
  #open = 0;
  #unsealed: Set<string> = new Set<AgentInput>(['audio', 'activity', 'transcript']);
  #tellsActivity = false;
  #greeting: string | undefined;

  constructor(agent: Agent, clock: Clock, greeting: string, dropped: (reason: string) => void) {
    this.#agent = agent;
    this.#clock = clock;
    this.#dropped = dropped;
    this.#greeting = greeting === '' ? undefined : greeting;
  }

  input(port: string, { branch, name = ONLY }: InputLink = {}): Writable {
    const id = branch ?? ONLY;
    const source = this.#source(id, branch === undefined ? ONLY : name, branch !== undefined);
    source.open++;
    this.#open++;
    if (port === 'activity') this.#tellsActivity = true;
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      this.#open--;
      if (--source.open === 0 && source.isBranch) this.#leave(id);
      this.#endIfOver();
    };
    return new Writable({
      objectMode: true,
      write: (value: AudioData | VoiceActivity | Transcript, _encoding, done) => {
        this.#take(id, source, value);
        done();
      },
      final: (done) => {
        over();
        done();
      },
      destroy: (error, done) => {
        over();
        done(error);
      },
    });
  }

  output(port: string): Readable {
    if (port === 'audio') return this.#agent.mouth.audio;
    const output = new Readable({ objectMode: true, highWaterMark: MOST_WAITING, read: () => undefined });
    this.#outputs.set(port, output);
    return output;
  }

  /** Hands a value to who reads that output, if anybody does. */
  give(port: AgentOutput, value: PipelineValue): void {
    const output = this.#outputs.get(port);
    if (!output || output.destroyed || output.readableEnded) return;
    if (output.readableLength < MOST_WAITING) output.push(value);
    else this.#dropped(`${port} not taken`);
  }

  seal(port: string): void {
    this.#unsealed.delete(port);
    this.#endIfOver();
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  #take(id: string, source: Source, value: AudioData | VoiceActivity | Transcript): void {
    if (this.#greeting !== undefined) {
      this.#agent.say(this.#greeting);
      this.#greeting = undefined;
    }
    const nowUs = this.#clock.nowUs();
    switch (value.kind) {
      case 'audio':
        this.#agent.hear(id, value);
        break;
      case 'voice-activity': {
        const atUs = heardAt(value.passed) ?? nowUs;
        source.shiftUs = atUs - value.timestamp;
        this.#agent.activity(id, value.isSpeaking, atUs);
        break;
      }
      case 'transcript': {
        const endUs = source.shiftUs === undefined ? nowUs : Math.min(nowUs, value.end + source.shiftUs);
        // Words are all that tells of a voice.
        if (!this.#tellsActivity) this.#agent.activity(id, true, endUs);
        this.#agent.transcript(id, { text: value.text, isFinal: value.isFinal, endUs });
        if (!this.#tellsActivity && value.isFinal) this.#agent.activity(id, false, endUs);
        break;
      }
    }
  }

  #source(id: string, name: string, isBranch: boolean): Source {
    let source = this.#sources.get(id);
    if (!source) {
      source = { open: 0, shiftUs: undefined, isBranch };
      this.#sources.set(id, source);
      this.#agent.joined(id, name);
    }
    return source;
  }

  #leave(id: string): void {
    this.#sources.delete(id);
    this.#agent.left(id);
  }

  /** Nobody will say anything any more: what is being said is said to its end. */
  #endIfOver(): void {
    if (this.#open > 0 || this.#unsealed.size > 0) return;
    void this.#agent.idle().then(async () => {
      await this.#agent.close();
      for (const output of this.#outputs.values()) if (!output.destroyed) output.push(null);
    });
  }
}

/** When the sound of which something is told came in. */
function heardAt(passed: readonly Passing[] | undefined): number | undefined {
  return passed?.find(({ stage }) => stage === 'heard')?.atUs;
}
