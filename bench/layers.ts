import { HD } from './client.js';
import { type Benchmark, type Report } from './report.js';
import type { ServerName } from './server.js';
import { SERVER_TITLES, onStage } from './stage.js';
import { figure, spread } from './statistics.js';

const SERVERS: readonly ServerName[] = ['embedded', 'livekit'];
const CHANGES = 10;
const LOW = { width: 320, height: 180 } as const;

/** From asking for another layer of a simulcast stream until its first picture. */
export const layers: Benchmark = { title: 'Change of simulcast layer', run: measureAll };

async function measureAll(): Promise<Report> {
  const rows: string[][] = [];
  for (const server of SERVERS) {
    const { upMs, downMs, longestGapMs } = await measure(server);
    rows.push([SERVER_TITLES[server], spread(downMs), spread(upMs), figure(longestGapMs)]);
  }
  return {
    conditions: [
      `A sluice participant publishes a numbered pattern of ${HD.width}x${HD.height} at 30 fps in three layers, of which only those are encoded that somebody takes. Another one in a process of its own asks with \`setPreferredResolution\` for ${LOW.width}x${LOW.height} and for all of it in turn, ${CHANGES} times each, and waits for the first decoded picture of that size. In ms, from just before the call.`,
      'The longest gap is between two pictures of any size, over all changes.',
    ],
    head: ['', 'to the lowest, ms', 'to the highest, ms', 'longest gap, ms'],
    rows,
    limits: [
      'The peer has no call that is the same: rtc-node lets the server choose.',
      'The way up includes that the publisher begins to encode a layer that nobody took before.',
    ],
  };
}

async function measure(server: ServerName): Promise<{ upMs: number[]; downMs: number[]; longestGapMs: number }> {
  return await onStage(server, async (stage) => {
    const publisher = await stage.participant('sluice', 'layers', 'publisher');
    const reader = await stage.participant('sluice', 'layers', 'reader');
    const reading = reader.call('readLayers', { from: 'publisher' });
    await publisher.call('publishPattern', { size: { ...HD, simulcast: true } });
    await reading;
    await reader.call('changeLayer', { to: HD });
    const [upMs, downMs]: [number[], number[]] = [[], []];
    let longestGapMs = 0;
    for (let change = 0; change < CHANGES; change++) {
      for (const [to, list] of [
        [LOW, downMs],
        [HD, upMs],
      ] as const) {
        const { firstMs, gapMs } = await reader.call('changeLayer', { to });
        list.push(firstMs);
        longestGapMs = Math.max(longestGapMs, gapMs);
      }
    }
    return { upMs, downMs, longestGapMs };
  });
}
