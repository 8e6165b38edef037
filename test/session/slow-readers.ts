import t from 'tap';
import { AudioReceiver } from '../../src/engine/audio/audio-receiver.js';
import type { Emit } from '../../src/engine/media-reader.js';
import type { EngineEvents } from '../../src/engine/port.js';
import { StreamReader } from '../../src/engine/reader.js';
import type { AudioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { StreamValue } from '../../src/media/media-value.js';
import { AudioInlet } from '../../src/session/audio-inlet.js';
import { MediaReadable, ReaderHub } from '../../src/session/media-readable.js';
import { sine } from '../codecs/tones.js';
import { encodeAll } from '../engine/audio-simulation.js';

const FORMAT = { sampleRate: 16_000, numberOfChannels: 1 };
const MINUTE_MS = 60_000;

/** A receiver in the engine and a Readable of the application, with nothing between them but the messages. */
function setUp(maxLagMs: number, encoded: boolean) {
  const clock = new VirtualClock();
  const hub = new ReaderHub(['audio']);
  const told = { values: 0, durationMs: 0 };
  hub.onOverflow = (_kind, values, durationMs) => {
    told.values += values;
    told.durationMs += durationMs;
  };
  let given = 0;
  const give = (value: StreamValue): void => {
    given++;
    hub.handle({ type: 'media', value });
  };
  const inlet = encoded
    ? undefined
    : new AudioInlet(FORMAT, give, () => {
        reader.grant('audio', 0);
      });
  const emit: Emit = (name, args) => {
    if (name === 'media') give((args as EngineEvents['media']).value);
    if (name === 'audio') inlet?.drain();
    if (name === 'overflow') hub.handle({ type: 'overflow', ...(args as EngineEvents['overflow']) });
  };
  const args = { session: 1, reader: 1, streamId: 's', audio: true, video: false, audioFormat: FORMAT };
  const ring = inlet && { audioRing: inlet.memory };
  const reader = new StreamReader({ ...args, ...ring, encoded, pixelFormat: 'YUV420P', maxLagMs }, emit, clock);
  const receiver = new AudioReceiver({ onError: (error) => t.fail(String(error)) });
  reader.attach(receiver, undefined);
  const readable = new MediaReadable(hub, ['audio']);
  const ask = (values: number): void => {
    if (inlet) inlet.credit(values);
    else reader.grant('audio', values);
  };
  hub.attach({
    credit: (_kind, values) => {
      ask(values);
    },
    requestKeyFrame: () => undefined,
    prefer: () => undefined,
    close: () => undefined,
  });
  return { receiver, reader, readable, hub, told, ask, given: () => given };
}

for (const what of ['sound', 'packets'] as const) {
  t.test(
    `who reads ${what} ten times too slowly for a minute has no more waiting than it may, and is told of the rest`,
    async (t) => {
      const maxLagMs = 500;
      const { receiver, reader, readable, hub, told, ask, given } = setUp(maxLagMs, what === 'packets');
      const packets = await encodeAll(sine(440, 48_000, 48_000));
      readable.read();
      while (!receiver.isOpen) await new Promise((resolve) => setImmediate(resolve));
      const lagsMs: number[] = [];
      let mostHeldMs = 0;
      let firstUs: number | undefined;
      let read = 0;
      for (let ms = 0; ms < MINUTE_MS; ms += 20) {
        const number = ms / 20;
        receiver.receive(number & 0xffff, number * 960, packets[number % packets.length]!, ms * 1000);
        receiver.tick(ms * 1000);
        const { delivered, dropped } = hub.counts('audio')!;
        mostHeldMs = Math.max(mostHeldMs, ms + 20 - (delivered + dropped) * 20);
        if (ms % 200 !== 0) continue;
        const value = readable.read() as AudioData | null;
        if (!value) continue;
        read++;
        firstUs ??= value.timestamp;
        lagsMs.push(ms - (value.timestamp - firstUs) / 1000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const { received, delivered, dropped, droppedMs, held } = hub.counts('audio')!;
      t.comment(`${received} came: ${delivered} read, ${dropped} dropped, ${held} wait`);
      t.ok(read > 290 && read === delivered);
      // The Readable has five chunks of its own, two of which may be on their way.
      t.ok(mostHeldMs <= maxLagMs + 5 * 20, `${mostHeldMs} ms waited at most`);
      const latest = lagsMs.slice(10);
      const mostLagMs = Math.max(...latest);
      t.ok(mostLagMs <= maxLagMs + 5 * 200 + 100, `${mostLagMs} ms behind at most`);
      t.ok(delivered > 290 && dropped > 2500, 'most of it could not be read');
      t.equal(received, delivered + dropped + held);
      t.equal(given() - delivered, held, 'what was given was read, or waits');
      // What waits in the engine goes out when it is asked for.
      for (let before = -1; before !== given();) {
        before = given();
        ask(1000);
      }
      const came = given() + dropped;
      t.equal(came, MINUTE_MS / 20, 'in = out + dropped + held');
      t.strictSame(told, { values: dropped, durationMs: droppedMs }, 'and all of it was told');
      t.equal(droppedMs, dropped * 20);
      reader.close();
      receiver.close();
    },
  );
}
