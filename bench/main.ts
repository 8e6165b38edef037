/* Runs the benchmarks and writes what they found to RESULTS.md: all of them, or those named on the command line. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join as joinPath } from 'node:path';
import { PACKAGE_ROOT } from '../test/support/package-root.js';
import { audioBridge } from './audio-bridge.js';
import { bargeIn } from './barge-in.js';
import { chunkCost } from './chunk-cost.js';
import { compositor } from './compositor.js';
import { audioCpu, hdCpu, vgaCpu } from './cpu.js';
import { dtx } from './dtx.js';
import { fanOut } from './fan-out.js';
import { join } from './join.js';
import { latency } from './latency.js';
import { layers } from './layers.js';
import { memory } from './memory.js';
import { mixMinute } from './mix-minute.js';
import { mix } from './mix.js';
import { opusFile } from './opus-file.js';
import { planning } from './plan.js';
import { toMarkdown, type Benchmark } from './report.js';
import { servers } from './servers.js';
import { virtualHour } from './virtual-hour.js';
import { voiceAgent } from './voice-agent.js';

const BENCHMARKS: Readonly<Record<string, readonly Benchmark[]>> = {
  latency: [latency('embedded'), latency('livekit')],
  join: [join('embedded'), join('livekit')],
  cpu: [audioCpu, vgaCpu, hdCpu],
  mix: [mix],
  'mix-minute': [mixMinute],
  'barge-in': [bargeIn],
  layers: [layers],
  dtx: [dtx],
  servers: [servers],
  'fan-out': [fanOut],
  'chunk-cost': [chunkCost],
  'opus-file': [opusFile],
  'audio-bridge': [audioBridge],
  compositor: [compositor],
  plan: [planning],
  'virtual-hour': [virtualHour],
  'voice-agent': [voiceAgent],
  memory: [memory],
};

const FOLDER = joinPath(PACKAGE_ROOT, 'bench');

/** A load average above this says that others are at work. */
const BUSY_LOAD = 1.5;

const HEAD = `# Measurements

Written by \`npm run bench\`, which measures everything, or one of ${Object.keys(BENCHMARKS).join(', ')}: \`npm run bench -- latency\`.
Everything runs on one machine over loopback, on the embedded server or a LiveKit server (\`test/livekit/\`), as the titles say. The peer
is LiveKit's rtc-node (\`@livekit/rtc-node\`), in the same runs on the same server. Numbers are medians, with the least and the most in brackets; "sluice is" divides run by run, so that
less than 1 is less than the peer. Absolute numbers depend on the machine and on what else it does; quotients do less.`;

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !(name in BENCHMARKS));
  if (unknown !== undefined)
    throw new Error(`no benchmark "${unknown}": there are ${Object.keys(BENCHMARKS).join(', ')}`);
  const chosen = names.length > 0 ? names : Object.keys(BENCHMARKS);
  const path = joinPath(FOLDER, 'RESULTS.md');
  const sections = await sectionsOf(path);
  const load = loadavg()[0] ?? 0;
  for (const { title, notes, run } of chosen.flatMap((name) => BENCHMARKS[name] ?? [])) {
    const when = surroundings(load);
    const text = toMarkdown(title, await run(), when, await notesOf(notes));
    console.log(`\n${text}`);
    sections.set(title, text);
    await writeFile(path, `${[HEAD, ...inOrder(sections)].join('\n\n')}\n`);
  }
}

/** What was written by hand about the numbers of a benchmark; empty where there is nothing. */
async function notesOf(name: string | undefined): Promise<string> {
  if (name === undefined) return '';
  const path = joinPath(FOLDER, `NOTES-${name}.md`);
  return existsSync(path) ? (await readFile(path, 'utf8')).trim() : '';
}

/** The sections of the benchmarks that there are, in their order. */
function inOrder(sections: ReadonlyMap<string, string>): string[] {
  const all = Object.values(BENCHMARKS).flat();
  return all.flatMap(({ title }) => sections.get(title) ?? []);
}

/** The sections that are in the file already, by their titles. */
async function sectionsOf(path: string): Promise<Map<string, string>> {
  const text = existsSync(path) ? await readFile(path, 'utf8') : '';
  const sections = text.split(/\n(?=## )/).slice(1);
  return new Map(sections.map((section) => [section.slice(3, section.indexOf('\n')), section.trim()]));
}

/** `load`: average of the minute before the first benchmark, which none of them made. */
function surroundings(load: number): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const busy = load > BUSY_LOAD ? ': **the machine was busy with other work**' : '';
  return `${date} UTC, ${availableParallelism()} cores of ${model}, ${gigabytes} GB, ${process.platform} ${arch()}, Node ${process.version}; load average before the run ${load.toFixed(2)}${busy}.`;
}

await main(process.argv.slice(2));
