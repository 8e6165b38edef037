import { once } from 'node:events';
import type { Readable } from 'node:stream';
import {
  type AudioData,
  type EncodedAudioChunk,
  type Publisher,
  type Session,
  type VideoFrame,
  audioData,
} from '../../../src/index.js';
import { sine } from '../../codecs/tones.js';
import { streamNamed } from '../live-room.js';
import { LOUD, SMALL_VIDEO, endlessHalves, atBest, loudMsIn } from './content.js';
import { onEveryBackend } from './servers.js';

const PERIOD_US = 20_000;
/** Time stamps at a receiver differ from those of the sender by what its clock and the network do. */
const STAMP_TOLERANCE_US = 5000;
/** A packet of silence is not larger, one of a tone is. */
const SILENT_BYTES = 20;
/** What a codec still swings by after a sound. */
const QUIET = 400;
/** A receiver draws out what stops, and fades it. */
const FADE_MS = 100;

/** Values of a reader, as they come. */
function values<T>(readable: Readable): AsyncIterable<T> {
  return readable.iterator({ destroyOnReturn: false }) as AsyncIterable<T>;
}

function tone(ms: number, hz = 440): AudioData {
  return audioData(sine([hz, hz], 48_000, 48 * ms, 10_000), 48_000, 2, 0);
}

function peakOf({ data }: AudioData): number {
  return data.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
}

async function packetsOf(watcher: Session, name: string): Promise<Readable> {
  return await watcher.subscribe(await streamNamed(watcher, name), {
    encoded: true,
    subscribeToVideo: false,
    maxLagMs: 10_000,
  });
}

/** The packets that come before one whose time stamp is further than `gapUs` from theirs, and how far that is. */
async function beforeGap(
  packets: AsyncIterator<EncodedAudioChunk>,
  gapUs: number,
): Promise<{ readonly before: readonly EncodedAudioChunk[]; readonly gapUs: number }> {
  const before: EncodedAudioChunk[] = [];
  for (;;) {
    const { value } = (await packets.next()) as IteratorYieldResult<EncodedAudioChunk>;
    const passedUs = value.timestamp - (before.at(-1) ?? value).timestamp;
    if (passedUs > gapUs) return { before, gapUs: passedUs };
    before.push(value);
  }
}

onEveryBackend('audio that is published', async (t, lab) => {
  await t.test('is silence until the first comes, packet after packet', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.watch()];
    await ann.publish({ name: 'Bot', hasVideo: false });
    const stream = await streamNamed(bob, 'Bot');
    const packets: EncodedAudioChunk[] = [];
    for await (const packet of values<EncodedAudioChunk>(await packetsOf(bob, 'Bot'))) {
      if (packets.push(packet) === 25) break;
    }
    const distances = packets.slice(1).map(({ timestamp }, i) => timestamp - packets[i]!.timestamp);
    // Those that come sooner than the first ones bring the time line nearer.
    t.ok(
      Math.max(...distances) < PERIOD_US + STAMP_TOLERANCE_US,
      `at most ${Math.max(...distances)} µs from one to the next`,
    );
    let chunks = 0;
    for await (const chunk of values<AudioData>((await bob.subscribe(stream)).audio)) {
      t.ok(peakOf(chunk) <= 1, `${peakOf(chunk)}`);
      if (++chunks === 25) break;
    }
  });

  for (const silenceToleranceMs of lab.name === 'Vonage' ? [200] : [200, 400]) {
    await t.test(`that stops for long sends nothing for ${silenceToleranceMs} ms, then silence`, async (t) => {
      const room = lab.room(t);
      const [ann, bob] = [await room.join('ann'), await room.watch()];
      const publisher = await ann.publish({ name: 'Bot', hasVideo: false, silenceToleranceMs });
      const packets = values<EncodedAudioChunk>(await packetsOf(bob, 'Bot'))[Symbol.asyncIterator]();
      const { audio } = await bob.subscribe(await streamNamed(bob, 'Bot'));
      await packets.next();
      const wantedMs = silenceToleranceMs + 20;
      const isGap = (gapMs: number): boolean => Math.abs(gapMs - wantedMs) < STAMP_TOLERANCE_US / 1000;
      const isWhole = (loudMs: number): boolean => loudMs >= 490 && loudMs <= 500 + FADE_MS;
      const { sentMs, gapMs, loudMs, peakAfter } = await atBest(
        async () => {
          const heard = throughTheEnd(audio);
          publisher.write(tone(500));
          const { before, gapUs } = await beforeGap(packets, 2 * PERIOD_US);
          return { sentMs: await loudMsIn(before), gapMs: gapUs / 1000, ...(await heard) };
        },
        (one) => isGap(one.gapMs) && isWhole(one.loudMs) && one.peakAfter < QUIET,
      );
      t.ok(sentMs > 490, `${sentMs} ms of the tone before the gap`);
      t.ok(isGap(gapMs), `${gapMs} ms between two packets`);
      t.ok(isWhole(loudMs), `${loudMs} ms are heard of 500`);
      t.ok(peakAfter < QUIET, `then nothing: ${peakAfter}`);
    });
  }

  await t.test('that stops in the middle of a period fills it up with silence', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.watch()];
    const publisher = await ann.publish({ name: 'Bot', hasVideo: false });
    const packets = values<EncodedAudioChunk>(await packetsOf(bob, 'Bot'))[Symbol.asyncIterator]();
    await packets.next();
    publisher.write(tone(465));
    const { before } = await beforeGap(packets, 2 * PERIOD_US);
    const sentMs = await loudMsIn(before);
    t.ok(Math.abs(sentMs - 465) <= 5, `${sentMs} ms are sent of 465`);
    t.equal(publisher.played, 465_000);
  });

  await t.test('that comes a little late again and again has no silence put into it', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.watch()];
    const publisher = await ann.publish({ name: 'Bot', hasVideo: false });
    const packets = values<EncodedAudioChunk>(await packetsOf(bob, 'Bot'))[Symbol.asyncIterator]();
    await packets.next();
    const isLoud = ({ data }: EncodedAudioChunk): boolean => data.length > SILENT_BYTES;
    const { loud, inAll } = await atBest(
      async () => {
        // Each piece is written when the one before has run dry.
        const writing = (async () => {
          for (let i = 0; i < 5; i++) {
            const dry = once(publisher, 'mediaBufferDrained');
            publisher.write(tone(100));
            await dry;
          }
        })();
        const { before } = await beforeGap(packets, 150_000);
        await writing;
        const tones = before.slice(before.findIndex(isLoud));
        return { loud: tones.filter(isLoud).length, inAll: tones.length };
      },
      (one) => one.loud === 25 && one.inAll === 25,
    );
    t.equal(loud, 25);
    t.equal(inAll, 25, 'from the first packet of the tone to the last');
  });
});

