/* A publisher of video packets, or many subscribers of them, which do no more than transport and feedback. */
import { randomInt } from 'node:crypto';
import {
  AddTrackRequest,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  SignalTarget,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import { WebSocket } from 'ws';
import { readTransportSequence } from '../src/engine/rtp/header-extensions.js';
import { RtpPacket, isRtcp } from '../src/engine/rtp/packet.js';
import { HeaderTemplate } from '../src/engine/rtp/packet-writer.js';
import { parseRtcp } from '../src/engine/rtp/rtcp.js';
import { writePli } from '../src/engine/rtp/rtcp-writer.js';
import { TwccRecorder } from '../src/engine/rtp/twcc.js';
import { answerSubscriber } from '../src/engine/sdp/answer.js';
import { OFFERED_EXTENSION_IDS } from '../src/engine/sdp/extensions.js';
import { OFFERED_PAYLOAD_TYPES, offerPublisher } from '../src/engine/sdp/offer.js';
import { parseSessionDescription, writeSessionDescription } from '../src/engine/sdp/session-description.js';
import { Transport } from '../src/engine/transport.js';
import { answerCalls } from './child.js';
import { nowMs, pace } from './pacer.js';
import { quantile } from './statistics.js';

type Request = Exclude<SignalRequest['message'], { case: undefined }>;
type RequestOf<C extends Request['case']> = Extract<Request, { case: C }>['value'];
type Response = Exclude<SignalResponse['message'], { case: undefined }>;
type ValueOf<C extends Response['case']> = Extract<Response, { case: C }>['value'];

const FPS = 30;
const PACKETS_PER_PICTURE = 10;
const PAYLOAD_BYTES = 1050;
/** Where in a payload the time stands at which its packet was sent, in ms, and its number. */
const STAMP_OFFSET = 16;
const NUMBER_OFFSET = STAMP_OFFSET + 8;
const PING_MS = 4000;
const FEEDBACK_MS = 100;
const { vp8, vp8Rtx } = OFFERED_PAYLOAD_TYPES;

/** Packets sent, which number them. */
let sent = 0;
/** Of each packet that came to any subscriber: its number, and how long it was under way. */
let numbers: number[] = [];
let delaysMs: number[] = [];

const calls = {
  async publish({ url, token }: { url: string; token: string }): Promise<void> {
    const signal = await Signal.open(url, token);
    signal.send(
      'addTrack',
      new AddTrackRequest({
        cid: 'video',
        type: TrackType.VIDEO,
        source: TrackSource.CAMERA,
        width: 1280,
        height: 720,
      }),
    );
    await signal.next('trackPublished');
    let keyWanted = true;
    const transport = await open(
      'offer',
      (packet) => {
        if (isRtcp(packet)) keyWanted ||= parseRtcp(packet).some(({ type }) => type === 'pli');
      },
      undefined,
    );
    const ssrc = randomInt(1, 2 ** 31);
    const offer = offerPublisher({
      transport: { ...transport.local, setup: 'actpass', candidates: [] },
      sections: [
        {
          mid: '0',
          kind: 'video',
          codec: 'vp8',
          payloadType: vp8,
          rtxPayloadType: vp8Rtx,
          ssrc,
          rtxSsrc: ssrc + 1,
          streamId: 'stream',
          trackId: 'video',
          cname: 'bench',
          active: true,
        },
      ],
    });
    signal.send('offer', new SessionDescription({ type: 'offer', sdp: writeSessionDescription(offer), id: 1 }));
    const answer = parseSessionDescription((await signal.next('answer')).sdp);
    transport.accept({ ...answer.transport, candidates: [] });
    for (const candidate of answer.transport.candidates) transport.addRemoteCandidate(candidate);
    const template = new HeaderTemplate({
      payloadType: vp8,
      ssrc,
      mid: { id: OFFERED_EXTENSION_IDS.mid, value: '0' },
    });
    let sequence = randomInt(60_000);
    pace(1000 / FPS, (picture) => {
      const key = keyWanted;
      keyWanted = false;
      for (let index = 0; index < PACKETS_PER_PICTURE; index++) {
        const packet = template.allocate(PAYLOAD_BYTES, index === PACKETS_PER_PICTURE - 1, sequence++, picture * 3000);
        const at = template.headerLength;
        packet.set([index === 0 ? 0x90 : 0x80, 0x80, 0x80 | ((picture >> 8) & 0x7f), picture & 0xff, key ? 0 : 1], at);
        packet.writeDoubleBE(nowMs(), at + STAMP_OFFSET);
        packet.writeUInt32BE(sent, at + NUMBER_OFFSET);
        if (transport.send(packet)) sent++;
      }
    });
  },

  async subscribe({ url, token }: { url: string; token: string }): Promise<void> {
    const signal = await Signal.open(url, token);
    const packet = new RtpPacket();
    const recorder = new TwccRecorder(1);
    const offer = parseSessionDescription((await signal.next('offer')).sdp);
    let mediaSsrc = 0;
    const transport = await open(
      'answer',
      (buffer) => {
        if (isRtcp(buffer) || !packet.parse(buffer)) return;
        const now = nowMs();
        const number = readTransportSequence(packet, OFFERED_EXTENSION_IDS.transportSequence);
        if (number !== -1) recorder.record(number, now * 1000);
        if (packet.payloadType !== vp8 || packet.payloadLength < PAYLOAD_BYTES) return;
        mediaSsrc = packet.ssrc;
        numbers.push(buffer.readUInt32BE(packet.payloadOffset + NUMBER_OFFSET));
        delaysMs.push(now - buffer.readDoubleBE(packet.payloadOffset + STAMP_OFFSET));
      },
      offer.transport,
    );
    const answer = answerSubscriber(offer, { transport: transport.local, dataChannel: false, transportCc: true });
    signal.send('answer', new SessionDescription({ type: 'answer', sdp: writeSessionDescription(answer) }));
    for (const candidate of offer.transport.candidates) transport.addRemoteCandidate(candidate);
    void signal
      .next('trickle', ({ target }) => target === SignalTarget.SUBSCRIBER)
      .then(({ candidateInit }) => {
        transport.addRemoteCandidate((JSON.parse(candidateInit) as { candidate: string }).candidate);
      });
    pace(FEEDBACK_MS, (beat) => {
      for (const feedback of recorder.build(1)) transport.send(feedback);
      // As a decoder does that has not begun.
      if (beat % 10 === 0 && mediaSsrc === 0) transport.send(writePli(1, offer.sections[0]?.ssrcs[0]?.ssrc ?? 0));
    });
  },

  /** Packets sent so far. */
  sent: (): number => sent,
  /** Of the packets from number `first` to before `end`, all subscribers together: how many came, and how late. The others are forgotten. */
  arrived({ first, end }: { first: number; end: number }): { received: number; p50Ms: number; p99Ms: number } {
    const taken = delaysMs.filter((_, index) => (numbers[index] ?? 0) >= first && (numbers[index] ?? 0) < end);
    numbers = [];
    delaysMs = [];
    return { received: taken.length, p50Ms: quantile(taken, 0.5), p99Ms: quantile(taken, 0.99) };
  },
};

export type FanOutCalls = typeof calls;

type Description = Parameters<typeof Transport.answer>[0];

function open(role: 'offer', onPacket: (packet: Buffer) => void, remote: undefined): Promise<Transport>;
function open(role: 'answer', onPacket: (packet: Buffer) => void, remote: Description): Promise<Transport>;
function open(
  role: 'offer' | 'answer',
  onPacket: (packet: Buffer) => void,
  remote: Description | undefined,
): Promise<Transport> {
  const options = {
    name: `bench-${role}`,
    bindAddress: '127.0.0.1',
    dataChannels: false,
    dtlsRole: 'passive' as const,
    onPacket,
    onState: () => undefined,
    onFault: (error: unknown) => {
      throw error;
    },
  };
  return remote ? Transport.answer(remote, options) : Transport.offer(options);
}

/** The signalling connection of one participant. */
class Signal {
  readonly #socket: WebSocket;
  readonly #responses: Response[] = [];
  #taken = 0;
  #wake: (() => void) | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const { message } = SignalResponse.fromBinary(data);
      if (message.case !== undefined) this.#responses.push(message);
      this.#wake?.();
    });
    setInterval(() => {
      this.send('ping', BigInt(Date.now()));
    }, PING_MS);
  }

  static async open(url: string, token: string): Promise<Signal> {
    const socket = new WebSocket(`${url}/rtc?protocol=15`, { headers: { authorization: `Bearer ${token}` } });
    const signal = new Signal(socket);
    await signal.next('join');
    return signal;
  }

  send<C extends Request['case']>(name: C, value: RequestOf<C>): void {
    const message: unknown = { case: name, value };
    this.#socket.send(new SignalRequest({ message: message as Request }).toBinary());
  }

  /** The next message of this kind that fits; those before it are passed over. */
  async next<C extends Response['case']>(
    name: C,
    fits: (value: ValueOf<C>) => boolean = () => true,
  ): Promise<ValueOf<C>> {
    for (;;) {
      while (this.#taken < this.#responses.length) {
        const response = this.#responses[this.#taken++];
        if (response?.case === name && fits(response.value as ValueOf<C>)) return response.value as ValueOf<C>;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

answerCalls(calls);
