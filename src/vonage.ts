/*
 * The API of the Video Connector's Node.js package, `@vonage/video-connector`, on sluice.
 */

export { VonageVideoClient } from './vonage/client.js';
export { ERROR_NUMBERS } from './vonage/error-numbers.js';
export { SluiceError } from './media/errors.js';

export type {
  AudioData,
  ConnectOptions,
  Connection,
  LogLevel,
  MediaBufferStats,
  NumberOfChannels,
  Publisher,
  PublisherSettings,
  PublishOptions,
  SampleRate,
  Session,
  SessionAudioSettings,
  SessionSettings,
  SessionVideoPublisherSettings,
  Stream,
  SubscribeOptions,
  Subscriber,
  SubscriberSettings,
  VideoFormat,
  VideoFrame,
} from './session/drivers/vonage/connector-api.js';