/**
 * Ms from the first to the last loud sample of the first sound that is heard, and the largest sample of the 600 ms that
 * follow when it has faded.
 */
async function throughTheEnd(audio: Readable): Promise<{ readonly loudMs: number; readonly peakAfter: number }> {
  const [rate, channels] = [48_000, 2];
  let [at, first, last, peakAfter] = [0, -1, -1, 0];
  for await (const { data } of values<AudioData>(audio)) {
    for (let i = 0; i < data.length; i += channels, at++) {
      const size = Math.abs(data[i]!);
      const isOver = first >= 0 && at - last > (rate * FADE_MS) / 1000;
      if (isOver) peakAfter = Math.max(peakAfter, size);
      else if (size > LOUD) {
        if (first < 0) first = at;
        last = at;
      }
    }
    if (first >= 0 && at - last > (rate * (FADE_MS + 600)) / 1000) {
      return { loudMs: ((last - first) * 1000) / rate, peakAfter };
    }
  }
  throw new Error('it ended before it was silent');
}

onEveryBackend('video that is published', async (t, lab) => {
  /** The grey in the middle of the left half. */
  const greyOf = ({ data, width, height }: VideoFrame): number => data[Math.floor(height / 2) * width + width / 4]!;

  await t.test('is black until the first picture; the last one stays for 2 s, then it is black again', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { settings: SMALL_VIDEO }), await room.watch()];
    const publisher = await ann.publish({ name: 'Show', hasAudio: false });
    const pictures = values<VideoFrame>(
      await bob.subscribe(await streamNamed(bob, 'Show'), { subscribeToAudio: false }),
    );
    let phase: 'black' | 'grey' | 'over' = 'black';
    let [blacks, greys, firstUs, overUs] = [0, 0, 0, 0];
    for await (const frame of pictures) {
      const grey = greyOf(frame);
      const isBlack = Math.abs(grey - 16) <= 4;
      if (phase === 'black') {
        if (isBlack && ++blacks === 3) write(publisher);
        if (!isBlack) {
          phase = 'grey';
          firstUs = frame.timestamp;
        }
      }
      if (phase === 'grey') {
        if (isBlack) {
          phase = 'over';
          overUs = frame.timestamp;
          greys = 0;
        } else t.ok(Math.abs(grey - 120) <= 8, `${grey}`);
      }
      if (phase === 'over') {
        t.ok(isBlack, `${grey}`);
        if (++greys === 3) break;
      }
    }
    const seconds = (overUs - firstUs) / 1e6;
    t.ok(seconds > 1.9 && seconds < 2.5, `${seconds} s of the last picture`);
  });

  function write(publisher: Publisher): void {
    publisher.write(endlessHalves(120, 120).read());
  }
});
