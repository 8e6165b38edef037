import { Counter, Gauge, Registry, Summary, type MetricObjectWithValues, type MetricValueWithName } from 'prom-client';
import type { MeasureReport } from '../graph/measure.js';
import type { LinkReport, RunReport } from '../graph/report.js';

/** What Prometheus is answered with. */
export interface MetricsText {
  readonly text: string;
  readonly contentType: string;
}

/**
 * The counters of a run, and some of the process, in Prometheus' text format. Labels are links, nodes and reasons, of which a
 * pipeline has a fixed number; streams and participants are none.
 */
export async function metricsText(report: RunReport): Promise<MetricsText> {
  // A registry for each answer: the totals are kept by the run, not here.
  const registry = new Registry();
  for (const { name, help, labelNames, samples } of METRICS) {
    const found = samples(report);
    const options = { name, help, labelNames, registers: [registry] };
    if (name.endsWith('_total')) {
      const counter = new Counter(options);
      for (const { labels = {}, value } of found) counter.inc(labels, value);
    } else {
      const gauge = new Gauge(options);
      for (const { labels = {}, value } of found) gauge.set(labels, value);
    }
  }
  registry.registerMetric(new StageSummary(report.measures));
  return { text: await registry.metrics(), contentType: registry.contentType };
}

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric: a counter where its name ends in `_total`, a gauge otherwise. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly samples: (report: RunReport) => readonly Sample[];
}

const METRICS: readonly Metric[] = [
  ofLinks('chunks_total', 'Values that came in.', (link) => link.chunks),
  ofLinks('media_seconds_total', 'Media that came in.', (link) => link.mediaMs / 1000),
  ofLinks('taken_chunks_total', 'Values that the reader is done with.', (link) => link.taken),
  {
    name: 'sluice_link_dropped_chunks_total',
    help: 'Values that got lost on the link.',
    labelNames: ['link', 'reason'],
    samples: ({ links }) => links.flatMap(({ name, drops }) => byReason(drops, { link: name })),
  },
  ofLinks('held_chunks', 'Values that wait now.', (link) => link.held),
  ofLinks('held_seconds', 'Media that waits now.', (link) => link.heldMs / 1000),
  ofLinks('most_held_chunks', 'The most values that waited at once.', (link) => link.mostHeld),
  ofLinks('waited_chunks_total', 'Values that have left the queue of the link.', (link) => link.waitMs?.chunks),
  ofLinks('wait_seconds_total', 'Time that those values waited, added up.', (link) => seconds(link.waitMs?.total)),
  ofLinks('longest_wait_seconds', 'The longest that a value waited.', (link) => seconds(link.waitMs?.max)),
  ofLinks('format_changes_total', 'Changes of format in the middle of the stream.', (link) => link.formatChanges),
  {
    name: 'sluice_link_format_info',
    help: 'Formats that came; always 1.',
    labelNames: ['link', 'format'],
    samples: ({ links }) =>
      links.flatMap(({ name, formats }) => formats.map((format) => ({ labels: { link: name, format }, value: 1 }))),
  },
  {
    name: 'sluice_node_dropped_chunks_total',
    help: 'Values that a node let go of.',
    labelNames: ['node', 'reason'],
    samples: ({ dropped }) => Object.entries(dropped).flatMap(([node, reasons]) => byReason(reasons, { node })),
  },
  {
    name: 'sluice_node_restarts_total',
    help: 'How often a node was made anew.',
    labelNames: ['node'],
    samples: ({ nodes }) =>
      Object.entries(nodes).map(([node, { restarts }]) => ({ labels: { node }, value: restarts })),
  },
  {
    name: 'sluice_link_stalls_total',
    help: 'How often the reader of a link took nothing for a while.',
    labelNames: ['link'],
    samples: ({ stalls }) => stalls.map(({ link, times }) => ({ labels: { link }, value: times })),
  },
  {
    name: 'sluice_link_stalled',
    help: 'How many readers of a link take nothing now.',
    labelNames: ['link'],
    samples: ({ stalls }) => stalls.map(({ link, now }) => ({ labels: { link }, value: now })),
  },
  ofRun('sluice_branches_begun_total', 'Branches that were made.', ({ branches }) => branches.begun),
  ofRun('sluice_branches_ended_total', 'Branches that ended well.', ({ branches }) => branches.ended),
  ofRun('sluice_branches_failed_total', 'Branches that failed.', ({ branches }) => branches.failed),
  ofRun('sluice_run_elapsed_seconds', 'How long the pipeline runs.', ({ elapsedMs }) => elapsedMs / 1000),
  ofRun('process_cpu_user_seconds_total', 'CPU time in user mode.', () => process.cpuUsage().user / 1e6),
  ofRun('process_cpu_system_seconds_total', 'CPU time in system mode.', () => process.cpuUsage().system / 1e6),
  ofRun('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss()),
  ofRun('process_start_time_seconds', 'Start, since the epoch.', () => performance.timeOrigin / 1000),
  ofRun(
    'nodejs_eventloop_active_seconds_total',
    'Time that the main thread was busy.',
    () => performance.eventLoopUtilization().active / 1000,
  ),
];

/** The measures of the nodes, whose quantiles the report has already. */
class StageSummary extends Summary {
  readonly #measures: RunReport['measures'];

  constructor(measures: RunReport['measures']) {
    super({ name: STAGE, help: 'How long a stage of a node took.', labelNames: ['node', 'stage'], registers: [] });
    this.#measures = measures;
  }

  override get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    const values = Object.entries(this.#measures).flatMap(([node, stages]) =>
      Object.entries(stages).flatMap(([stage, measure]) => stageValues({ node, stage }, measure)),
    );
    return super.get().then((metric) => ({ ...metric, values }));
  }
}

const STAGE = 'sluice_node_stage_seconds';

function stageValues(
  labels: Readonly<Record<string, string>>,
  { count, total, p50, p99, max }: MeasureReport,
): MetricValueWithName<string>[] {
  const quantiles = [
    [0.5, p50],
    [0.99, p99],
    [1, max],
  ] as const;
  return [
    ...quantiles.map(([quantile, ms]) => ({ labels: { ...labels, quantile }, value: ms / 1000 })),
    { metricName: `${STAGE}_sum`, labels, value: total / 1000 },
    { metricName: `${STAGE}_count`, labels, value: count },
  ].map((value) => ({ metricName: STAGE, ...value }));
}

/** A metric with a series for each link for which there is a value. */
function ofLinks(name: string, help: string, pick: (link: LinkReport) => number | undefined): Metric {
  return {
    name: `sluice_link_${name}`,
    help,
    labelNames: ['link'],
    samples: ({ links }) =>
      links.flatMap((link) => {
        const value = pick(link);
        return value === undefined ? [] : [{ labels: { link: link.name }, value }];
      }),
  };
}

function ofRun(name: string, help: string, pick: (report: RunReport) => number): Metric {
  return { name, help, labelNames: [], samples: (report) => [{ value: pick(report) }] };
}

function byReason(reasons: Readonly<Record<string, number>>, labels: Readonly<Record<string, string>>): Sample[] {
  return Object.entries(reasons).map(([reason, value]) => ({ labels: { ...labels, reason }, value }));
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
