/** Both links of a participant against a server of which only what the test needs is there. Each case writes one line. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import {
  JoinResponse,
  SignalRequest,
  SignalResponse,
  TrackInfo,
  TrackPublishedResponse,
  type AddTrackRequest,
} from '@livekit/protocol';
import { WebSocketServer } from 'ws';
import { Downlink } from '../../../src/engine/downlink.js';
import { InboundMedia } from '../../../src/engine/inbound-media.js';
import { MediaThread } from '../../../src/engine/media-thread.js';
import { nativeUsers } from '../../../src/engine/native.js';
import { answerPublisher } from '../../../src/engine/sdp/answer.js';
import { offerSubscriber } from '../../../src/engine/sdp/offer.js';
import { parseSessionDescription, writeSessionDescription } from '../../../src/engine/sdp/session-description.js';
import type { LiveKitSignal } from '../../../src/engine/signalling/livekit.js';
import { Ticker } from '../../../src/engine/ticker.js';
import { Transport } from '../../../src/engine/transport.js';
import { Uplink } from '../../../src/engine/uplink.js';
import type { UplinkTrack } from '../../../src/engine/uplink-track.js';
import { systemClock } from '../../../src/media/clock.js';
import { End, report } from './pair.js';

const faults: string[] = [];
const onFault = (error: unknown): void => {
  faults.push(String(error));
};
const ticker = new Ticker(systemClock, 5, onFault);

interface Fake {
  onAddTrack?: (request: AddTrackRequest) => void;
  onOffer?: (sdp: string, id: number) => void;
  onAnswer?: (sdp: string, id: number) => void;
}

/** Signalling whose other end is in this process. */
function signalTo(fake: Fake, log: string[]): LiveKitSignal {
  const signal = {
    addTrack: (request: AddTrackRequest) => {
      fake.onAddTrack?.(request);
    },
    sendOffer: (sdp: string, id: number) => {
      log.push(
        `offer with ${sdp.match(/^a=candidate:/gm)?.length ?? 0} candidates${sdp.includes('end-of-candidates') ? ', the last' : ''}`,
      );
      fake.onOffer?.(sdp, id);
    },
    sendAnswer: (sdp: string, id: number) => {
      log.push('answer');
      fake.onAnswer?.(sdp, id);
    },
    sendCandidate: (target: string, candidate: string) => {
      log.push(`candidate of the ${target}`);
      candidates.push(candidate);
    },
  };
  const candidates: string[] = [];
  return Object.assign(signal, { candidates }) as unknown as LiveKitSignal;
}

const track = (kind: 'audio' | 'video' = 'audio'): UplinkTrack => ({
  kind,
  streamName: 'voice',
  muted: false,
  stereo: true,
  dtx: false,
  videoCodec: 'vp8',
  width: 192,
  height: 128,
  fps: 30,
  layers: kind === 'video' ? [{ rid: '', scale: 1 }] : [],
  onKeyFrameRequest: () => undefined,
  onWanted: () => undefined,
  demand: () => ({ minBps: 0, maxBps: 0, weight: 0 }),
  setBudget: () => undefined,
});

function uplinkTo(fake: Fake, log: string[] = []): Uplink {
  return new Uplink({
    clock: systemClock,
    ticker,
    signal: signalTo(fake, log),
    bindAddress: '127.0.0.1',
    onFault,
    onFailed: () => log.push('failed'),
    onData: () => undefined,
  });
}

const taken =
  (uplink: () => Uplink) =>
  (request: AddTrackRequest): void => {
    queueMicrotask(() => {
      uplink().onTrackPublished(
        new TrackPublishedResponse({ cid: request.cid, track: new TrackInfo({ sid: `TR_${request.cid}` }) }),
      );
    });
  };

/** A server that answers offers. `codecs` are what it takes. */
class Answerer {
  readonly end = new End();
  readonly uplink: Uplink;
  readonly log: string[] = [];
  codecs: readonly ('opus' | 'vp8' | 'h264')[] = ['opus', 'vp8', 'h264'];
  /** Told before the answer, as servers do whose gathering is faster than their answer. */
  candidatesFirst = false;
  onOffer: (sdp: string) => void = () => undefined;
  #version = 0;

