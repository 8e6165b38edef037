import type { AudioReceiver } from './audio/audio-receiver.js';
import { CLOCK_RATES } from './media-timeline.js';
import type { InboundStats } from './port.js';
import type { ReceiveStatistics } from './rtp/receive-statistics.js';
import type { VideoReceiver } from './video/video-receiver.js';

/** What all readers of one stream together did with its pictures. */
export interface ReadFrames {
  decoded: number;
  dropped: number;
  /** Time spent decoding, in µs. */
  decodeUs: number;
  /** Of the picture decoded last; 0 before the first. */
  width: number;
  height: number;
}

/** The parts of a track that count something. */
interface Counting {
  readonly kind: 'audio' | 'video';
  readonly audio: AudioReceiver | undefined;
  readonly video: VideoReceiver | undefined;
  readonly statistics: ReceiveStatistics;
}

/** What was counted of a track, under the names of W3C webrtc-stats. `frames`: of all readers of the stream. */
export function inboundStats(streamId: string, track: Counting, frames: ReadFrames, nowUs: number): InboundStats {
  const { kind, audio, video, statistics } = track;
  return {
    streamId,
    kind,
    ssrc: statistics.ssrc,
    ...(statistics.rtxSsrc !== 0 && { rtxSsrc: statistics.rtxSsrc }),
    packetsReceived: statistics.packets + statistics.retransmittedPackets,
    bytesReceived: statistics.bytes + statistics.retransmittedBytes,
    headerBytesReceived: statistics.headerBytes,
    retransmittedPacketsReceived: statistics.retransmittedPackets,
    retransmittedBytesReceived: statistics.retransmittedBytes,
    paddingPacketsReceived: statistics.paddingPackets,
    packetsLost: statistics.cumulativeLost,
    packetsDiscarded: 0,
    packetsDuplicated: 0,
    jitter: statistics.jitter / CLOCK_RATES[kind],
    lastPacketReceivedMs: (nowUs - statistics.lastPacketUs) / 1000,
    nackCount: 0,
    pliCount: 0,
    concealedSamples: 0,
    framesDecoded: 0,
    keyFramesDecoded: 0,
    framesDropped: 0,
    ...(audio && audioStats(audio)),
    ...(video && videoStats(video, frames, nowUs)),
  };
}

function audioStats({ stats, nackCount }: AudioReceiver): Partial<InboundStats> {
  return {
    nackCount,
    packetsDiscarded: stats.packetsDiscarded,
    packetsDuplicated: stats.packetsDuplicated,
    totalSamplesReceived: stats.totalSamplesReceived,
    concealedSamples: stats.concealedSamples,
    silentConcealedSamples: stats.silentConcealedSamples,
    concealmentEvents: stats.concealmentEvents,
    insertedSamplesForDeceleration: stats.insertedSamplesForDeceleration,
    removedSamplesForAcceleration: stats.removedSamplesForAcceleration,
    jitterBufferDelay: stats.jitterBufferDelay,
    jitterBufferTargetDelay: stats.jitterBufferTargetDelay,
    jitterBufferMinimumDelay: stats.jitterBufferMinimumDelay,
    jitterBufferEmittedCount: stats.jitterBufferEmittedCount,
    fecPacketsReceived: stats.fecPacketsReceived,
    fecPacketsDiscarded: stats.fecPacketsDiscarded,
    audioLevel: stats.audioLevel,
    totalAudioEnergy: stats.totalAudioEnergy,
    totalSamplesDuration: stats.totalSamplesDuration,
  };
}

function videoStats(video: VideoReceiver, frames: ReadFrames, nowUs: number): Partial<InboundStats> {
  const { times } = video;
  const [width, height] = frames.width > 0 ? [frames.width, frames.height] : [video.width, video.height];
  return {
    packetsDiscarded: video.packetsDropped,
    packetsDuplicated: video.packetsDuplicated,
    nackCount: video.nackCount,
    pliCount: video.pliCount,
    framesReceived: video.framesReceived,
    framesDecoded: frames.decoded,
    keyFramesDecoded: video.keyFramesReceived,
    framesDropped: video.framesDropped + frames.dropped,
    framesPerSecond: times.perSecond(nowUs),
    ...(width > 0 && { frameWidth: width, frameHeight: height }),
    totalDecodeTime: frames.decodeUs / 1e6,
    totalInterFrameDelay: times.totalInterFrameUs / 1e6,
    totalSquaredInterFrameDelay: times.totalSquaredInterFrame,
    freezeCount: times.freezeCount,
    totalFreezesDuration: times.totalFreezesUs / 1e6,
    pauseCount: times.pauseCount,
    totalPausesDuration: times.totalPausesUs / 1e6,
    framesAssembledFromMultiplePackets: video.framesAssembled,
    totalAssemblyTime: video.totalAssemblyUs / 1e6,
  };
}
