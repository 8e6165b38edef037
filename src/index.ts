export {
  checkPipeline,
  graph,
  graphFromFile,
  graphFromLine,
  planGraph,
  runGraph,
  testPipeline,
  type GraphOptions,
  type PlanOptions,
  type SessionDetails,
} from './pipeline.js';
export type { Graph } from './graph/notation/program.js';
export type { GraphSpec } from './graph/graph-types.js';
export type { PlanResult } from './graph/plan.js';
export type { PathLatency, Plan, PlannedBranch, PlannedLink, PlannedNode } from './graph/planned.js';
export type { Progress } from './graph/node-context.js';
export type { GraphRun } from './graph/run.js';
export type { MeasureReport } from './graph/measure.js';
export type { LinkReport, RunReport } from './graph/report.js';
export type { TestFileResult } from './unit-test/run-test-file.js';
export type { TestResult } from './unit-test/run-test.js';
export { planHash } from './graph/plan-hash.js';

export { connect, type ConnectOptions } from './connect.js';
export { useEmbeddedServer, type EmbeddedUse } from './embedded.js';

export { openSession } from './session/open-session.js';
export { Session, type OpenSessionOptions } from './session/session.js';
export type { SessionEvents, Stream } from './session/session-events.js';
export { Publisher, type MediaBufferStats, type PublishedStream, type PublisherEvents } from './session/publisher.js';
export {
  Subscriber,
  type MixOptions,
  type Overflow,
  type SubscriberEvents,
  type SubscriberStats,
} from './session/subscriber.js';
export type { MediaReadable, ReaderCounts } from './session/media-readable.js';
export type { MediaWritable } from './session/media-writable.js';
export {
  LoggingSettings,
  PublisherAudioSettings,
  PublisherSettings,
  SessionAVSettings,
  SessionAudioMixSettings,
  SessionAudioSettings,
  SessionSettings,
  SessionVideoPublisherSettings,
  SubscriberSettings,
  SubscriberVideoSettings,
  VideoResolution,
} from './session/settings.js';

export type * from './session/driver.js';
export { vonageDriver, type VonageDriverOptions } from './session/drivers/vonage.js';
export { webrtcDriver } from './session/drivers/webrtc.js';
export type {
  CandidatePairStats,
  InboundStats,
  OutboundStats,
  RemoteInboundStats,
  SessionStats,
  VideoPreference,
} from './engine/port.js';

export {
  createToken,
  startServer,
  type EmbeddedServer,
  type ServerOptions,
  type ServerStats,
  type TokenOptions,
} from './server/index.js';

export {
  SAMPLE_RATES,
  audioData,
  audioDurationUs,
  type AudioData,
  type ChannelCount,
  type SampleRate,
} from './media/audio-data.js';
export { MAX_CAPTIONS_BYTES, type CaptionsData } from './media/captions.js';
export {
  VIDEO_CODECS,
  type EncodedAudioChunk,
  type EncodedVideoChunk,
  type VideoCodec,
} from './media/encoded-chunk.js';
export { MAX_PIXELS, PIXEL_FORMATS, frameSizeBytes, type PixelFormat, type VideoFrame } from './media/video-frame.js';
export { durationUs, type MediaKind, type MediaValue, type StreamValue } from './media/media-value.js';
export { ERROR_CODES, SluiceError, type ErrorCode, type Place } from './media/errors.js';
export { systemClock, VirtualClock, type Clock, type ClockTimer } from './media/clock.js';
export {
  defineNode,
  defineTransform,
  type Conversion,
  type Flow,
  type NodeContext,
  type NodeDef,
  type NodeLatency,
  type NodePorts,
  type PortDef,
} from './media/node.js';
/** What the options of a node are described with; the copy that sluice itself uses. */
export { z } from 'zod';
export type { SessionAccess, StreamInfo } from './media/session-access.js';
