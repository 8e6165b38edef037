import { setTimeout as wait } from 'node:timers/promises';
import { AUDIO_BITRATE, type ClientName } from './client.js';
import { type Benchmark, type Report } from './report.js';
import { onStage } from './stage.js';
import { median } from './statistics.js';

const RUNS = 2;
const WARM_UP_MS = 4000;
const MEASURED_MS = 6000;

interface Setup {
  readonly name: string;
  readonly client: ClientName;
  readonly dtx: boolean;
}

const SETUPS: readonly Setup[] = [
  { name: 'sluice, with DTX', client: 'sluice', dtx: true },
  { name: 'sluice, without', client: 'sluice', dtx: false },
  { name: 'rtc-node, with DTX', client: 'rtc-node', dtx: true },
  { name: 'rtc-node, without', client: 'rtc-node', dtx: false },
];

/** What a microphone that hears nothing takes of a network. */
export const dtx: Benchmark = { title: 'Bandwidth of silence, on a LiveKit server', run: compare };

interface Flow {
  readonly packets: number;
  readonly kbps: number;
}

async function compare(): Promise<Report> {
  const rows: string[][] = [];
  for (const setup of SETUPS) {
    const runs: { readonly voice: Flow; readonly silence: Flow }[] = [];
    for (let run = 0; run < RUNS; run++) runs.push(await measure(setup));
    const show = (flows: readonly Flow[]): string[] => [
      median(flows.map(({ packets }) => packets)).toFixed(1),
      median(flows.map(({ kbps }) => kbps)).toFixed(2),
    ];
    rows.push([setup.name, ...show(runs.map(({ voice }) => voice)), ...show(runs.map(({ silence }) => silence))]);
  }
  return {
    conditions: [
      `A publisher writes a synthetic voice (48 kHz mono, Opus at ${AUDIO_BITRATE / 1000} kbit/s at most, 20 ms), then zeros. A sluice participant reads the encoded chunks: their number, and the bits in them without headers, a second. ${RUNS} runs of ${MEASURED_MS / 1000} s each, ${WARM_UP_MS / 1000} s after the beginning of voice and silence.`,
      'Each packet has some 60 bytes of headers besides (IP, UDP, RTP with extensions, the tag of SRTP).',
    ],
    head: ['', 'voice, packets /s', 'voice, kbit/s', 'silence, packets /s', 'silence, kbit/s'],
    rows,
    limits: ['Zeros are the quietest silence there is: what a real room sounds like may be sent as sound.'],
  };
}

async function measure({ client, dtx }: Setup): Promise<{ voice: Flow; silence: Flow }> {
  return await onStage('livekit', async (stage) => {
    const publisher = await stage.participant(client, 'dtx', 'publisher');
    const reader = await stage.participant('sluice', 'dtx', 'reader');
    const reading = reader.call('read', { from: 'publisher', media: 'audio', encoded: true });
    await publisher.call('publishVoice', { dtx });
    await reading;
    const flow = async (): Promise<Flow> => {
      await wait(WARM_UP_MS);
      const { readPerSecond, bitsPerSecond } = await reader.call('cpu', { ms: MEASURED_MS });
      return { packets: readPerSecond, kbps: bitsPerSecond / 1000 };
    };
    const voice = await flow();
    await publisher.call('fallSilent', undefined);
    return { voice, silence: await flow() };
  });
}
