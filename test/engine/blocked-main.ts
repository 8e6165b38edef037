import t from 'tap';
import { createOpusDecoder } from '../../src/codecs/opus.js';
import { RtpPacket } from '../../src/engine/rtp/packet.js';
import { channel, concat, toneAmplitude } from '../codecs/tones.js';
import { run } from './program.js';

interface Arrived {
  readonly atMs: number;
  /** RTP, base64. */
  readonly packet: string;
}

/** What arrived in one process, and when the main thread of another, which sent it, stood still. */
async function listenWhileBlocked() {
  let told = (_url: string): void => undefined;
  const url = new Promise<string>((resolve) => {
    told = resolve;
  });
  const listening = run('listener', {
    onResult: (result) => {
      if (typeof result['url'] === 'string') told(result['url']);
    },
  });
  const speaker = await run('speaker', { args: [await url] });
  const listener = await listening;
  return { speaker, listener, packets: (listener.results[1]?.['packets'] ?? []) as Arrived[] };
}

t.test('the main thread stands still for a second, and the receiver hears no gap', { timeout: 60_000 }, async (t) => {
  const { speaker, listener, packets } = await listenWhileBlocked();
  t.same([speaker.ended, listener.ended, speaker.stderr, listener.stderr], [0, 0, '', '']);
  const { fromMs, toMs, errors } = speaker.results[0] as { fromMs: number; toMs: number; errors: string[] };
  t.same(errors, []);
  t.ok(toMs - fromMs >= 999);
  const during = packets.filter(({ atMs }) => atMs > fromMs && atMs < toMs - 100);
  t.ok(during.length > 20, `${during.length} packets arrived while it stood still`);
  const parsed = packets.map(({ packet }) => {
    const view = new RtpPacket();
    t.ok(view.parse(Buffer.from(packet, 'base64')));
    return view;
  });
  t.same(
    parsed.map(({ sequenceNumber }) => (sequenceNumber - parsed[0]!.sequenceNumber) & 0xffff),
    parsed.map((_, i) => i),
    'nothing is missing',
  );
  t.same(
    parsed.map(({ timestamp }) => (timestamp - parsed[0]!.timestamp) >>> 0),
    parsed.map((_, i) => i * 960),
    'and no time is left out',
  );
  const decoder = await createOpusDecoder({ sampleRate: 48_000, numberOfChannels: 2 });
  const heard = channel(concat(parsed.map((packet) => decoder.decode(new Uint8Array(packet.payload())))), 0, 2);
  decoder.close();
  const isTone = (at: number): boolean => toneAmplitude(heard.subarray(at, at + 960), 400, 48_000) > 5000;
  let begin = 0;
  while (begin < heard.length && !isTone(begin)) begin += 960;
  let end = heard.length - 960;
  while (end > begin && !isTone(end)) end -= 960;
  t.ok(end - begin >= 1980 * 48, `${(end - begin) / 48} ms of tone: its beginning arrived too`);
  const quiet: number[] = [];
  for (let at = begin; at < end; at += 240) if (!isTone(at)) quiet.push((at - begin) / 48);
  t.same(quiet, [], 'no 20 ms of less than half the level');
  const whole = toneAmplitude(heard.subarray(begin + 960, end), 400, 48_000);
  t.ok(whole > 9500, `amplitude ${Math.round(whole)} over all of it: one unbroken phase`);
});
