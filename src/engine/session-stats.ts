/** What the engine counts, for one session. */
export interface SessionStats {
  /** Round trip of the signalling connection, in ms; undefined before the first answer. */
  readonly rttMs?: number;
  /** What the path of what is published is believed to bear, in bits per second. */
  readonly availableOutgoingBitrate?: number;
  /** The transports that there are. */
  readonly candidatePairs: readonly CandidatePairStats[];
  readonly outbound: readonly OutboundStats[];
  /** What the server has told about each of `outbound`. */
  readonly remoteInbound: readonly RemoteInboundStats[];
  readonly inbound: readonly InboundStats[];
  /** Packets that belong to no track, or to another stream than its track's. */
  readonly packetsDiscarded: number;
  /** Captions of others that were malformed, too long, or of no stream that is there; counted while somebody reads captions. */
  readonly captionsDiscarded: number;
}

/** Names as in W3C webrtc-stats. One for audio, and one for each layer of video. */
export interface OutboundStats {
  readonly publisher: number;
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  /** Of a layer of video that is sent in several. */
  readonly rid?: string;
  /** Video: somebody takes it, and there is room for it. */
  readonly active?: boolean;
  /** Video: bits per second that the encoder is to keep to. */
  readonly targetBitrate?: number;
  /** Video: why it is not as good as it could be. */
  readonly qualityLimitationReason?: 'none' | 'cpu' | 'bandwidth';
  /** Video that is encoded here: `L1T3` is in three temporal layers, `L1T1` is not. */
  readonly scalabilityMode?: 'L1T1' | 'L1T3';
  /** Video: of the picture sent last, in pixels. */
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly retransmittedPacketsSent: number;
  readonly framesEncoded: number;
  readonly keyFramesEncoded: number;
  readonly framesDropped: number;
  readonly pliCount: number;
  readonly nackCount: number;
}

/** What the server tells about a stream of ours. Names and units as in W3C webrtc-stats, `remote-inbound-rtp`. */
export interface RemoteInboundStats {
  readonly publisher: number;
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  /** Negative when more came twice than was lost. */
  readonly packetsLost: number;
  /** 0 to 1, since the last report. */
  readonly fractionLost: number;
  /** Seconds. */
  readonly jitter: number;
  /** Seconds; undefined before the first report that answers one of ours. */
  readonly roundTripTime?: number;
}

/** A transport. Names and units as in W3C webrtc-stats, `candidate-pair`. */
export interface CandidatePairStats {
  /** What goes over it: what this side publishes, or what it receives. */
  readonly direction: 'publish' | 'subscribe';
  readonly state: 'in-progress' | 'succeeded' | 'failed';
  /** Seconds, by RTCP; undefined before it is known. */
  readonly currentRoundTripTime?: number;
  /** Bits per second that what is published may take; undefined where nothing tells. */
  readonly availableOutgoingBitrate?: number;
}

/**
 * One track that is received. Names and units as in W3C webrtc-stats, `inbound-rtp`: times in seconds, samples at 48 kHz;
 * fields of one kind only are left out for the other.
 */
export interface InboundStats {
  readonly streamId: string;
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  /** Of its retransmissions, once there was one. */
  readonly rtxSsrc?: number;
  /** Retransmissions and packets that only pad included. */
  readonly packetsReceived: number;
  /** Payload bytes of those. */
  readonly bytesReceived: number;
  /** Bytes of their headers, and padding. */
  readonly headerBytesReceived: number;
  /** Retransmissions, those among them that only pad included. */
  readonly retransmittedPacketsReceived: number;
  readonly retransmittedBytesReceived: number;
  /** Packets without payload, not counting retransmissions. Not in webrtc-stats. */
  readonly paddingPacketsReceived: number;
  /** Lost on the way, though they may have been sent again; negative when more came twice. */
  readonly packetsLost: number;
  /** Came too late, or of no use: malformed, or of pictures that could not be completed. */
  readonly packetsDiscarded: number;
  /** Came more than once. Not in webrtc-stats. */
  readonly packetsDuplicated: number;
  /** Seconds (RFC 3550, 6.4.1). */
  readonly jitter: number;
  /** Milliseconds since the last packet. Not in webrtc-stats. */
  readonly lastPacketReceivedMs: number;
  /** Requests for retransmission sent. */
  readonly nackCount: number;
  /** Requests for key frames sent. */
  readonly pliCount: number;

  /** Audio: samples that were to be heard, those received and those made up. */
  readonly totalSamplesReceived?: number;
  /** Audio: samples made up for what was lost or late. */
  readonly concealedSamples: number;
  /** Audio: those of them while the source was silent. */
  readonly silentConcealedSamples?: number;
  /** Audio: runs of made up samples. */
  readonly concealmentEvents?: number;
  /** Audio: samples added, and taken away, by playing more slowly or faster. */
  readonly insertedSamplesForDeceleration?: number;
  readonly removedSamplesForAcceleration?: number;
  /** Audio: seconds that samples waited, times samples; divide by `jitterBufferEmittedCount`. */
  readonly jitterBufferDelay?: number;
  /** Audio: the delay aimed at, and the one that the network alone asks for, counted in the same way. */
  readonly jitterBufferTargetDelay?: number;
  readonly jitterBufferMinimumDelay?: number;
  readonly jitterBufferEmittedCount?: number;
  /** Audio: packets with a copy of the one before them, and those whose copy was not needed. */
  readonly fecPacketsReceived?: number;
  readonly fecPacketsDiscarded?: number;
  /** Audio: 0 to 1, of what was played last. */
  readonly audioLevel?: number;
  /** Audio: square of the level, times seconds. */
  readonly totalAudioEnergy?: number;
  /** Audio: of all that was played, in seconds. */
  readonly totalSamplesDuration?: number;

  /** Video: whole pictures that could be decoded. */
  readonly framesReceived?: number;
  /** Video: pictures decoded, of all readers; 0 where they are read encoded. */
  readonly framesDecoded: number;
  /** Video: key frames among the pictures received. */
  readonly keyFramesDecoded: number;
  /** Video: pictures that came in part or could not be decoded, and those that readers were too slow for. */
  readonly framesDropped: number;
  /** Video: received in the last second. */
  readonly framesPerSecond?: number;
  /** Video: pixels, of the last key frame or decoded picture; undefined before it is known. */
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  /** Video: seconds spent decoding, of all readers. */
  readonly totalDecodeTime?: number;
  /** Video: seconds between one picture and the next, in sum, and the sum of their squares. */
  readonly totalInterFrameDelay?: number;
  readonly totalSquaredInterFrameDelay?: number;
  /** Video: pictures that stood for much longer than usual (three times as long, and 150 ms longer), and for how many seconds. */
  readonly freezeCount?: number;
  readonly totalFreezesDuration?: number;
  /** Video: pictures that stood for five seconds and longer, and for how many seconds. */
  readonly pauseCount?: number;
  readonly totalPausesDuration?: number;
  /** Video: pictures of several packets, and the seconds from the first to the last packet of each. */
  readonly framesAssembledFromMultiplePackets?: number;
  readonly totalAssemblyTime?: number;
}
