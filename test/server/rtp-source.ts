import { randomInt } from 'node:crypto';
import { OFFERED_EXTENSION_IDS } from '../../src/engine/sdp/extensions.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';

/** Sends RTP packets of one published track. */
export class RtpSource {
  readonly #send: (packet: Buffer) => void;
  readonly #fields: { readonly mid: string; readonly ssrc: number; readonly payloadType: number };
  #sequence = randomInt(65_536);

  constructor(send: (packet: Buffer) => unknown, fields: { mid: string; ssrc: number; payloadType: number }) {
    this.#send = send;
    this.#fields = fields;
  }

  send(payload: Uint8Array): void {
    const { mid, ssrc, payloadType } = this.#fields;
    const sequenceNumber = this.#sequence++ & 0xffff;
    const extensions = [{ id: OFFERED_EXTENSION_IDS.mid, data: Buffer.from(mid) }];
    this.#send(writeRtp({ payloadType, ssrc, sequenceNumber, timestamp: sequenceNumber * 960, payload, extensions }));
  }

  /** Sends the payload again and again until the condition holds. */
  async sendUntil(payload: Uint8Array, condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.send(payload);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** A received packet, its payload as text. */
export function rtpOf(buffer: Buffer): {
  readonly sequenceNumber: number;
  readonly ssrc: number;
  readonly text: string;
} {
  const packet = new RtpPacket();
  packet.parse(buffer);
  const { sequenceNumber, ssrc } = packet;
  return { sequenceNumber, ssrc, text: Buffer.from(packet.payload()).toString() };
}
