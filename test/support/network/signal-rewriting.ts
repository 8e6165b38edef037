import { gunzipSync } from 'node:zlib';
import {
  JoinRequest,
  type SessionDescription,
  SignalRequest,
  SignalResponse,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from '@livekit/protocol';
import { rewriteCandidate, rewriteDescription, targetsIn, withoutCandidates } from './candidates.js';
import type { UdpAddress } from './relay-port.js';

/** The relay's address that stands for a server's. */
export type Open = (target: UdpAddress) => Promise<UdpAddress>;

/** What a client says, without its candidates; nothing where it says nothing else. What cannot be read passes as it is. */
export function rewriteRequest(data: Buffer): Uint8Array | undefined {
  let request: SignalRequest;
  try {
    request = SignalRequest.fromBinary(data);
  } catch {
    return data;
  }
  const { message } = request;
  switch (message.case) {
    case 'trickle':
      return undefined;
    case 'offer':
    case 'answer':
      strip(message.value);
      return request.toBinary();
    case 'syncState':
      strip(message.value.offer);
      strip(message.value.answer);
      return request.toBinary();
    default:
      return data;
  }
}

/** What the server says, with the relay's addresses in place of its own; nothing for one that the relay cannot reach. */
export async function rewriteResponse(data: Buffer, open: Open): Promise<Uint8Array | undefined> {
  const response = SignalResponse.fromBinary(data);
  const { message } = response;
  switch (message.case) {
    case 'offer':
    case 'answer':
      message.value.sdp = rewriteDescription(message.value.sdp, await relays(message.value.sdp, open));
      return response.toBinary();
    case 'trickle': {
      const init = JSON.parse(message.value.candidateInit) as { candidate?: string };
      // An empty one says that there are no more.
      if (!init.candidate) return data;
      const candidate = rewriteCandidate(init.candidate, await relays(init.candidate, open));
      if (candidate === undefined) return undefined;
      message.value.candidateInit = JSON.stringify({ ...init, candidate });
      return response.toBinary();
    }
    case 'join':
    case 'reconnect':
      // A server in between would be a way around the relay.
      message.value.iceServers = [];
      return response.toBinary();
    default:
      return data;
  }
}

/** The address that a client joins by; in the protocol of `/rtc/v1` its first offer is in there. */
export function rewriteJoinPath(path: string): string {
  const url = new URL(path, 'http://localhost');
  const text = url.searchParams.get('join_request');
  if (text === null) return path;
  const wrapped = WrappedJoinRequest.fromBinary(Buffer.from(text, 'base64url'));
  const isZipped = wrapped.compression === WrappedJoinRequest_Compression.GZIP;
  const join = JoinRequest.fromBinary(isZipped ? gunzipSync(wrapped.joinRequest) : wrapped.joinRequest);
  strip(join.publisherOffer);
  strip(join.syncState?.offer);
  strip(join.syncState?.answer);
  const plain = new WrappedJoinRequest({
    compression: WrappedJoinRequest_Compression.NONE,
    joinRequest: join.toBinary(),
  });
  url.searchParams.set('join_request', Buffer.from(plain.toBinary()).toString('base64url'));
  return url.pathname + url.search;
}

function strip(description: SessionDescription | undefined): void {
  if (description) description.sdp = withoutCandidates(description.sdp);
}

async function relays(text: string, open: Open): Promise<(target: UdpAddress) => UdpAddress | undefined> {
  const known = new Map<string, UdpAddress>();
  for (const target of targetsIn(text)) known.set(keyOf(target), await open(target));
  return (target) => known.get(keyOf(target));
}

function keyOf({ address, port }: UdpAddress): string {
  return `${address}:${port}`;
}
