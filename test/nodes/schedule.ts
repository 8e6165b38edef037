import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { NodePorts } from '../../src/media/node.js';
import type { TextData } from '../../src/media/text.js';
import { schedule } from '../../src/nodes/schedule.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { concat, levelAt, settle, testContext } from './node-lab.js';

const CHIME = join(PACKAGE_ROOT, 'pipelines/media/chime.ogg');

async function made(options: object) {
  const clock = new VirtualClock();
  const context = testContext({ clock });
  const ports = (await schedule.create(schedule.options.parse(options), context)) as NodePorts;
  return { clock, context, ports, output: (port: string): Readable => ports.output!(port) };
}

t.test('texts come at their times, in their order, and again', async (t) => {
  const { clock, output } = await made({
    entries: [{ atMs: 300, text: 'late' }, { text: 'first' }, { atMs: 100, everyMs: 150, text: 'again' }],
    untilMs: 500,
  });
  const came: [number, string][] = [];
  let isOver = false;
  output('texts')
    .on('data', ({ text }: TextData) => came.push([clock.nowUs() / 1000, text]))
    .on('end', () => (isOver = true));
  for (let i = 0; i < 60; i++) {
    await settle();
    clock.advance(10);
  }
  t.same(came, [
    [0, 'first'],
    [100, 'again'],
    [250, 'again'],
    [300, 'late'],
    [400, 'again'],
  ]);
  t.ok(isOver);
  t.notOk(clock.advanceToNext(), 'no timer is left');
});

t.test('sounds come at their times, one after the other', async (t) => {
  const { clock, output } = await made({
    entries: [{ file: CHIME }, { atMs: 200, file: CHIME }, { atMs: 5000, file: CHIME }],
    sampleRate: 16_000,
    channels: 1,
  });
  const chunks: AudioData[] = [];
  const sounds = output('sounds');
  sounds.on('data', (chunk: AudioData) => chunks.push(chunk));
  const heardUntil = async (ms: number): Promise<void> => {
    while ((chunks.at(-1)?.timestamp ?? 0) < ms * 1000) await once(sounds, 'data');
  };
  await settle();
  clock.advance(200);
  await heardUntil(2350);
  clock.advance(4800);
  await once(sounds, 'end');
  const at = (ms: number): number =>
    levelAt(
      concat(chunks.filter(({ timestamp }) => timestamp >= ms * 1000 && timestamp < (ms + 200) * 1000)),
      16_000,
      880,
    );
  t.ok(at(50) > -30 && at(1250) > -30 && at(5050) > -30, 'the second one follows the first');
  t.ok(chunks.every(({ timestamp }, i) => i === 0 || timestamp > chunks[i - 1]!.timestamp));
  t.notOk(chunks.some(({ timestamp }) => timestamp > 2_500_000 && timestamp < 5_000_000));
});

t.test('what nobody takes is counted', async (t) => {
  const { clock, context, output } = await made({ entries: [{ everyMs: 100, text: 'x' }, { file: CHIME }] });
  output('texts').read(0);
  clock.advance(2000);
  t.same(Object.fromEntries(context.drops), { 'text not taken': 5, 'sound not taken': 1 });
});

t.test('a file that is not there, and entries that say nothing or too much, are refused', async (t) => {
  await t.rejects(made({ entries: [{ file: '/nowhere/chime.ogg' }] }), { code: 'SLUICE_FILE_NOT_FOUND' });
  for (const entry of [{}, { text: 'x', file: 'x' }, { text: 'x', everyMs: 1 }, { atMs: -1, text: 'x' }])
    t.notOk(schedule.options.safeParse({ entries: [entry] }).success);
});
