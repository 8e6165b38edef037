import { once } from 'node:events';
import {
  audioData,
  connect,
  type AudioData,
  type EncodedVideoChunk,
  type Session,
  type Stream,
  type VideoFrame,
} from 'sluice';
import { FPS, SAMPLE_RATE, type BenchClient, type JoinOptions } from './client.js';

const AUDIO = { sampleRate: SAMPLE_RATE, numberOfChannels: 1 } as const;

/** Takes part with sluice. */
export async function joinSluice({ url, token }: JoinOptions): Promise<BenchClient> {
  const session = await connect({ url, token, settings: { av: { audioSubscribersMix: AUDIO } } });
  return {
    async publishAudio({ frameMs, dtx = false }) {
      const audioSettings = { enableOpusDtx: dtx };
      const publisher = await session.publish({ hasVideo: false, audioFormat: AUDIO, audioSettings });
      let timestampUs = 0;
      const write = (samples: Int16Array): void => {
        publisher.write(audioData(samples, SAMPLE_RATE, 1, timestampUs));
        timestampUs += frameMs * 1000;
      };
      return Object.assign(write, { clear: () => publisher.clear() });
    },
    async publishVideo({ width, height, simulcast = false }) {
      const videoFormat = { resolution: { width, height }, fps: FPS, format: 'YUV420P' } as const;
      const publisher = await session.publish({ hasAudio: false, videoFormat, simulcast });
      return (data, timestamp) => {
        publisher.write({ kind: 'video', data, width, height, format: 'YUV420P', timestamp } satisfies VideoFrame);
      };
    },
    async publishEncoded({ width, height }) {
      const videoFormat = { resolution: { width, height }, fps: FPS, format: 'YUV420P' } as const;
      const publisher = await session.publish({ hasAudio: false, videoFormat });
      const duration = 1_000_000 / FPS;
      return (data, key, timestamp) => {
        publisher.write({
          kind: 'encoded-video',
          codec: 'vp8',
          type: key ? 'key' : 'delta',
          data,
          timestamp,
          duration,
        } satisfies EncodedVideoChunk);
      };
    },
    async readAudio(from, onChunk) {
      const subscriber = await session.subscribe(await streamOf(session, from), {
        subscribeToVideo: false,
        audioFormat: AUDIO,
      });
      subscriber.on('data', ({ data }: AudioData) => onChunk(data));
    },
    async readVideo(from, onPicture) {
      const subscriber = await session.subscribe(await streamOf(session, from), { subscribeToAudio: false });
      subscriber.on('data', (value) => {
        if (value.kind === 'video') onPicture(value.data, value.width, value.height);
      });
      return {
        prefer: ({ width, height }) => {
          subscriber.setPreferredResolution({ width, height });
        },
      };
    },
    async readEncoded(from, media, onChunk) {
      const subscriber = await session.subscribe(await streamOf(session, from), {
        encoded: true,
        subscribeToAudio: media === 'audio',
        subscribeToVideo: media === 'video',
      });
      subscriber.on('data', ({ data }: EncodedVideoChunk) => onChunk(data));
    },
    async readMix(streams, onChunk) {
      while (session.streams.size < streams) await once(session, 'streamReceived');
      session.on('data', ({ data }: AudioData) => {
        onChunk(data);
      });
    },
    async subscribeIdle(from) {
      await session.subscribe(await streamOf(session, from), { subscribeToVideo: false, audioFormat: AUDIO });
    },
    leave: () => session.disconnect(),
  };
}

async function streamOf(session: Session, participant: string): Promise<Stream> {
  for (;;) {
    for (const stream of session.streams.values()) if (stream.connection.name === participant) return stream;
    await once(session, 'streamReceived');
  }
}
