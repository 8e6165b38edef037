import { SluiceError } from '../media/errors.js';
import type { JobRequest, Work, WorkResult } from './codec-port.js';
import type { FileInfo } from './file-options.js';
import { createLayeredEncoder } from './layered-encoder.js';
import { createVideoDecoder } from './video-decoder.js';
import { createVideoEncoder } from './video-encoder.js';

/** A codec, file or muxer inside a codec thread. Synchronous once it is open. */
export interface CodecJob {
  readonly info?: FileInfo;
  work(work: Work): WorkResult;
  setBitrate?(bitsPerSecond: number): void;
  close(): void;
}

const NOTHING: WorkResult = { values: [] };

/** Opens what was asked for, in this thread. */
export async function startJob(request: JobRequest): Promise<CodecJob> {
  switch (request.kind) {
    case 'decoder': {
      const decoder = await createVideoDecoder(request.options);
      return {
        work(work) {
          if (work.do === 'flush') return { values: decoder.flush() };
          if (work.do !== 'decode') throw unfit(request, work);
          const frame = decoder.decode(work.chunk, work.hidden);
          return frame ? { values: [frame] } : NOTHING;
        },
        close: () => {
          decoder.close();
        },
      };
    }
    case 'encoder': {
      const encoder = await createVideoEncoder(request.options);
      return {
        work(work) {
          if (work.do === 'flush') return { values: encoder.flush() };
          if (work.do !== 'encode') throw unfit(request, work);
          const chunk = encoder.encode(work.frame, work);
          return chunk ? { values: [chunk] } : NOTHING;
        },
        setBitrate: (bitsPerSecond) => {
          encoder.setBitrate(bitsPerSecond);
        },
        close: () => {
          encoder.close();
        },
      };
    }
    case 'layers':
      return startLayers(request);
    case 'probe':
      return startProbe(request.path);
    case 'reader':
      return startReader(request);
    case 'muxer':
      return startMuxer(request);
  }
}

async function startLayers(request: JobRequest & { readonly kind: 'layers' }): Promise<CodecJob> {
  const encoder = await createLayeredEncoder(request.options);
  return {
    work(work) {
      if (work.do !== 'layers') throw unfit(request, work);
      return { values: encoder.encode(work.frame, work.timestamp, work.orders) };
    },
    close: () => {
      encoder.close();
    },
  };
}

async function startProbe(path: string): Promise<CodecJob> {
  const { probeFile } = await import('./file-demuxer.js');
  const info = await probeFile(path);
  return { info, work: () => NOTHING, close: () => undefined };
}

async function startReader(request: JobRequest & { readonly kind: 'reader' }): Promise<CodecJob> {
  const { openFileDemuxer } = await import('./file-demuxer.js');
  const demuxer = await openFileDemuxer(request.path, request.options);
  return {
    work(work) {
      if (work.do !== 'next') throw unfit(request, work);
      return demuxer.nextBatch();
    },
    close: () => {
      demuxer.close();
    },
  };
}

async function startMuxer(request: JobRequest & { readonly kind: 'muxer' }): Promise<CodecJob> {
  const { openMuxWriter } = await import('./mux-writer.js');
  const writer = await openMuxWriter(request.path, request.options);
  return {
    work(work) {
      if (work.do === 'write') for (const chunk of work.chunks) writer.write(chunk);
      else if (work.do === 'flush') writer.finish();
      else throw unfit(request, work);
      return NOTHING;
    },
    close: () => {
      writer.close();
    },
  };
}

function unfit(request: JobRequest, work: Work): SluiceError {
  return new SluiceError('SLUICE_INTERNAL', `a ${request.kind} in a codec thread was asked to ${work.do}`);
}
