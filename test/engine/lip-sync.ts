import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createOpusDecoder, createOpusEncoder } from '../../src/codecs/opus.js';
import { createResampler } from '../../src/codecs/resampler.js';
import { AudioReceiver } from '../../src/engine/audio/audio-receiver.js';
import { MediaTimeline } from '../../src/engine/media-timeline.js';
import { SenderClock } from '../../src/engine/sender-clock.js';
import { sine } from '../codecs/tones.js';

/** A number from 0 to 1 that only depends on its place. */
const noise = (i: number): number => ((Math.imul(i + 1, 2654435761) >>> 8) % 10_000) / 10_000;

const NTP_BASE_US = 3_900_000_000_000_000;

interface Way {
  readonly clockRate: number;
  /** Distance of packets in ms. */
  readonly periodMs: number;
  /** The least time that a packet takes, in µs. */
  readonly delayUs: number;
  readonly jitterUs: number;
  /** How fast the clock behind the RTP time is, against the sender's own. */
  readonly ppm: number;
  readonly rtpStart: number;
  readonly reportFromS: number;
}

/** One stream of a sender whose clock runs by `senderPpm` too fast; tells how far its time stamps are from the truth. */
class Stream {
  readonly errors: { readonly atUs: number; readonly errorUs: number }[] = [];
  readonly timeline: MediaTimeline;
  readonly #way: Way;
  readonly #seed: number;
  #lastUs = -Infinity;
  #packets = 0;

  constructor(way: Way, sender: SenderClock, seed: number) {
    this.#way = way;
    this.#seed = seed;
    this.timeline = new MediaTimeline(way.clockRate, sender);
  }

  rtpTime(captureUs: number): number {
    const { clockRate, ppm, rtpStart } = this.#way;
    return Math.round(rtpStart + (captureUs * (1 + ppm / 1e6) * clockRate) / 1e6);
  }