  constructor() {
    this.uplink = uplinkTo(
      {
        onAddTrack: taken(() => this.uplink),
        onOffer: (sdp, id) => {
          void this.#answer(sdp, id);
        },
      },
      this.log,
    );
  }

  async #answer(sdp: string, id: number): Promise<void> {
    const offer = parseSessionDescription(sdp);
    this.onOffer(sdp);
    if (this.#version === 0)
      this.end.transport = await Transport.answer(
        offer.transport,
        this.end.options('server', { dtlsRole: 'active', dataChannels: true }),
      );
    const { local } = this.end.transport;
    const transport = this.candidatesFirst ? { ...local, candidates: [] } : local;
    if (this.candidatesFirst) for (const candidate of local.candidates) this.uplink.onCandidate(candidate);
    const answer = answerPublisher(offer, {
      transport,
      dataChannel: true,
      codecs: this.codecs,
      sessionVersion: ++this.#version,
    });
    this.log.push('answered');
    this.uplink.onAnswer(writeSessionDescription(answer), id);
  }

  async close(): Promise<void> {
    await this.uplink.close();
    await this.end.transport.close();
  }
}

/** This side is reachable for the server only after it knows what to expect of it. */
async function candidatesAfterTheAnswer(): Promise<void> {
  const server = new Answerer();
  await server.uplink.publish([track()]);
  await server.end.connected();
  await server.uplink.publish([track('video')]);
  const { log } = server;
  await server.close();
  report({
    log: log.map((line) => line.replace(/\d+/, (count) => (count === '0' ? '0' : 'some'))),
    users: nativeUsers(),
    faults,
  });
}

/** What the server says of itself before its answer is kept until then. */
async function candidatesBeforeTheAnswer(): Promise<void> {
  const server = new Answerer();
  server.candidatesFirst = true;
  await server.uplink.publish([track()]);
  await server.end.connected();
  await server.close();
  report({ states: server.end.states, faults });
}

/** A codec that the server does not take ends that attempt and no other. */
async function refusedCodec(): Promise<void> {
  const server = new Answerer();
  server.codecs = ['opus', 'h264'];
  const code = await server.uplink
    .publish([track('audio'), track('video')])
    .catch((error: unknown) => (error as { code: string }).code);
  const left = server.uplink.sender.streams.length;
  server.codecs = ['opus', 'vp8'];
  const [voice] = await server.uplink.publish([track()]);
  const streams = server.uplink.sender.streams.length;
  await server.close();
  report({ code, left, streams, own: voice?.streams[0]?.ssrc === server.uplink.sender.streams[0]?.ssrc, faults });
}

/** What ends leaves its m-line to the next track of its kind, but not before the server knows of its end. */
async function reusedSections(): Promise<void> {
  const server = new Answerer();
  const sections: string[] = [];
  server.onOffer = (sdp) => {
    const { sections: all } = parseSessionDescription(sdp);
    sections.push(all.map(({ mid, kind, direction }) => `${mid} ${kind[0]} ${direction}`).join(', '));
  };
  const [voice] = await server.uplink.publish([track('audio'), track('video')]);
  await server.uplink.unpublish([voice!.trackSid]);
  const [again, second] = await server.uplink.publish([track('audio'), track('video')]);
  await Promise.all([server.uplink.unpublish([again!.trackSid]), server.uplink.publish([track('audio')])]);
  const ssrcs = new Set(server.uplink.sender.streams.map((stream) => stream.ssrc));
  await server.close();
  report({ sections, streams: ssrcs.size, second: ssrcs.has(second!.streams[0]!.ssrc), faults });
}

/** Leaving in the middle settles whoever publishes, and leaves nothing behind. */
async function closedWhilePublishing(): Promise<void> {
  const codes: unknown[] = [];
  const publishUntil = async (fake: Fake, until: () => Promise<unknown>): Promise<void> => {
    const uplink: Uplink = uplinkTo({ ...fake, onAddTrack: fake.onAddTrack ?? taken(() => uplink) });
    const published = uplink.publish([track()]).then(
      () => 'published',
      (error: unknown) => (error as { code: string }).code,
    );
    await until();
    await uplink.close();
    codes.push(await published);
  };
  // No track is taken.
  await publishUntil({ onAddTrack: () => undefined }, () => wait(5));
  // The transport is being made.
  await publishUntil({}, async () => {
    while (nativeUsers() === 0) await Promise.resolve();
  });
  // No answer comes.
  let offered = (): void => undefined;
  const offer = new Promise<void>((resolve) => {
    offered = resolve;
  });
  await publishUntil(
    {
      onOffer: () => {
        offered();
      },
    },
    () => offer,
  );
  report({ codes, users: nativeUsers(), faults });
}

