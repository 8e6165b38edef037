/* Pictures of several inputs through the compositor, in a process of its own. */
import { Readable, Writable } from 'node:stream';
import { graphFromLine, runGraph, type VideoFrame } from '../src/index.js';
import { drawPattern, readPattern } from '../src/media/pattern.js';
import { fitPicture, gridLayout } from '../src/media/picture-layout.js';
import { answerCalls } from './child.js';

interface Job {
  readonly inputs: number;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly pictures: number;
}

const calls = {
  /** CPU time of a run in ns, after one to warm up. Errors: pictures that do not show all inputs, or too few. */
  async run(job: Job): Promise<number> {
    await compose(job);
    const start = process.cpuUsage();
    await compose(job);
    const { user, system } = process.cpuUsage(start);
    return (user + system) * 1000;
  },
};

export type CompositorCalls = typeof calls;

async function compose(job: Job): Promise<void> {
  let received = 0;
  let last: VideoFrame | undefined;
  const out = new Writable({
    objectMode: true,
    write(frame: VideoFrame, _encoding, done) {
      received++;
      last = frame;
      done();
    },
  });
  const ids = Array.from({ length: job.inputs }, (_, index) => `in${index}`);
  const inputs = Object.fromEntries(ids.map((id, index) => [id, sourceOf(index, job)]));
  const run = await runGraph(await graphFromLine(lineOf(ids, job)), { inputs, outputs: { out } });
  await run.finished;
  if (received !== job.pictures || !last) throw new Error(`${received} of ${job.pictures} pictures came`);
  checkCells(last, job);
}

function lineOf(ids: readonly string[], { width, height, fps }: Job): string {
  const grid = `compositor id=all width=${width} height=${height} fps=${fps} live=false labels=false gap=0`;
  const chains = ids.map(
    (id, index) => `input id=${id} media=video ! ${index === 0 ? `${grid} ! output id=out media=video` : 'all.'}`,
  );
  return chains.join(' ; ');
}

/** Each a picture that nobody has seen, though all are in one place in memory: as of a decoder that uses its buffers again. */
function sourceOf(index: number, { width, height, fps, pictures }: Job): Readable {
  const data = drawPattern(index, width, height);
  let given = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 2,
    read() {
      const timestamp = Math.round((given++ * 1_000_000) / fps);
      this.push(given > pictures ? null : { kind: 'video', data, width, height, format: 'YUV420P', timestamp });
    },
  });
}

function checkCells({ data, width, height }: VideoFrame, { inputs }: Job): void {
  for (const [index, cell] of gridLayout(inputs, { width, height }, 0).entries()) {
    const { target } = fitPicture({ width, height }, cell, 'contain');
    const luma = new Uint8Array(target.width * target.height);
    for (let row = 0; row < target.height; row++) {
      const start = (target.y + row) * width + target.x;
      luma.set(data.subarray(start, start + target.width), row * target.width);
    }
    const found = readPattern({ data: luma, width: target.width, height: target.height });
    if (found !== index) throw new Error(`the cell of input ${index} shows ${found ?? 'nothing'}`);
  }
}

answerCalls(calls);
