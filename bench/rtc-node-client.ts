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
import { AUDIO_BITRATE, FPS, SAMPLE_RATE, type BenchClient, type JoinOptions } from './client.js';

/** Takes part with LiveKit's rtc-node. */
export async function joinRtcNode({ url, token }: JoinOptions): Promise<BenchClient> {
  const room = new Room();
  await room.connect(url, token, { autoSubscribe: true, dynacast: false });
  return {
    async publishAudio({ queueMs, dtx = false }) {
      const source = new AudioSource(SAMPLE_RATE, 1, queueMs);
      const options = new TrackPublishOptions({
        source: TrackSource.SOURCE_MICROPHONE,
        audioEncoding: { maxBitrate: BigInt(AUDIO_BITRATE) },
        dtx,
        red: false,
      });
      await localOf(room).publishTrack(LocalAudioTrack.createAudioTrack('audio', source), options);
      const write = (samples: Int16Array): void => {
        source.captureFrame(new AudioFrame(samples, SAMPLE_RATE, 1, samples.length)).catch(() => undefined);
      };
      return Object.assign(write, {
        clear: () => {
          source.clearQueue();
        },
      });
    },
    async publishVideo({ width, height, bitrateBps, simulcast = false }) {
      const source = new VideoSource(width, height);
      const options = new TrackPublishOptions({
        source: TrackSource.SOURCE_CAMERA,
        videoCodec: VideoCodec.VP8,
        videoEncoding: { maxBitrate: BigInt(bitrateBps), maxFramerate: FPS },
        simulcast,
      });
      await localOf(room).publishTrack(LocalVideoTrack.createVideoTrack('video', source), options);
      return (data, timestampUs) => {
        source.captureFrame(new VideoFrame(data, width, height, VideoBufferType.I420), BigInt(timestampUs));
      };
    },
    async readAudio(from, onChunk) {
      const track = await trackOf(room, from, TrackKind.KIND_AUDIO);
      void readAll(new AudioStream(track, SAMPLE_RATE, 1), ({ data }) => onChunk(data));
    },
    async readVideo(from, onPicture) {
      const track = await trackOf(room, from, TrackKind.KIND_VIDEO);
      void readAll(new VideoStream(track), ({ frame }) => onPicture(frame.data, frame.width, frame.height));
      return undefined;
    },
    publishEncoded: () => Promise.reject(new Error('rtc-node has no encoded chunks')),
    readEncoded: () => Promise.reject(new Error('rtc-node has no encoded chunks')),
    async readMix(streams, onChunk) {
      const tracks = await audioTracks(room, streams);
      const queues = tracks.map((): Int16Array[] => []);
      for (const [index, track] of tracks.entries()) {
        void readAll(new AudioStream(track, SAMPLE_RATE, 1), ({ data }) => {
          queues[index]?.push(data);
          if (index === 0) onChunk(sumOfHeads(queues, data.length));
        });
      }
    },
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

/** Takes the oldest frame of each queue and adds them up; what piled up in one is dropped. */
function sumOfHeads(queues: readonly Int16Array[][], samples: number): Int16Array {
  const sum = new Int32Array(samples);
  for (const queue of queues) {
    const head = queue.shift();
    if (queue.length > 10) queue.length = 0;
    if (head) for (let i = 0; i < samples; i++) sum[i]! += head[i] ?? 0;
  }
  return Int16Array.from(sum, (value) => Math.max(-32_768, Math.min(32_767, value)));
}

async function audioTracks(room: Room, count: number): Promise<Track[]> {
  for (;;) {
    const tracks = [...room.remoteParticipants.values()].flatMap((remote) =>
      [...remote.trackPublications.values()].flatMap(({ kind, track }) =>
        kind === TrackKind.KIND_AUDIO && track ? [track] : [],
      ),
    );
    if (tracks.length >= count) return tracks;
    await new Promise((resolve) => room.once(RoomEvent.TrackSubscribed, resolve));
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
