import { setTimeout as wait } from 'node:timers/promises';
import { HD, VGA, type ClientName, type Media, type VideoSize } from './client.js';
import type { CpuReport } from './participant.js';
import { atMost, type Benchmark, type Goal, type Report } from './report.js';
import { onStage, type Participant, type Stage } from './stage.js';
import { median, ratios, spread } from './statistics.js';

const RUNS = 3;
/** V8 compiles what is called fifty times a second only after many seconds, and a participant stays for hours. */
const WARM_UP_MS = 20_000;
/** rtc-node begins with smaller pictures and takes some seconds to come to the full size. */
const FULL_SIZE_TIMEOUT_MS = 20_000;
const MEASURED_MS = 10_000;

/** What each process took in one run. */
interface Run {
  readonly publisher: Record<ClientName, CpuReport>;
  readonly subscriber: Record<ClientName, CpuReport>;
  /** Of sluice, reading encoded chunks of either publisher. */
  readonly encoded: Record<ClientName, CpuReport>;
  readonly serverPercent: number;
}

/** CPU of publishers and subscribers of audio. */
export const audioCpu: Benchmark = {
  title: 'CPU for audio, on a LiveKit server',
  notes: 'audio',
  run: () =>
    cpu(
      'audio',
      VGA,
      'One publisher of a synthetic voice without pauses, 48 kHz mono, Opus at 32 kbit/s without DTX and RED, in chunks of 20 ms.',
      0.5,
    ),
};

/** CPU of publishers and subscribers of video of 640x480. */
export const vgaCpu = videoCpu(VGA);

/** CPU of publishers and subscribers of video of 1280x720. */
export const hdCpu = videoCpu(HD);

function videoCpu(size: VideoSize): Benchmark {
  const { width, height, bitrateBps } = size;
  return {
    title: `CPU for video, ${width}x${height} at 30 fps, on a LiveKit server`,
    notes: 'video',
    run: () =>
      cpu(
        'video',
        size,
        `One publisher of a moving numbered pattern of 60 pictures drawn beforehand, YUV420P, VP8 at no more than ${Math.round(bitrateBps / 1000)} kbit/s, no simulcast.`,
        1,
      ),
  };
}

/** `most`: the goal for publisher and subscriber, as a part of what rtc-node takes. */
async function cpu(media: Media, size: VideoSize, source: string, most: number): Promise<Report> {
  const runs: Run[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await onStage('livekit', (stage) => measure(stage, media, size)));
  const percents = (pick: (run: Run) => CpuReport): number[] => runs.map((run) => pick(run).percent);
  const count = (pick: (run: Run) => CpuReport): string =>
    median(runs.map((run) => pick(run).readPerSecond)).toFixed(1);
  const kilobits = (client: ClientName): string =>
    (median(runs.map((run) => run.encoded[client].bitsPerSecond)) / 1000).toFixed(0);
  const sizesOf = (client: ClientName): string => {
    const sizes = [...new Set(runs.map((run) => run.subscriber[client].size))].filter((size) => size !== '');
    return sizes.length > 0 ? ` of ${sizes.join(', ')}` : '';
  };
  const server = runs.map((run) => run.serverPercent);
  const goals: Goal[] = [];
  const pair = (name: string, role: 'publisher' | 'subscriber', what: (client: ClientName) => string): string[] => {
    const [ours, theirs] = [percents((run) => run[role].sluice), percents((run) => run[role]['rtc-node'])];
    const quotients = ratios(ours, theirs);
    goals.push(atMost(name, median(quotients), most, 'x'));
    return [name, spread(ours), spread(theirs), `${spread(quotients, 2)} x`, what('sluice'), what('rtc-node')];
  };
  return {
    conditions: [
      source,
      'In percent of one core, of the whole process with all its threads (`process.cpuUsage`). In a session of its own for each of the two: a publisher, a subscriber that reads decoded media, and a sluice subscriber that reads encoded chunks, each a process of its own; both sessions at the same time on one server.',
      `${RUNS} runs of ${MEASURED_MS / 1000} s after ${WARM_UP_MS / 1000} s of warm-up${media === 'video' ? ', which begins when both subscribers see full size: rtc-node starts with 320x240' : ''}.`,
    ],
    head: ['', 'sluice', 'rtc-node', 'sluice is', 'flow, sluice', 'flow, rtc-node'],
    rows: [
      pair('publisher', 'publisher', (client) => `${kilobits(client)} kbit/s`),
      pair(
        'subscriber, decoded',
        'subscriber',
        (client) => `${count((run) => run.subscriber[client])} /s${sizesOf(client)}`,
      ),
      [
        'subscriber, encoded',
        spread(percents((run) => run.encoded.sluice)),
        '-',
        '',
        `${count((run) => run.encoded.sluice)} /s`,
        '-',
      ],
      ['LiveKit server, both sessions with 6 participants', spread(server), '-', '', '', ''],
    ],
    goals,
    limits: [
      'One publisher and one subscriber a process: the part of the process that is there once (the event loop, timers, the connection) is in each number.',
      media === 'audio'
        ? 'rtc-node gives frames of 10 ms, sluice of 20.'
        : 'Picture quality is not compared; the flow columns show what each made of the same pictures, which are easy to encode.',
    ],
  };
}

async function measure(stage: Stage, media: Media, size: VideoSize): Promise<Run> {
  const rooms = await Promise.all([open(stage, 'sluice', media, size), open(stage, 'rtc-node', media, size)]);
  if (media === 'video') {
    await Promise.all(
      rooms.map(({ subscriber }) => subscriber.call('fullSize', { timeoutMs: FULL_SIZE_TIMEOUT_MS, of: size })),
    );
  }
  await wait(WARM_UP_MS);
  const measured = (participant: Participant): Promise<CpuReport> => participant.call('cpu', { ms: MEASURED_MS });
  const [serverPercent, ...reports] = await Promise.all([
    stage.server.call('cpu', { ms: MEASURED_MS }),
    ...rooms.map(
      async ({ publisher, subscriber, encoded }) =>
        await Promise.all([measured(publisher), measured(subscriber), measured(encoded)]),
    ),
  ]);
  const [ours, theirs] = reports;
  if (!ours || !theirs) throw new Error('a session is missing');
  return {
    publisher: { sluice: ours[0], 'rtc-node': theirs[0] },
    subscriber: { sluice: ours[1], 'rtc-node': theirs[1] },
    encoded: { sluice: ours[2], 'rtc-node': theirs[2] },
    serverPercent,
  };
}

async function open(
  stage: Stage,
  client: ClientName,
  media: Media,
  size: VideoSize,
): Promise<{ publisher: Participant; subscriber: Participant; encoded: Participant }> {
  const [publisher, subscriber, encoded] = await Promise.all([
    stage.participant(client, client, 'publisher'),
    stage.participant(client, client, 'subscriber'),
    stage.participant('sluice', client, 'encoded'),
  ]);
  if (media === 'audio') await publisher.call('publishVoice', undefined);
  else await publisher.call('publishPattern', { size });
  await subscriber.call('read', { from: 'publisher', media, encoded: false });
  await encoded.call('read', { from: 'publisher', media, encoded: true });
  return { publisher, subscriber, encoded };
}
