/* A participant on LiveKit's own rtc-node, in a process of its own: does what its parent asks over IPC. */
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  ConnectionQuality,
  DataPacketKind,
  LocalAudioTrack,
  LocalVideoTrack,
  type RemoteTrack,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoFrame,
  VideoSource,
  VideoStream,
  dispose,
} from '@livekit/rtc-node';
import type { PeerCall, PeerCalls, PeerEvent } from './rtc-node-client.js';

const SAMPLE_RATE = 48_000;
const FRAME_SAMPLES = 960;

const room = new Room();
const tracks = new Map<string, RemoteTrack>();
const timers: NodeJS.Timeout[] = [];

const calls: { [N in keyof PeerCalls]: (args: PeerCalls[N]['args']) => Promise<PeerCalls[N]['result']> } = {
  async connect({ url, token, autoSubscribe, single }) {
    const options = { autoSubscribe, dynacast: false, ...(single !== undefined && { singlePeerConnection: single }) };
    await room.connect(url, token, options);
    return { identity: room.localParticipant?.identity ?? '', others: [...room.remoteParticipants.keys()] };
  },
  async publishTone({ hz }) {
    const source = new AudioSource(SAMPLE_RATE, 1, 200);
    const options = new TrackPublishOptions();
    options.source = TrackSource.SOURCE_MICROPHONE;
    const publication = await local().publishTrack(LocalAudioTrack.createAudioTrack('tone', source), options);
    void playTone(source, hz);
    return publication.sid ?? '';
  },
  async publishGrey({ width, height, left, right, simulcast }) {
    const source = new VideoSource(width, height);
    const options = new TrackPublishOptions();
    options.source = TrackSource.SOURCE_CAMERA;
    options.simulcast = simulcast;
    const publication = await local().publishTrack(LocalVideoTrack.createVideoTrack('grey', source), options);
    const frame = halves(width, height, left, right);
    timers.push(
      setInterval(() => {
        source.captureFrame(new VideoFrame(frame, width, height, VideoBufferType.I420));
      }, 66),
    );
    return publication.sid ?? '';
  },
  async unpublish({ sid }) {
    await local().unpublishTrack(sid);
    return undefined;
  },
  hear: async ({ identity, windows }) => await hear(await track(identity, TrackKind.KIND_AUDIO), windows),
  listen: async ({ identity, ms }) => await listen(await track(identity, TrackKind.KIND_AUDIO), ms),
  see: async ({ identity, frames }) => await see(await track(identity, TrackKind.KIND_VIDEO), frames),
  async setAttributes({ attributes }) {
    await local().setAttributes(attributes);
    return undefined;
  },
  async sendData({ text, to, topic, lossy }) {
    const options = { reliable: lossy !== true, destination_identities: to, ...(topic !== undefined && { topic }) };
    await local().publishData(new TextEncoder().encode(text), options);
    return undefined;
  },
  async publishTranscription({ identity, sid, segment, text, final }) {
    const segments = [{ id: segment, text, startTime: 0n, endTime: 0n, language: '', final }];
    await local().publishTranscription({ participantIdentity: identity, trackSid: sid, segments });
    return undefined;
  },
  async sendCaptions({ text, attributes, identity }) {
    const sender = identity === undefined ? {} : { senderIdentity: identity };
    const writer = await local().streamText({ topic: 'lk.transcription', attributes, ...sender });
    await writer.write(text);
    await writer.close();
    return undefined;
  },
  async disconnect() {
    for (const timer of timers) clearInterval(timer);
    await room.disconnect();
    await dispose();
    return undefined;
  },
};

async function playTone(source: AudioSource, hz: number): Promise<void> {
  for (let n = 0; ; n += FRAME_SAMPLES) {
    const samples = new Int16Array(FRAME_SAMPLES);
    for (let i = 0; i < FRAME_SAMPLES; i++) samples[i] = 12_000 * Math.sin((2 * Math.PI * hz * (n + i)) / SAMPLE_RATE);
    try {
      await source.captureFrame(new AudioFrame(samples, SAMPLE_RATE, 1, FRAME_SAMPLES));
    } catch {
      return;
    }
  }
}

/** The median pitch of `windows` loud pieces of 50 ms, by their zero crossings. Silence and transitions do not count. */
async function hear(remote: RemoteTrack, windows: number): Promise<{ hz: number; rms: number }> {
  const reader = new AudioStream(remote, SAMPLE_RATE, 1).getReader();
  const pitches: number[] = [];
  let rms = 0;
  let window: number[] = [];
  while (pitches.length < windows) {
    const { value, done } = await reader.read();
    if (done) break;
    window.push(...value.data);
    if (window.length < SAMPLE_RATE / 20) continue;
    const crossings = window.filter((sample, i) => i > 0 && sample < 0 !== (window[i - 1] ?? 0) < 0).length;
    rms = Math.sqrt(window.reduce((sum, sample) => sum + sample * sample, 0) / window.length);
    if (rms > 3000) pitches.push((crossings * SAMPLE_RATE) / (2 * window.length));
    window = [];
  }
  await reader.cancel();
  return { hz: pitches.sort((a, b) => a - b)[Math.floor(pitches.length / 2)] ?? 0, rms };
}

