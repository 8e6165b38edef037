import { JoinResponse, ReconnectResponse, ServerInfo } from '@livekit/protocol';
import type { RoomMember } from './member.js';
import type { Room } from './room.js';
import { PING_INTERVAL_SECONDS, PING_TIMEOUT_SECONDS } from './signal-socket.js';

/** The version that clients are told: they choose their ways by it. */
const PROTOCOL_VERSION = '1.9.0';
const SIGNAL_PROTOCOL = 15;

/** What a client is told first. Every field that a client insists on is here: a half-filled join aborts some of them. */
export function joinResponse(member: RoomMember, room: Room, others: readonly RoomMember[]): JoinResponse {
  return new JoinResponse({
    room: room.info(),
    participant: member.info(),
    otherParticipants: others.map((other) => other.info()),
    serverVersion: PROTOCOL_VERSION,
    serverInfo: serverInfo(),
    subscriberPrimary: false,
    pingInterval: PING_INTERVAL_SECONDS,
    pingTimeout: PING_TIMEOUT_SECONDS,
    enabledPublishCodecs: [
      { mime: 'audio/opus', fmtpLine: '' },
      { mime: 'video/VP8', fmtpLine: '' },
      { mime: 'video/H264', fmtpLine: '' },
    ],
  });
}

/** What a client is told first that comes back. `lastMessageSeq`: the last reliable data packet that came from it. */
export function reconnectResponse(lastMessageSeq: number): ReconnectResponse {
  return new ReconnectResponse({ serverInfo: serverInfo(), lastMessageSeq });
}

function serverInfo(): ServerInfo {
  return new ServerInfo({ version: PROTOCOL_VERSION, protocol: SIGNAL_PROTOCOL, nodeId: 'sluice' });
}
