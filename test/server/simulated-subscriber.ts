import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { readTransportSequence } from '../../src/engine/rtp/header-extensions.js';
import { NackGenerator } from '../../src/engine/rtp/nack.js';
import { writeNack } from '../../src/engine/rtp/rtcp-writer.js';
import type { SentSection } from '../../src/engine/sdp/negotiated.js';
import { SequenceUnwrapper } from '../../src/engine/rtp/sequence.js';
import { unwrapRtx } from '../../src/engine/rtp/rtx.js';
import { TwccRecorder } from '../../src/engine/rtp/twcc.js';
import { DownSender } from '../../src/server/forwarding/down-sender.js';
import { DownTrack } from '../../src/server/forwarding/down-track.js';
import { FanOut } from '../../src/server/forwarding/fan-out.js';
import { Link } from '../support/network/link.js';
import type { LinkConditions } from '../support/network/conditions.js';
import { SUBSCRIBED, type SimulcastSource } from './layered-source.js';
import { ShownStream } from './shown-stream.js';

const TWCC_ID = SUBSCRIBED.extensions.transportSequence!;
const BEAT_US = 5_000;
const FEEDBACK_US = 50_000;

interface Arrival {
  readonly atUs: number;
  readonly buffer: Buffer;
}

/** Sources, and one subscriber behind a link with conditions, on a clock that runs as fast as it can. Everything of a source is subscribed to. */
export class SimulatedSubscriber {
  readonly sender: DownSender;
  readonly downs: DownTrack[] = [];
  readonly shown: ShownStream[] = [];
  readonly paused = new Set<DownTrack>();
  /** How long packets waited in front of the link, in ms. */
  readonly waitsMs: number[] = [];
  audioPackets = 0;
  readonly link: Link;
  nowUs = 1_000_000;
  readonly #sources: readonly SimulcastSource[];
  readonly #nextPictureUs: number[];
  readonly #recorder = new TwccRecorder(1);
  readonly #turns: (() => void)[] = [];
  readonly #nacks = new Map<number, { generator: NackGenerator; unwrapper: SequenceUnwrapper }>();
  #arrivals: Arrival[] = [];
  #nextFeedbackUs = 0;
  readonly #packet = new RtpPacket();

  /** `section`: what the subscriber agrees on; without transport-wide numbers it sends no feedback about them. */
  constructor(sources: readonly SimulcastSource[], conditions: LinkConditions, section: SentSection = SUBSCRIBED) {
    this.#sources = sources;
    // Cameras do not take their pictures together.
    this.#nextPictureUs = sources.map((_, i) => this.nowUs + i * 7_000);
    this.link = new Link(1, conditions);
    const fanOut = new FanOut({
      nowUs: () => this.nowUs,
      soon: (task) => this.#turns.push(task),
      onFault: (error) => {
        throw error;
      },
    });
    this.sender = new DownSender({
      send: (packet) => this.#send(packet),
      ntpUs: (nowUs) => nowUs,
      fanOut,
      onPaused: (track, paused) => {
        if (paused) this.paused.add(track);
        else this.paused.delete(track);
      },
    });
    for (const [i, source] of sources.entries()) {
      const down = new DownTrack(source.track, 90_000, {
        enqueue: (packet, priority) => {
          this.sender.enqueue(packet, priority, this.nowUs);
        },
        resend: (packet) => {
          this.sender.resend(packet);
        },
      });
      this.downs.push(down);
      this.shown.push(new ShownStream(source));
      this.sender.add(down, `PA_${i}`);
      this.sender.agree(down, section, this.nowUs);
    }
    this.sender.begin(this.nowUs);
  }

  /** Goes on for so long, or until the condition holds; returns how long it took, in ms. */
  run(ms: number, until: () => boolean = () => false): number {
    const startUs = this.nowUs;
    while (this.nowUs < startUs + ms * 1000 && !until()) {
      this.nowUs += BEAT_US;
      for (const [i, source] of this.#sources.entries()) {
        if (this.nowUs < this.#nextPictureUs[i]!) continue;
        source.nowUs = this.nowUs;
        source.picture();
        this.#nextPictureUs[i] = source.nowUs;
      }
      this.sender.tick(this.nowUs);
      for (const turn of this.#turns.splice(0)) turn();
      this.#deliver();
    }
    return (this.nowUs - startUs) / 1000;
  }

  #send(packet: Buffer): boolean {
    // What the transport was given belongs to it.
    const copy = Buffer.from(packet);
    const verdict = this.link.send(copy.length + 10, this.nowUs);
    if (!verdict.dropped) this.waitsMs.push(verdict.queuedUs / 1000);
    for (const atUs of verdict.deliveriesUs) this.#arrivals.push({ atUs, buffer: copy });
    return true;
  }

  #deliver(): void {
    const due = this.#arrivals.filter(({ atUs }) => atUs <= this.nowUs).sort((a, b) => a.atUs - b.atUs);
    this.#arrivals = this.#arrivals.filter(({ atUs }) => atUs > this.nowUs);
    for (const { atUs, buffer } of due) this.#receive(buffer, atUs);
    for (const [ssrc, { generator }] of this.#nacks) {
      const missing = generator.poll(this.nowUs, 60_000);
      if (missing.length > 0) this.sender.receive(writeNack(1, ssrc, missing), this.nowUs);
    }
    if (this.nowUs < this.#nextFeedbackUs) return;
    this.#nextFeedbackUs = this.nowUs + FEEDBACK_US;
    for (const feedback of this.#recorder.build(1)) this.sender.receive(feedback, this.nowUs);
  }

  #receive(buffer: Buffer, atUs: number): void {
    const packet = this.#packet;
    if (!packet.parse(buffer)) return;
    const sequence = readTransportSequence(packet, TWCC_ID);
    if (sequence !== -1) this.#recorder.record(sequence, atUs);
    const index = this.downs.findIndex(({ ssrc, rtxSsrc }) => ssrc === packet.ssrc || rtxSsrc === packet.ssrc);
    const down = this.downs[index];
    if (!down) {
      this.audioPackets++;
      return;
    }
    let media: Uint8Array | undefined = buffer;
    if (packet.ssrc === down.rtxSsrc) media = unwrapRtx(packet, down.ssrc, 96);
    if (!media || !packet.parse(media)) return;
    let nack = this.#nacks.get(down.ssrc);
    if (!nack)
      this.#nacks.set(down.ssrc, (nack = { generator: new NackGenerator(), unwrapper: new SequenceUnwrapper() }));
    const number = nack.unwrapper.unwrap(packet.sequenceNumber);
    if (media !== buffer && this.shown[index]!.sequences.includes(packet.sequenceNumber)) return;
    nack.generator.receive(number, this.nowUs);
    this.shown[index]!.receive(Buffer.from(media));
  }
}