async function listen(remote: RemoteTrack, ms: number): Promise<PeerCalls['listen']['result']> {
  const reader = new AudioStream(remote, SAMPLE_RATE, 1).getReader();
  let [loudMs, silenceMs, longestSilenceMs] = [0, 0, 0];
  for (let heardMs = 0; heardMs < ms;) {
    const { value, done } = await reader.read();
    if (done) break;
    const { data } = value;
    const frameMs = (data.length * 1000) / SAMPLE_RATE;
    const rms = Math.sqrt(data.reduce((sum, sample) => sum + sample * sample, 0) / data.length);
    if (rms > 1000) {
      loudMs += frameMs;
      silenceMs = 0;
    } else if (loudMs > 0) silenceMs += frameMs;
    longestSilenceMs = Math.max(longestSilenceMs, silenceMs);
    if (loudMs > 0) heardMs += frameMs;
  }
  await reader.cancel();
  return { loudMs, longestSilenceMs };
}

async function see(remote: RemoteTrack, frames: number): Promise<PeerCalls['see']['result']> {
  const reader = new VideoStream(remote).getReader();
  let seen = { width: 0, height: 0, left: 0, right: 0 };
  for (let count = 0; count < frames;) {
    const { value, done } = await reader.read();
    if (done) break;
    const { width, height, data } = value.frame.convert(VideoBufferType.I420);
    if (width < 16) continue;
    const row = Math.floor(height / 2) * width;
    seen = {
      width,
      height,
      left: data[row + Math.floor(width / 4)] ?? 0,
      right: data[row + Math.floor((3 * width) / 4)] ?? 0,
    };
    count++;
  }
  await reader.cancel();
  return seen;
}

function halves(width: number, height: number, left: number, right: number): Uint8Array {
  const data = new Uint8Array((width * height * 3) / 2).fill(128);
  for (let y = 0; y < height; y++) {
    data.fill(left, y * width, y * width + width / 2);
    data.fill(right, y * width + width / 2, (y + 1) * width);
  }
  return data;
}

function local(): NonNullable<typeof room.localParticipant> {
  if (!room.localParticipant) throw new Error('not connected');
  return room.localParticipant;
}

async function track(identity: string, kind: TrackKind): Promise<RemoteTrack> {
  for (;;) {
    const found = tracks.get(`${identity} ${kind}`);
    if (found) return found;
    await new Promise((resolve) => room.once(RoomEvent.TrackSubscribed, resolve));
  }
}

function tell(event: PeerEvent): void {
  process.send?.({ event });
}

room.on(RoomEvent.TrackSubscribed, (remote, publication, participant) => {
  tracks.set(`${participant.identity} ${remote.kind ?? -1}`, remote);
  tell({
    type: 'trackSubscribed',
    identity: participant.identity,
    sid: publication.sid ?? '',
    name: publication.name ?? '',
  });
});
room.on(RoomEvent.TrackUnsubscribed, (_remote, publication, participant) => {
  for (const [key, track] of tracks) if (track.sid === publication.sid) tracks.delete(key);
  tell({ type: 'trackUnsubscribed', identity: participant.identity, sid: publication.sid ?? '' });
});
room.on(RoomEvent.ParticipantConnected, (participant) => {
  tell({ type: 'joined', identity: participant.identity });
});
room.on(RoomEvent.ParticipantDisconnected, (participant) => {
  tell({ type: 'left', identity: participant.identity });
});
room.on(RoomEvent.Disconnected, (reason) => {
  tell({ type: 'disconnected', reason: String(reason) });
});
room.on(RoomEvent.Reconnecting, () => {
  tell({ type: 'reconnecting' });
});
room.on(RoomEvent.Reconnected, () => {
  tell({ type: 'reconnected' });
});
room.on(RoomEvent.ActiveSpeakersChanged, (speakers) => {
  tell({ type: 'speakers', identities: speakers.map((speaker) => speaker.identity) });
});
room.on(RoomEvent.ParticipantAttributesChanged, (attributes, participant) => {
  tell({ type: 'attributes', identity: participant.identity, attributes });
});
room.on(RoomEvent.DataReceived, (data, participant, kind, topic) => {
  const text = new TextDecoder().decode(data);
  const lossy = kind === DataPacketKind.KIND_LOSSY;
  tell({ type: 'data', identity: participant?.identity ?? '', text, topic: topic ?? '', lossy });
});
room.on(RoomEvent.ConnectionQualityChanged, (quality, participant) => {
  tell({ type: 'quality', identity: participant.identity, quality: ConnectionQuality[quality] });
});

room.registerTextStreamHandler('lk.transcription', (reader, { identity }) => {
  void reader.readAll().then((text) => {
    tell({ type: 'captionText', identity, text, attributes: reader.info.attributes ?? {} });
  });
});
room.registerTextStreamHandler('long', (reader, { identity }) => {
  void reader.readAll().then((text) => {
    tell({ type: 'text', identity, topic: 'long', bytes: Buffer.byteLength(text) });
  });
});

process.on('message', ({ id, name, args }: PeerCall) => {
  const call = calls[name] as (args: unknown) => Promise<unknown>;
  call(args).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => {
  process.exit(0);
});
