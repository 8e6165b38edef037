import { DataPacket, DataPacket_Kind } from '@livekit/protocol';
import type { RoomMember } from './member.js';

const LABELS = new Set(['_reliable', '_lossy']);

/** Passes a data packet of `sender` on to those of `members` it is meant for, with the name of the true sender. */
export function relayData(sender: RoomMember, members: Iterable<RoomMember>, label: string, data: Buffer): void {
  if (!LABELS.has(label)) return;
  let packet: DataPacket;
  try {
    packet = DataPacket.fromBinary(data);
  } catch {
    return;
  }
  const destinations = packet.destinationIdentities;
  packet.participantIdentity = sender.identity;
  packet.participantSid = sender.sid;
  packet.kind = label === '_lossy' ? DataPacket_Kind.LOSSY : DataPacket_Kind.RELIABLE;
  packet.destinationIdentities = [];
  if (packet.value.case === 'user') {
    packet.value.value.participantIdentity = sender.identity;
    packet.value.value.participantSid = sender.sid;
  }
  const encoded = Buffer.from(packet.toBinary());
  for (const other of members) {
    if (other === sender || (destinations.length > 0 && !destinations.includes(other.identity))) continue;
    other.sendData(label, encoded);
  }
}
