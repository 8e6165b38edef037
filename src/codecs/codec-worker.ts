import { performance } from 'node:perf_hooks';
import { type Transferable, parentPort } from 'node:worker_threads';
import { toErrorData } from '../media/errors.js';
import { type CodecJob, startJob } from './codec-jobs.js';
import type { FromWorker, JobRequest, ToWorker, Work } from './codec-port.js';
import { packed } from './packed.js';

/** Entry of a codec thread: hosts jobs and does their work, one message at a time. */
const jobs = new Map<number, CodecJob>();
/** Jobs that were closed while they were still being opened. */
const dropped = new Set<number>();
const opening = new Set<number>();

parentPort?.on('message', (message: ToWorker) => {
  switch (message.op) {
    case 'open':
      void open(message.id, message.job);
      return;
    case 'work':
      work(message.id, message.work);
      return;
    case 'bitrate':
      jobs.get(message.id)?.setBitrate?.(message.bitsPerSecond);
      return;
    case 'close':
      close(message.id);
      return;
    case 'stop':
      parentPort?.close();
  }
});

async function open(id: number, request: JobRequest): Promise<void> {
  opening.add(id);
  try {
    const job = await startJob(request);
    if (dropped.delete(id)) {
      job.close();
      post({ op: 'closed', id });
      return;
    }
    jobs.set(id, job);
    post({ op: 'opened', id, ...(job.info && { info: job.info }) });
  } catch (error) {
    dropped.delete(id);
    post({ op: 'opened', id, error: toErrorData(error, 'SLUICE_CODEC_FAILED') });
  } finally {
    opening.delete(id);
  }
}

function work(id: number, step: Work): void {
  const job = jobs.get(id);
  if (!job) return;
  const startedMs = performance.now();
  const tookUs = (): number => (performance.now() - startedMs) * 1000;
  try {
    const result = job.work(step);
    const { isEnd } = result;
    const { values, transfer } = packed(result.values, { transfer: true });
    post({ op: 'done', id, values, tookUs: tookUs(), ...(isEnd === true && { isEnd }) }, transfer);
  } catch (error) {
    post({ op: 'done', id, values: [], tookUs: tookUs(), error: toErrorData(error, 'SLUICE_CODEC_FAILED') });
  }
}

function close(id: number): void {
  if (opening.has(id)) {
    dropped.add(id);
    return;
  }
  jobs.get(id)?.close();
  jobs.delete(id);
  post({ op: 'closed', id });
}

function post(message: FromWorker, transfer?: readonly Transferable[]): void {
  parentPort?.postMessage(message, transfer);
}