  /** The packet made at `captureUs` of true time arrives. */
  arrive(captureUs: number, truthUs: number): void {
    const { delayUs, jitterUs } = this.#way;
    const rtpTime = this.rtpTime(captureUs);
    this.timeline.observe(rtpTime, captureUs + delayUs + noise(this.#seed + ++this.#packets * 7) * jitterUs);
    const timestampUs = this.timeline.timestampUs(rtpTime);
    this.errors.push({ atUs: captureUs, errorUs: timestampUs - truthUs - captureUs });
    // Before the first report a packet that came faster than all others may turn it back.
    if (captureUs > 1e6 * (1 + this.#way.reportFromS)) assert.ok(timestampUs > this.#lastUs, `back at ${captureUs}`);
    this.#lastUs = timestampUs;
  }

  report(nowUs: number, senderPpm: number): void {
    if (nowUs < this.#way.reportFromS * 1e6) return;
    const ntpUs = NTP_BASE_US + nowUs * (1 + senderPpm / 1e6);
    this.timeline.receiveSenderReport(ntpUs, this.rtpTime(nowUs) >>> 0, nowUs + this.#way.delayUs);
  }

  /** The largest error from a moment on, in ms. */
  worstMs(fromS: number): number {
    const late = this.errors.filter(({ atUs }) => atUs >= fromS * 1e6);
    return Math.max(...late.map(({ errorUs }) => Math.abs(errorUs))) / 1000;
  }
}

function play(audio: Way, video: Way, senderPpm: number, seconds: number): { audio: Stream; video: Stream } {
  const sender = new SenderClock();
  const streams = { audio: new Stream(audio, sender, 1), video: new Stream(video, sender, 5000) };
  const truthUs = Math.min(audio.delayUs, video.delayUs);
  for (let ms = 0; ms < seconds * 1000; ms++) {
    for (const [name, way] of [['audio', audio] as const, ['video', video] as const]) {
      if (ms % way.periodMs === 0) streams[name].arrive(ms * 1000, truthUs);
      if (ms % 1000 === 500) streams[name].report(ms * 1000, senderPpm);
    }
  }
  return streams;
}

const AUDIO: Way = {
  clockRate: 48_000,
  periodMs: 20,
  delayUs: 30_000,
  jitterUs: 200_000,
  ppm: 0,
  rtpStart: 0xfffff000,
  reportFromS: 0,
};
const VIDEO: Way = { ...AUDIO, clockRate: 90_000, periodMs: 33, jitterUs: 10_000, rtpStart: 123_456 };

t.test(
  'audio with 200 ms more jitter than video is placed within 10 ms of the truth, whatever the clocks',
  (t: Test) => {
    for (const [senderPpm, audioPpm, videoPpm] of [
      [0, 0, 0],
      [200, 200, -200],
      [-200, -200, 200],
      [200, -200, -200],
    ] as const) {
      const { audio, video } = play({ ...AUDIO, ppm: audioPpm }, { ...VIDEO, ppm: videoPpm }, senderPpm, 120);
      const worst = [audio.worstMs(20), video.worstMs(20)];
      t.comment(`${senderPpm}/${audioPpm}/${videoPpm} ppm: audio ${worst[0]} ms, video ${worst[1]} ms off at worst`);
      t.ok(worst[0]! < 10 && worst[1]! < 10);
    }
    t.end();
  },
);

t.test('a way that is always 200 ms longer is seen too, and only sender reports tell', (t: Test) => {
  const late = { ...AUDIO, delayUs: 230_000, jitterUs: 5000 };
  const { audio, video } = play(late, { ...VIDEO, reportFromS: 3 }, 100, 30);
  t.ok(audio.worstMs(10) < 10, `${audio.worstMs(10)} ms`);
  t.ok(video.worstMs(10) < 10);
  const alone = play({ ...late, reportFromS: 999 }, { ...VIDEO, reportFromS: 999 }, 0, 10);
  t.ok(Math.abs(alone.audio.worstMs(5) - 200) < 10, 'without reports nobody could know');
  t.end();
});

t.test('a small error is mended by a few ms a second, a large one at once or at half the pace of time', (t: Test) => {
  const steps = (stream: Stream): number[] =>
    stream.errors.slice(1).map(({ errorUs }, i) => (errorUs - stream.errors[i]!.errorUs) / 20);
  const small = play(
    { ...AUDIO, delayUs: 80_000, jitterUs: 0, reportFromS: 2 },
    { ...VIDEO, jitterUs: 0 },
    0,
    30,
  ).audio;
  t.ok(small.worstMs(20) < 10);
  t.ok(
    steps(small).every((perMs) => Math.abs(perMs) <= 4.01),
    'µs per ms',
  );
  const large = play(
    { ...AUDIO, delayUs: 230_000, jitterUs: 0, reportFromS: 2 },
    { ...VIDEO, jitterUs: 0 },
    0,
    10,
  ).audio;
  t.ok(large.worstMs(5) < 10);
  t.ok(steps(large).every((perMs) => perMs > -500.1 && perMs < 4.01));
  t.end();
});

t.test('a clock that is set anew, and reports that make no sense, do no harm', (t: Test) => {
  for (const jumpUs of [-3_600_000_000, 1_500_000, -1_500_000]) {
    const sender = new SenderClock();
    const audio = new Stream({ ...AUDIO, jitterUs: 3000 }, sender, 1);
    const video = new Stream({ ...VIDEO, jitterUs: 3000 }, sender, 2);
    for (let ms = 0; ms < 20_000; ms++) {
      const shift = ms > 8000 ? (jumpUs / (ms * 1000)) * 1e6 : 0;
      if (ms % 20 === 0) audio.arrive(ms * 1000, 30_000);
      if (ms % 33 === 0) video.arrive(ms * 1000, 30_000);
      if (ms % 1000 === 500) audio.report(ms * 1000, shift);
      if (ms % 1000 === 900) video.report(ms * 1000, shift);
    }
    t.ok(audio.worstMs(1) < 15 && video.worstMs(1) < 15, `${jumpUs}: ${audio.worstMs(1)}, ${video.worstMs(1)} ms`);
  }
  const timeline = new MediaTimeline(48_000);
  timeline.receiveSenderReport(NTP_BASE_US, 5, 0);
  timeline.observe(960, 20_000);
  timeline.receiveSenderReport(0, 5, 0);
  timeline.receiveSenderReport(NTP_BASE_US, 0x7fffffff, 20_000);
  for (let i = 2; i < 100; i++) timeline.observe(i * 960, i * 20_000);
  t.ok(Math.abs(timeline.timestampUs(99 * 960) - 99 * 20_000) < 1, 'a report about media hours away');
  t.end();
});

t.test(
  'decoded sound is stamped with the time at which it was made, though it comes later than the picture',
  async (t: Test) => {
    const sender = new SenderClock();
    const timeline = new MediaTimeline(48_000, sender);
    const receiver = new AudioReceiver({ onError: (error) => t.fail(String(error)), timeline });
    const video = new Stream({ ...VIDEO, delayUs: 30_000, jitterUs: 5000 }, sender, 3);
    const format = { sampleRate: 48_000, numberOfChannels: 1 } as const;
    const encoder = await createOpusEncoder(format);
    // What takes a moment to be loaded is there when the receiver opens it.
    (await createOpusDecoder(format)).close();
    (await createResampler({ from: format, to: format, adjustable: true })).close();
    const arrivals: { readonly atMs: number; readonly number: number; readonly packet: Uint8Array }[] = [];
    const heard: { readonly loud: boolean; readonly timestampUs: number }[] = [];
    receiver.add({
      format,
      audio: (period, timestampUs) => {
        heard.push({ loud: period.some((sample) => Math.abs(sample) > 3000), timestampUs });
      },
    });
    while (!receiver.isOpen) await turn();
    // A tone of 100 ms at the beginning of each second; the sound takes 200 ms longer, and 60 ms of jitter.
    const loud = sine([700], 48_000, 960, 12_000, 0);
    const quiet = new Int16Array(960);
    for (let ms = 0; ms < 20_000; ms += 1) {
      if (ms % 33 === 0) video.arrive(ms * 1000, 30_000);
      if (ms % 500 === 250) video.report(ms * 1000, 0);
      if (ms % 20 === 0) {
        const packet = new Uint8Array(encoder.encode(ms % 1000 < 100 ? loud : quiet));
        const number = ms / 20;
        const lateMs = 230 + noise(number) * 60;
        arrivals.push({ atMs: ms + lateMs, number, packet });
      }
      for (const arrival of arrivals.slice(-20).filter(({ atMs }) => Math.floor(atMs) === ms))
        receiver.receive(arrival.number, arrival.number * 960, arrival.packet, arrival.atMs * 1000);
      if (ms % 1000 === 400) timeline.receiveSenderReport(NTP_BASE_US + ms * 1000, ms * 48, (ms + 230) * 1000);
      if (ms % 5 === 0) receiver.tick(ms * 1000);
    }
    encoder.close();
    receiver.close();
    const begins = heard.filter(({ loud: isLoud }, i) => isLoud && heard[i - 1]?.loud === false);
    const errors = begins.slice(-8).map(({ timestampUs }) => {
      const inSecond = (timestampUs - 30_000) / 1e6;
      return (inSecond - Math.round(inSecond)) * 1000;
    });
    t.comment(`the tones begin ${errors.map((error) => error.toFixed(1)).join(', ')} ms from where they were made`);
    t.ok(errors.length === 8 && errors.every((error) => error > -21 && error < 10));
    t.ok(
      heard.every(({ timestampUs }, i) => i === 0 || timestampUs > heard[i - 1]!.timestampUs),
      'time never goes back',
    );
    t.end();
  },
);
