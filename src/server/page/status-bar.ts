import { byId } from './dom.js';
import { formatBitrate, formatRtt, TrafficMeter, type StatsReport, type Traffic } from './traffic.js';

const INTERVAL_MS = 1000;

/**
 * How the connection does, in the page's header. For tests: `data-state` (connected, reconnecting) and `data-rtt-ms` on the
 * bar, `data-rtt-ms` and `data-bitrate-kbps` on the values; empty while unknown.
 */
export class StatusBar {
  readonly #root = byId('status', HTMLElement);
  readonly #rtt = byId('status-rtt', HTMLElement);
  readonly #up = byId('status-up', HTMLElement);
  readonly #down = byId('status-down', HTMLElement);
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Asks `stats` each second until `stop()`. */
  start(stats: () => Promise<StatsReport[]>): void {
    const meter = new TrafficMeter();
    this.setState('connected');
    const sample = async (): Promise<void> => {
      const reports = await stats().catch(() => []);
      if (this.#timer !== undefined) this.#show(meter.update(reports, performance.now()));
    };
    this.#timer = setInterval(() => void sample(), INTERVAL_MS);
    void sample();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#show({ rttMs: undefined, upKbps: undefined, downKbps: undefined });
  }

  setState(state: 'connected' | 'reconnecting'): void {
    this.#root.dataset['state'] = state;
    byId('status-state', HTMLElement).textContent = state === 'connected' ? 'Connected' : 'Reconnecting…';
  }

  #show({ rttMs, upKbps, downKbps }: Traffic): void {
    const rtt = rttMs === undefined ? '' : rttMs.toFixed(1);
    this.#root.dataset['rttMs'] = rtt;
    this.#rtt.dataset['rttMs'] = rtt;
    this.#rtt.textContent = formatRtt(rttMs);
    showBitrate(this.#up, upKbps);
    showBitrate(this.#down, downKbps);
  }
}

function showBitrate(element: HTMLElement, kbps: number | undefined): void {
  element.dataset['bitrateKbps'] = kbps === undefined ? '' : kbps.toFixed(1);
  element.textContent = formatBitrate(kbps);
}
