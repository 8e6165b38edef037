import { checkAudioData } from '../media/audio-data.js';
import { type CaptionsData, checkCaptionsData } from '../media/captions.js';
import { sourceCodec } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import type { MediaValue, StreamValue } from '../media/media-value.js';
import { checkVideoFrame } from '../media/video-frame.js';
import { kindOf, type DriverPublish } from './driver.js';

const VALUE_KINDS: ReadonlySet<unknown> = new Set<StreamValue['kind']>([
  'audio',
  'video',
  'encoded-audio',
  'encoded-video',
  'captions',
]);

/** What a publisher was set up for. Where its codec is that of its source, the first picture that is taken says which. */
export class PublishedFormat {
  #request: DriverPublish;

  constructor(request: DriverPublish) {
    this.#request = request;
  }

  /** Refuses what it was not set up for, naming what it takes and what came. Errors: SLUICE_FORMAT_MISMATCH. */
  check(value: StreamValue): void {
    checkPublished(value, this.#request);
  }

  /** As `check`, for a value that will be sent. */
  take(value: StreamValue): void {
    this.check(value);
    if (this.#request.videoCodec !== 'source' || (value.kind !== 'video' && value.kind !== 'encoded-video')) return;
    this.#request = { ...this.#request, videoCodec: sourceCodec(value) };
  }
}

function checkPublished(value: StreamValue, request: DriverPublish): void {
  if (!VALUE_KINDS.has(value.kind)) {
    throw mismatch(
      'what was written is neither audio nor video nor captions',
      'Write AudioData, VideoFrame, encoded chunks or CaptionsData.',
    );
  }
  if (value.kind === 'captions') checkCaptions(value, request);
  else checkMedia(value, request);
}

function checkCaptions(captions: CaptionsData, request: DriverPublish): void {
  if (!request.captions) {
    throw mismatch('the publisher has no captions, and some were written', 'Publish with enableCaptions: true.');
  }
  checkCaptionsData(captions);
}

function checkMedia(value: MediaValue, request: DriverPublish): void {
  const kind = kindOf(value);
  if (kind === 'audio' ? !request.hasAudio : !request.hasVideo) {
    throw mismatch(
      `the publisher has no ${kind}, and ${value.kind} was written`,
      `Publish with ${kind === 'audio' ? 'hasAudio' : 'hasVideo'}: true.`,
    );
  }
  switch (value.kind) {
    case 'audio': {
      checkAudioData(value);
      const { sampleRate, numberOfChannels } = request.audio;
      if (value.sampleRate === sampleRate && value.numberOfChannels === numberOfChannels) return;
      const came = `${value.sampleRate} Hz and ${value.numberOfChannels} channel(s)`;
      throw mismatch(
        `the publisher takes audio of ${sampleRate} Hz and ${numberOfChannels} channel(s), not of ${came}`,
        'Put a resampler in front of it, or set av.audioPublisher.',
      );
    }
    case 'video': {
      checkVideoFrame(value);
      const { resolution, format } = request.video;
      if (value.width === resolution.width && value.height === resolution.height && value.format === format) return;
      const came = `${value.format} of ${value.width}x${value.height}`;
      throw mismatch(
        `the publisher takes ${format} of ${resolution.width}x${resolution.height}, not ${came}`,
        'Put a scaler in front of it, or set av.videoPublisher.',
      );
    }
    case 'encoded-audio':
      if (value.duration > 0) return;
      throw mismatch('an encoded audio chunk without a duration cannot be sent', 'Set its duration in microseconds.');
    case 'encoded-video':
      if (request.videoCodec === 'source' || value.codec === request.videoCodec) return;
      throw mismatch(
        `the publisher sends ${request.videoCodec}, not ${value.codec}`,
        'Publish with the videoCodec of the chunks, or `source`; in a pipeline that is the `codec` of the publisher.',
      );
  }
}

function mismatch(message: string, mend: string): SluiceError {
  return new SluiceError('SLUICE_FORMAT_MISMATCH', message, { mend });
}
