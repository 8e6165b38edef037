import { z } from 'zod';
import { MAX_PIXELS } from '../media/video-frame.js';
import type * as api from '../session/drivers/vonage/connector-api.js';
import {
  LoggingSettings,
  parseSettings,
  PublisherAudioSettings,
  SessionAudioSettings as AudioFormat,
  SessionVideoPublisherSettings as VideoFormat,
  SubscriberVideoSettings,
  TOO_MANY_PIXELS,
  VideoResolution,
  type PublisherSettings,
  type SessionSettings,
  type SubscriberSettings,
} from '../session/settings.js';

/*
 * Settings in the shape of the connector's Node.js package. Rules and defaults are those of sluice; what is wrong is told by
 * the path that the caller wrote.
 */

const audio = z.strictObject({
  sampleRate: AudioFormat.shape.sampleRate,
  channels: AudioFormat.shape.numberOfChannels,
});

const video = z
  .strictObject({
    width: VideoResolution.shape.width.default(640),
    height: VideoResolution.shape.height.default(480),
    fps: VideoFormat.shape.fps,
    format: VideoFormat.shape.format,
  })
  .refine(({ width, height }) => width * height <= MAX_PIXELS, TOO_MANY_PIXELS);

const session = z.strictObject({
  enableMigration: z.boolean().default(false),
  av: z
    .strictObject({
      audioPublisher: audio.prefault({}),
      audioSubscribersMix: audio.prefault({}),
      videoPublisher: video.prefault({}),
    })
    .prefault({}),
  logging: LoggingSettings.prefault({}),
});

const publisher = z
  .strictObject({
    name: z.string().min(1, 'Expected at least one character'),
    hasAudio: z.boolean().default(true),
    hasVideo: z.boolean().default(true),
    enableCaptions: z.boolean().default(false),
    audioSettings: PublisherAudioSettings.prefault({}),
  })
  .refine(
    ({ hasAudio, hasVideo }) => hasAudio || hasVideo,
    'Expected at least one of hasAudio and hasVideo to be true',
  );

const subscriber = z
  .strictObject({
    subscribeToAudio: z.boolean().default(true),
    subscribeToVideo: z.boolean().default(true),
    subscribeToCaptions: z.boolean().default(false),
    videoSettings: SubscriberVideoSettings.prefault({}),
  })
  .refine(
    ({ subscribeToAudio, subscribeToVideo }) => subscribeToAudio || subscribeToVideo,
    'Expected at least one of subscribeToAudio and subscribeToVideo to be true',
  );

/** Errors: SLUICE_CONFIG_INVALID. */
export function sessionSettings(settings: api.SessionSettings = {}): SessionSettings {
  const { enableMigration, av, logging } = parseSettings(session, settings, 'sessionSettings');
  const { width, height, ...rest } = av.videoPublisher;
  return {
    enableMigration,
    av: {
      audioPublisher: audioFormat(av.audioPublisher),
      audioSubscribersMix: { ...audioFormat(av.audioSubscribersMix), ptimeMs: 10 },
      videoPublisher: { resolution: { width, height }, ...rest },
    },
    logging,
  };
}

/** Errors: SLUICE_CONFIG_INVALID. */
export function publisherSettings(settings: api.PublisherSettings | undefined): PublisherSettings {
  return parseSettings(publisher, settings, 'settings');
}

/** Errors: SLUICE_CONFIG_INVALID. */
export function subscriberSettings(
  settings: api.SubscriberSettings = {},
): z.output<typeof subscriber> & SubscriberSettings {
  return parseSettings(subscriber, settings, 'settings');
}

function audioFormat({ sampleRate, channels }: z.output<typeof audio>): AudioFormat {
  return { sampleRate, numberOfChannels: channels };
}
