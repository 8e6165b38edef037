import {
  type AudioData,
  type Connection,
  type LogLevel,
  type MediaBufferStats,
  type NumberOfChannels,
  type Publisher,
  type PublisherSettings,
  type SampleRate,
  type Session,
  type SessionSettings,
  type Stream,
  type Subscriber,
  type SubscriberSettings,
  type VideoFormat,
  type VideoFrame,
  VonageVideoClient,
} from '../../src/vonage.js';

/**
 * A bot as one is written in TypeScript for the vendor's package: settings built up as values of their types, callbacks that
 * are methods, queues emptied by timers. Gives back what it hears, and what it sees of one stream.
 */
export class EchoBot {
  static readonly SAMPLE_RATE: SampleRate = 24_000;
  static readonly CHANNELS: NumberOfChannels = 1;
  readonly told: string[] = [];
  private readonly client = new VonageVideoClient();
  private readonly sessionSettings: SessionSettings = {};
  private readonly publisherSettings: PublisherSettings;
  private readonly audioQueue: AudioData[] = [];
  private readonly videoQueue: VideoFrame[] = [];
  private readonly streams = new Map<string, Stream>();
  private shown: string | null = null;
  private timer: NodeJS.Timeout | null = null;

  constructor(name: string, size: { width: number; height: number }, level: LogLevel = 'WARN') {
    const format: VideoFormat = 'YUV420P';
    const audio = { sampleRate: EchoBot.SAMPLE_RATE, channels: EchoBot.CHANNELS };
    this.sessionSettings.enableMigration = false;
    this.sessionSettings.av = { audioPublisher: audio, audioSubscribersMix: audio };
    this.sessionSettings.av.videoPublisher = { ...size, fps: 20, format };
    this.sessionSettings.logging = { level };
    this.publisherSettings = { name, hasAudio: true, hasVideo: true };
    this.publisherSettings.audioSettings = { enableStereoMode: false, enableOpusDtx: true };
  }

  async start(sessionId: string, token: string): Promise<void> {
    const session = await this.client.connect('an-application', sessionId, token, {
      sessionSettings: this.sessionSettings,
      onError: this.onError.bind(this),
      onDisconnected: this.onDisconnected.bind(this),
      onConnectionCreated: this.onConnection.bind(this),
      onConnectionDropped: this.onConnection.bind(this),
      onStreamReceived: this.onStreamReceived.bind(this),
      onStreamDropped: this.onStreamDropped.bind(this),
      onAudioData: this.onAudioData.bind(this),
      onReadyForAudio: this.onReadyForAudio.bind(this),
      onMediaBufferDrained: this.onMediaBufferDrained.bind(this),
    });
    this.told.push(`joined ${session.sessionId}`);
    const publisher = await this.client.publish({
      settings: this.publisherSettings,
      onError: (publisher: Publisher, description: string, code: number) => {
        this.told.push(`${publisher.stream.streamId} ${description} ${code}`);
      },
      onStreamDestroyed: this.onStreamDestroyed.bind(this),
    });
    this.told.push(`published as ${publisher.stream.connection.connectionId}`);
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    if (this.client.isPublishing()) await this.client.unpublish();
    if (this.client.isConnected()) await this.client.disconnect();
  }

  private onReadyForAudio(session: Session): void {
    this.told.push(`ready in ${session.sessionId}`);
    this.timer = setInterval(() => this.tick(), 10);
  }

  private tick(): void {
    const bufferedMs: number = this.client.getMediaBufferStats().audio?.durationMs ?? 0;
    if (bufferedMs > 1000) this.client.clearMediaBuffers();
    for (let audio = this.audioQueue.shift(); audio; audio = this.audioQueue.shift()) this.client.addAudio(audio);
    const frame = this.videoQueue.shift();
    if (frame !== undefined && !this.client.addVideo(frame)) this.told.push('no room for a picture');
  }

  private onAudioData(_session: Session, audioData: AudioData): void {
    if (this.timer) this.audioQueue.push(audioData);
  }

  private async onStreamReceived(session: Session, stream: Stream): Promise<void> {
    this.streams.set(stream.streamId, stream);
    this.shown ??= stream.streamId;
    const settings: SubscriberSettings = { videoSettings: { preferredResolution: { width: 640, height: 480 } } };
    const subscriber: Subscriber = await this.client.subscribe(stream, {
      settings,
      onError: (one: Subscriber, description: string, code: number) => {
        this.told.push(`${one.stream.streamId} ${description} ${code}`);
      },
      onDisconnected: (one: Subscriber) => void this.told.push(`no more of ${one.stream.streamId}`),
      onRenderFrame: (one: Subscriber, frame: VideoFrame) => {
        if (one.stream.streamId === this.shown) this.videoQueue.push(frame);
      },
    });
    this.told.push(`subscribed to ${subscriber.stream.streamId} in ${session.sessionId}`);
  }

  private onStreamDropped(_session: Session, stream: Stream): void {
    this.streams.delete(stream.streamId);
    if (this.shown === stream.streamId) this.shown = [...this.streams.keys()][0] ?? null;
  }

  private onConnection(_session: Session, connection: Connection): void {
    const own: Connection | null | undefined = this.client.getConnection();
    this.told.push(`${own?.connectionId === connection.connectionId ? 'own' : 'other'} connection`);
  }

  private onMediaBufferDrained(stats: MediaBufferStats): void {
    this.told.push(`drained ${stats.audio?.durationMs} ${stats.video?.durationMs}`);
  }

  private onError(session: Session, description: string, code: number): void {
    this.told.push(`${session.sessionId} ${description} ${code}`);
  }

  private onDisconnected(): void {
    this.told.push('disconnected');
  }

  private onStreamDestroyed(): void {
    this.told.push('published no more');
  }
}