interface Offerer {
  readonly end: End;
  readonly offer: string;
}

async function offerer(): Promise<Offerer> {
  const end = new End();
  end.transport = await Transport.offer(end.options('server', { dtlsRole: 'active' }));
  const offer = offerSubscriber({
    transport: { ...end.transport.local, candidates: [] },
    sections: [
      {
        mid: '0',
        kind: 'audio',
        codec: 'opus',
        ssrc: 5,
        payloadType: 111,
        streamId: 'PA_1',
        trackId: 'TR_1',
        cname: 'x',
        active: true,
      },
    ],
    sessionVersion: 1,
  });
  return { end, offer: writeSessionDescription(offer) };
}

function inboundMedia(): InboundMedia {
  return new InboundMedia({ clock: systemClock, roundTripUs: () => 0, send: () => undefined, onError: onFault });
}

/** A server that trickles right behind its offer: what it says is kept until the offer was taken. */
async function candidatesBehindTheOffer(): Promise<void> {
  const { end, offer } = await offerer();
  const log: string[] = [];
  const onAnswer = (sdp: string): void => {
    // The server is told nothing of how to reach the other side: only its own candidates can connect the two.
    end.transport.accept({ ...parseSessionDescription(sdp).transport, candidates: [] });
  };
  const downlink = new Downlink({
    clock: systemClock,
    media: inboundMedia(),
    signal: signalTo({ onAnswer }, log),
    bindAddress: '127.0.0.1',
    onFault,
    onFailed: () => log.push('failed'),
    onRestarted: () => log.push('restarted'),
    onData: () => undefined,
  });
  downlink.onOffer(offer, 1);
  for (const candidate of end.transport.local.candidates) downlink.onCandidate(candidate);
  await end.connected();
  await downlink.close();
  await end.transport.close();
  report({ log, users: nativeUsers(), faults });
}

/** Leaving while the first offer is answered leaves nothing behind: no transport, no timer. */
async function closedWhileAnswering(): Promise<void> {
  const { end, offer } = await offerer();
  const log: string[] = [];
  const downlink = new Downlink({
    clock: systemClock,
    media: inboundMedia(),
    signal: signalTo({}, log),
    bindAddress: '127.0.0.1',
    onFault,
    onFailed: () => log.push('failed'),
    onRestarted: () => log.push('restarted'),
    onData: () => undefined,
  });
  downlink.onOffer(offer, 1);
  downlink.onOffer('garbage', 2);
  await wait(1);
  await downlink.close();
  downlink.onOffer(offer, 3);
  downlink.onCandidate('candidate:1 1 UDP 1 127.0.0.1 9 typ host');
  await wait(20);
  await end.transport.close();
  report({ users: nativeUsers() });
}

/** A join that says neither who nor where is refused, and leaves nothing behind. */
async function joinsNobody(): Promise<void> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  let goodbye: unknown;
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      goodbye = SignalRequest.fromBinary(new Uint8Array(data)).message.case;
    });
    socket.on('close', () => {
      server.close();
    });
    socket.send(new SignalResponse({ message: { case: 'join', value: new JoinResponse() } }).toBinary());
  });
  const thread = new MediaThread(() => undefined);
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const code = await thread
    .connect({ session: 1, url, token: 'x', timeoutMs: 10_000 })
    .catch((error: unknown) => (error as { code: string }).code);
  await once(server, 'close');
  report({ code, goodbye });
}

const CASES: Readonly<Record<string, () => Promise<void>>> = {
  candidatesAfterTheAnswer,
  candidatesBeforeTheAnswer,
  refusedCodec,
  reusedSections,
  closedWhilePublishing,
  candidatesBehindTheOffer,
  closedWhileAnswering,
  joinsNobody,
};

for (const name of process.argv.slice(2)) await CASES[name]?.();
