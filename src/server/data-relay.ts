import { DataPacket, DataPacket_Kind } from '@livekit/protocol';
import type { Participant } from './participant.js';

const LABELS = new Set(['_reliable', '_lossy']);

/** Passes data packets on to the participants they are meant for, with the name of the true sender. */
export function relayData(sender: Participant, label: string, data: Buffer): void {
  if (!LABELS.has(label) || !sender.grants.permissions.canPublishData) return;
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
  for (const other of sender.room.participants) {
    if (other === sender || (destinations.length > 0 && !destinations.includes(other.identity))) continue;
    other.publisher.sendData(label, encoded);
  }
}
