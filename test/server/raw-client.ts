import {
  type AddTrackRequest,
  type ParticipantInfo,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  SignalTarget,
} from '@livekit/protocol';
import { WebSocket } from 'ws';
import { isRtcp } from '../../src/engine/rtp/packet.js';
import { answerSubscriber } from '../../src/engine/sdp/answer.js';
import type { SessionDescription as Description } from '../../src/engine/sdp/media-section.js';
import { type OfferedTrack, offerPublisher } from '../../src/engine/sdp/offer.js';
import { parseSessionDescription, writeSessionDescription } from '../../src/engine/sdp/session-description.js';
import { Transport, type TransportDataChannel } from '../../src/engine/transport.js';

type Request = Exclude<SignalRequest['message'], { case: undefined }>;
type RequestOf<C extends Request['case']> = Extract<Request, { case: C }>['value'];
type Response = Exclude<SignalResponse['message'], { case: undefined }>;
type Case = Response['case'];
type ValueOf<C extends Case> = Extract<Response, { case: C }>['value'];

/** A client made of nothing but the protocol: says what it is told to, in the order it is told to. */
export class RawClient {
  readonly responses: Response[] = [];
  /** Close code and reason, once the socket is closed; of the last one after `reopen`. */
  closed: Promise<{ code: number; reason: string }>;
  socket: WebSocket;
  /** RTP packets received on the subscriber connection. */
  readonly received: Buffer[] = [];
  /** Data packets as they came, with the name of their channel. */
  readonly data: { readonly label: string; readonly bytes: Buffer }[] = [];
  readonly channels = new Map<string, TransportDataChannel>();
  publisher: Transport | undefined;
  subscriber: Transport | undefined;
  /** What a test sees of state changes of the subscriber connection. */
  onSubscriberState: (state: string) => void = () => undefined;
  #offer: Description | undefined;
  #watchers: (() => void)[] = [];
  #taken = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = this.#listen(socket);
  }

  /** Rejects with the HTTP status when the server does not take the connection. */
  static async open(url: string, token: string, query = '', path = '/rtc'): Promise<RawClient> {
    const socket = connect(`${url}${path}?protocol=17${query}`, token);
    const client = new RawClient(socket);
    await opened(socket);
    return client;
  }

  /** Goes on with another socket, as a client does whose socket was lost; the media connections stay. */
  async reopen(url: string, token: string, query: string, path = '/rtc'): Promise<void> {
    this.#taken = this.responses.length;
    this.socket = connect(`${url}${path}?protocol=17${query}`, token);
    this.closed = this.#listen(this.socket);
    await opened(this.socket);
  }

  static async join(url: string, token: string, query = ''): Promise<RawClient> {
    const client = await RawClient.open(url, token, query);
    await client.next('join');
    return client;
  }

  send<C extends Request['case']>(name: C, value: RequestOf<C>): void {
    const message: unknown = { case: name, value };
    this.socket.send(new SignalRequest({ message: message as Request }).toBinary());
  }

  /** The next response of this kind that fits; those before it are passed over. */
  async next<C extends Case>(name: C, fits: (value: ValueOf<C>) => boolean = () => true): Promise<ValueOf<C>> {
    for (;;) {
      while (this.#taken < this.responses.length) {
        const response = this.responses[this.#taken++];
        if (response?.case === name && fits(response.value as ValueOf<C>)) return response.value as ValueOf<C>;
      }
      if (this.socket.readyState >= WebSocket.CLOSING) throw new Error(`the socket closed before ${name}`);
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** The next update that tells of a participant in this state. */
  async update(fits: (participant: ParticipantInfo) => boolean): Promise<ParticipantInfo> {
    const update = await this.next('update', ({ participants }) => participants.some(fits));
    const participant = update.participants.find(fits);
    if (!participant) throw new Error('unreachable');
    return participant;
  }

  /** Announces tracks, offers them and connects. The mid of a track is its place in the list. `data`: with data channels. */
  async publish(
    tracks: readonly {
      request: Partial<AddTrackRequest> & { cid: string; type: number };
      track: Pick<OfferedTrack, 'kind' | 'codec' | 'payloadType' | 'ssrc' | 'rtxPayloadType' | 'rtxSsrc'>;
    }[],
    { data = false } = {},
  ): Promise<string[]> {
    const sids: string[] = [];
    for (const { request } of tracks) {
      this.send('addTrack', request as AddTrackRequest);
      sids.push((await this.next('trackPublished')).track?.sid ?? '');
    }
    this.publisher ??= await Transport.offer({
      name: 'raw-pub',
      bindAddress: '127.0.0.1',
      dataChannels: data,
      dtlsRole: 'passive',
      onPacket: () => undefined,
      onState: () => {
        this.#wake();
      },
      onFault: (error) => {
        throw error;
      },
    });
    if (data && this.channels.size === 0) for (const label of ['_reliable', '_lossy']) this.#openChannel(label);
    const offer = offerPublisher({
      ...(data && { dataMid: 'data' }),
      transport: { ...this.publisher.local, setup: 'actpass', candidates: [] },
      sections: tracks.map(({ request, track }, mid) => ({
        ...track,
        mid: String(mid),
        streamId: 'stream',
        trackId: request.cid,
        cname: 'raw',
        active: true,
      })),
    });
    this.#offer = offer;
    this.send('offer', new SessionDescription({ type: 'offer', sdp: writeSessionDescription(offer), id: 7 }));
    const answer = parseSessionDescription((await this.next('answer')).sdp);
    const transport = this.publisher;
    if (transport.state === 'new' || transport.state === 'connecting') {
      transport.accept({ ...answer.transport, candidates: [] });
      for (const candidate of answer.transport.candidates) transport.addRemoteCandidate(candidate);
    }
    await this.#until(() => transport.state === 'connected');
    await this.#until(() => [...this.channels.values()].every((channel) => channel.open));
    return sids;
  }

  /** Makes the last offer again with another name for ICE, as a client does that comes back; gives the answer. */
  async restart(iceUfrag: string): Promise<Description> {
    if (!this.#offer) throw new Error('nothing was offered yet');
    const offer = { ...this.#offer, transport: { ...this.#offer.transport, iceUfrag } };
    this.send('offer', new SessionDescription({ type: 'offer', sdp: writeSessionDescription(offer), id: 8 }));
    return parseSessionDescription((await this.next('answer')).sdp);
  }

  /** Answers the next offer of the server and connects. Changes the answer's transport first, where a test wants it wrong. */
  async subscribe(change: (fingerprint: string) => string = (fingerprint) => fingerprint): Promise<Transport> {
    const offer = parseSessionDescription((await this.next('offer')).sdp);
    const transport = await Transport.answer(offer.transport, {
      name: 'raw-sub',
      bindAddress: '127.0.0.1',
      dataChannels: false,
      dtlsRole: 'passive',
      onPacket: (packet) => {
        if (!isRtcp(packet)) this.received.push(packet);
        this.#wake();
      },
      onState: (state) => {
        this.onSubscriberState(state);
        this.#wake();
      },
      onFault: (error) => {
        throw error;
      },
    });
    const answer = answerSubscriber(offer, { transport: transport.local, dataChannel: false });
    const { fingerprint } = answer.transport;
    const changed = {
      ...answer,
      transport: { ...answer.transport, fingerprint: { ...fingerprint, value: change(fingerprint.value) } },
    };
    this.send('answer', new SessionDescription({ type: 'answer', sdp: writeSessionDescription(changed) }));
    const trickle = await this.next('trickle', ({ target }) => target === SignalTarget.SUBSCRIBER);
    transport.addRemoteCandidate((JSON.parse(trickle.candidateInit) as { candidate: string }).candidate);
    this.subscriber = transport;
    return transport;
  }

  /** Answers the next offer of the server, on the connection that was made by `subscribe`; gives the offer. */
  async renegotiate(): Promise<string> {
    const transport = this.subscriber;
    if (!transport) throw new Error('there is no connection yet');
    const { sdp } = await this.next('offer');
    const answer = answerSubscriber(parseSessionDescription(sdp), { transport: transport.local, dataChannel: false });
    this.send('answer', new SessionDescription({ type: 'answer', sdp: writeSessionDescription(answer) }));
    return sdp;
  }

  /** The number of packets that came so far reaches `count`. */
  async packets(count: number): Promise<void> {
    await this.#until(() => this.received.length >= count);
  }

  async until(condition: () => boolean): Promise<void> {
    await this.#until(condition);
  }

  /** Has what waits look again. */
  wake(): void {
    this.#wake();
  }

  async close(): Promise<void> {
    if (this.socket.readyState !== WebSocket.CLOSED) {
      this.socket.terminate();
      await this.closed;
    }
    await this.publisher?.close();
    await this.subscriber?.close();
  }

  #openChannel(label: string): void {
    const channel = this.publisher?.openChannel(label, { lossy: label === '_lossy' });
    if (!channel) return;
    this.channels.set(label, channel);
    channel.onOpen = () => {
      this.#wake();
    };
    channel.onMessage = (bytes) => {
      this.data.push({ label, bytes });
      this.#wake();
    };
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  #listen(socket: WebSocket): Promise<{ code: number; reason: string }> {
    socket.on('message', (data: Buffer) => {
      const { message } = SignalResponse.fromBinary(data);
      if (message.case) this.responses.push(message);
      this.#wake();
    });
    return new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wake();
      });
    });
  }

  #wake(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watch of watchers) watch();
  }
}

function connect(url: string, token: string): WebSocket {
  return new WebSocket(url, { headers: token === '' ? {} : { authorization: `Bearer ${token}` } });
}

function opened(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
}
