import { DataPacket, DataPacket_Kind, type Transcription, UserPacket } from '@livekit/protocol';
import type { DataDrop, ServerCounters } from './counters.js';
import type { DataKind } from './data-channels.js';
import type { RoomMember } from './member.js';

/** The longest payload of a user's packet, in bytes: LiveKit's. */
export const MAX_USER_PAYLOAD_BYTES = 15 * 1024;

/** What is passed on as it is: what applications send, and what the client libraries build on it. */
const PASSED_ON: ReadonlySet<DataPacket['value']['case']> = new Set([
  'user',
  'sipDtmf',
  'chatMessage',
  'rpcRequest',
  'rpcAck',
  'rpcResponse',
  'streamHeader',
  'streamChunk',
  'streamTrailer',
  'encryptedPacket',
]);
/** Most texts in one packet. */
const MAX_SEGMENTS = 64;

/** The data packets that one participant sends to the others of its room. */
export class DataRelay {
  readonly #sender: RoomMember;
  readonly #members: () => Iterable<RoomMember>;
  readonly #counters: ServerCounters['data'];
  #lastSequence = 0;

  constructor(sender: RoomMember, members: () => Iterable<RoomMember>, counters: ServerCounters['data']) {
    this.#sender = sender;
    this.#members = members;
    this.#counters = counters;
  }

  /** The number of the last reliable packet that came, 0 before the first: clients that lost their connection go on after it. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Passes a packet on with the name of its true sender, or counts why not. */
  relay(kind: DataKind, data: Buffer): void {
    const packet = decode(data);
    const refusal = packet ? this.#refusal(kind, packet) : 'malformed';
    if (!packet || refusal) {
      this.#counters.dropped[refusal ?? 'malformed']++;
      return;
    }
    if (kind === 'reliable' && packet.sequence > 0) this.#lastSequence = packet.sequence;
    const { hidden, identity, sid } = this.#sender;
    if (!this.#speaksForAnother(packet)) packet.participantIdentity = hidden ? '' : identity;
    packet.participantSid = hidden ? '' : sid;
    passOn(packet, kind, this.#members(), this.#sender);
  }

  #refusal(kind: DataKind, packet: DataPacket): DataDrop | undefined {
    const { value } = packet;
    if (!this.#sender.permissions.canPublishData) return 'notGranted';
    if (kind === 'reliable' && packet.sequence > 0 && packet.sequence <= this.#lastSequence) return 'duplicate';
    if (value.case === 'user' && value.value.payload.length > MAX_USER_PAYLOAD_BYTES) return 'tooLarge';
    if (value.case === 'transcription') return this.#transcriptionRefusal(value.value);
    return PASSED_ON.has(value.case) ? undefined : 'unsupported';
  }

  /** Agents alone say what others said; anybody may say what they say themselves. */
  #transcriptionRefusal(transcription: Transcription): DataDrop | undefined {
    if (transcription.segments.length > MAX_SEGMENTS) return 'tooLarge';
    const { identity, hidden, kind } = this.#sender;
    if (kind === 'agent') return undefined;
    if (!['', identity].includes(transcription.transcribedParticipantIdentity) || hidden) return 'notGranted';
    transcription.transcribedParticipantIdentity = identity;
    return undefined;
  }

  /** An agent may send a text in the name of who said it: it is marked as made by a program. */
  #speaksForAnother({ value, participantIdentity }: DataPacket): boolean {
    if (this.#sender.kind !== 'agent' || value.case !== 'streamHeader') return false;
    const { contentHeader } = value.value;
    if (participantIdentity === '' || participantIdentity === this.#sender.identity) return false;
    if (contentHeader.case !== 'textHeader') return false;
    contentHeader.value.generated = true;
    return true;
  }
}

/** Sends what a server's administrator says: a packet without a sender. Without destinations it is for everyone. */
export function sendFromServer(
  packet: Partial<Pick<UserPacket, 'payload' | 'topic' | 'destinationSids' | 'destinationIdentities' | 'nonce'>>,
  kind: DataKind,
  members: Iterable<RoomMember>,
): void {
  passOn(new DataPacket({ value: { case: 'user', value: new UserPacket(packet) } }), kind, members);
}

function decode(data: Buffer): DataPacket | undefined {
  try {
    return DataPacket.fromBinary(data);
  } catch {
    return undefined;
  }
}

/** Sends a packet to those it is meant for: everyone when it says nothing, and never its sender. */
function passOn(packet: DataPacket, kind: DataKind, members: Iterable<RoomMember>, sender?: RoomMember): void {
  const identities = new Set(packet.destinationIdentities);
  const sids = new Set<string>();
  packet.kind = kind === 'lossy' ? DataPacket_Kind.LOSSY : DataPacket_Kind.RELIABLE;
  // Who else gets it is nobody's business.
  packet.destinationIdentities = [];
  if (packet.value.case === 'user') {
    const user = packet.value.value;
    for (const identity of user.destinationIdentities) identities.add(identity);
    for (const sid of user.destinationSids) sids.add(sid);
    user.destinationIdentities = [];
    user.destinationSids = [];
    user.participantIdentity = packet.participantIdentity;
    user.participantSid = packet.participantSid;
  }
  const forAll = identities.size === 0 && sids.size === 0;
  let encoded: Buffer | undefined;
  for (const member of members) {
    if (member === sender || !(forAll || identities.has(member.identity) || sids.has(member.sid))) continue;
    encoded ??= Buffer.from(packet.toBinary());
    member.sendData(kind, encoded);
  }
}
