import {
  AudioFrame,
  AudioSource,
  AudioStream,
  LocalAudioTrack,
  LocalVideoTrack,
  type Track,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoCodec,
  VideoFrame,
  VideoSource,
  VideoStream,
} from '@livekit/rtc-node';
import {
  AUDIO_BITRATE,
  FPS,
  HEIGHT,
  SAMPLE_RATE,
  VIDEO_BITRATE,
  WIDTH,
  type BenchClient,
  type JoinOptions,
} from './client.js';

/** Takes part with LiveKit's rtc-node. */
export async function joinRtcNode({ url, token }: JoinOptions): Promise<BenchClient> {
  const room = new Room();
  await room.connect(url, token, { autoSubscribe: true, dynacast: false });
  return {
    async publishAudio({ queueMs }) {
      const source = new AudioSource(SAMPLE_RATE, 1, queueMs);
      const options = new TrackPublishOptions({
        source: TrackSource.SOURCE_MICROPHONE,
        audioEncoding: { maxBitrate: BigInt(AUDIO_BITRATE) },
        dtx: false,
        red: false,
      });
      await localOf(room).publishTrack(LocalAudioTrack.createAudioTrack('audio', source), options);
      return (samples) => {
        source.captureFrame(new AudioFrame(samples, SAMPLE_RATE, 1, samples.length)).catch(() => undefined);
      };
    },
    async publishVideo() {
      const source = new VideoSource(WIDTH, HEIGHT);
      const options = new TrackPublishOptions({
        source: TrackSource.SOURCE_CAMERA,
        videoCodec: VideoCodec.VP8,
        videoEncoding: { maxBitrate: BigInt(VIDEO_BITRATE), maxFramerate: FPS },
        simulcast: false,
      });
      await localOf(room).publishTrack(LocalVideoTrack.createVideoTrack('video', source), options);
      return (data, timestampUs) => {
        source.captureFrame(new VideoFrame(data, WIDTH, HEIGHT, VideoBufferType.I420), BigInt(timestampUs));
      };
    },
    async readAudio(from, onChunk) {
      const track = await trackOf(room, from, TrackKind.KIND_AUDIO);
      void readAll(new AudioStream(track, SAMPLE_RATE, 1), ({ data }) => onChunk(data));
    },
    async readVideo(from, onPicture) {
      const track = await trackOf(room, from, TrackKind.KIND_VIDEO);
      void readAll(new VideoStream(track), ({ frame }) => onPicture(frame.data, frame.width, frame.height));
    },
    readEncoded: () => Promise.reject(new Error('rtc-node has no encoded chunks')),
    async subscribeIdle(from) {
      await trackOf(room, from, TrackKind.KIND_AUDIO);
    },
    leave: () => room.disconnect(),
  };
}

async function readAll<T>(stream: ReadableStream<T>, take: (value: T) => void): Promise<void> {
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    take(value);
  }
}

function localOf(room: Room): NonNullable<Room['localParticipant']> {
  if (!room.localParticipant) throw new Error('not connected');
  return room.localParticipant;
}

/** The track of a participant, by its name, once it is subscribed to. */
async function trackOf(room: Room, participant: string, kind: TrackKind): Promise<Track> {
  for (;;) {
    for (const remote of room.remoteParticipants.values()) {
      if (remote.name !== participant) continue;
      for (const publication of remote.trackPublications.values()) {
        if (publication.kind === kind && publication.track) return publication.track;
      }
    }
    await new Promise((resolve) => room.once(RoomEvent.TrackSubscribed, resolve));
  }
}
