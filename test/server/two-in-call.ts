import { TrackSource, TrackType } from '@livekit/protocol';
import type { Test } from 'tap';
import { OFFERED_PAYLOAD_TYPES } from '../../src/engine/sdp/offer.js';
import { RawClient } from './raw-client.js';
import { RtpSource } from './rtp-source.js';
import type { RunningServer } from './running-server.js';

const { opus } = OFFERED_PAYLOAD_TYPES;
export const microphone = {
  request: { cid: 'mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE },
  track: { kind: 'audio', codec: 'opus', payloadType: opus, ssrc: 77 },
} as const;

/** Ann publishes, and Bob hears her. */
export async function twoInCall(
  t: Test,
  server: RunningServer,
): Promise<{ ann: RawClient; bob: RawClient; annSid: string; bobSid: string; voice: RtpSource; trackSid: string }> {
  const ann = await RawClient.open(server.url, await server.token('ann'));
  const annSid = (await ann.next('join')).participant?.sid ?? '';
  const bob = await RawClient.open(server.url, await server.token('bob'));
  const bobSid = (await bob.next('join')).participant?.sid ?? '';
  t.teardown(() => Promise.all([ann.close(), bob.close()]));
  const [trackSid = ''] = await ann.publish([microphone]);
  await bob.subscribe();
  const voice = new RtpSource((packet) => ann.publisher?.send(packet), { mid: '0', ssrc: 77, payloadType: opus });
  await voice.sendUntil(Buffer.from('before'), () => bob.received.length > 0);
  return { ann, bob, annSid, bobSid, voice, trackSid };
}
