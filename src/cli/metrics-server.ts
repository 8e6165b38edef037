import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunReport } from '../graph/report.js';
import { SluiceError } from '../media/errors.js';
import type { ListenAddress } from './option-values.js';
import { ProcessWatch } from './process-watch.js';

/** Serves the counters of a run. */
export interface MetricsServer {
  /** Where they are, with the port that was free where 0 was asked for. */
  readonly url: string;
  close(): Promise<void>;
}

const METRICS_PATH = '/metrics';
const REPORT_PATH = '/report';

/**
 * Serves what `report` tells, worked out when it is asked for: as Prometheus text at /metrics, and at /report as JSON with how the
 * process does (`process`), for `sluice top`. Errors: SLUICE_ADDRESS_IN_USE;
 * SLUICE_CONFIG_INVALID for an address that this machine does not have, or a port that it does not give.
 */
export async function serveMetrics(address: ListenAddress, report: () => RunReport): Promise<MetricsServer> {
  const { metricsText } = await import('./run-metrics.js');
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const found = path === METRICS_PATH || path === REPORT_PATH;
    if (!found || (request.method !== 'GET' && request.method !== 'HEAD')) {
      const text = `There are only GET ${METRICS_PATH} and GET ${REPORT_PATH}.\n`;
      response.writeHead(found ? 405 : 404, { 'content-type': 'text/plain' }).end(text);
      return;
    }
    if (path === REPORT_PATH) {
      const text = JSON.stringify({ ...report(), process: watch.report() });
      response.writeHead(200, { 'content-type': 'application/json' }).end(text);
      return;
    }
    const { text, contentType } = await metricsText(report());
    response.writeHead(200, { 'content-type': contentType }).end(text);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.destroy(error as Error);
    });
  });
  server.listen(address.port, address.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error, address);
  }
  const watch = new ProcessWatch();
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}${METRICS_PATH}`,
    close: async () => {
      watch.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function listenError(cause: unknown, { host, port }: ListenAddress): SluiceError {
  if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    return new SluiceError('SLUICE_ADDRESS_IN_USE', `TCP port ${port} on ${host} is taken`, {
      cause,
      mend: 'Choose another port for --metrics, or 0 for a free one.',
    });
  }
  return new SluiceError('SLUICE_CONFIG_INVALID', `cannot listen on ${host}:${port}`, {
    cause,
    found: (cause as Error).message,
    expected: 'an address of this machine, and a port that this user may take',
    mend: 'Give --metrics another address, as 127.0.0.1:9464.',
  });
}
