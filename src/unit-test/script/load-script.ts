import { openMediaFile } from '../../codecs/media-file.js';
import { concatSamples, gainOfDb, levelDbfs } from '../../media/pcm.js';
import { pathFrom } from '../../media/path-template.js';
import { parseColour, yuvOf } from '../colour.js';
import type { ParticipantScript } from '../room/participant.js';
import type { AudioPart as AudioConfig, ParticipantConfig, VideoPart as VideoConfig } from '../test-schema.js';
import { AudioScript, type AudioPart } from './audio-script.js';
import { SCRIPT_FORMAT, frameAt } from './script-format.js';
import { VideoScript } from './video-script.js';

const TONE_DBFS = -12;
const FULL_SCALE = 32_767;

/** Makes ready what a participant does. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_FILE_UNDECODABLE. */
export async function loadParticipant(
  name: string,
  config: ParticipantConfig,
  baseDir: string,
): Promise<ParticipantScript> {
  const { joinMs, leaveMs = Infinity, data, audio, video, captions, muted } = config;
  return {
    name,
    joinMs,
    leaveMs,
    data,
    ...(audio && { audio: await loadAudioScript(audio, baseDir) }),
    ...(video && { video: videoScript(video) }),
    captions: captions.map(({ atMs, text, isFinal }) => ({ atMs, captions: { kind: 'captions', text, isFinal } })),
    muted: muted.map(({ media, fromMs, toMs = Infinity }) => ({ kind: media, fromMs, toMs })),
  };
}

/** Errors: SLUICE_FILE_NOT_FOUND, SLUICE_FILE_UNDECODABLE. */
export async function loadAudioScript(parts: readonly AudioConfig[], baseDir: string): Promise<AudioScript> {
  return new AudioScript(await Promise.all(parts.map((part) => loadPart(part, baseDir))));
}

export function videoScript(parts: readonly VideoConfig[]): VideoScript {
  return new VideoScript(
    parts.map(({ picture, width, height, fps, fromMs, toMs = Infinity }) => ({
      picture: picture === 'pattern' ? picture : yuvOf(parseColour(picture)),
      width,
      height,
      fps,
      fromUs: fromMs * 1000,
      toUs: toMs * 1000,
    })),
  );
}

/**
 * All the sound of a file, interleaved, at the rate of SCRIPT_FORMAT. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_FILE_UNDECODABLE.
 */
export async function loadSound(path: string, baseDir: string, numberOfChannels: 1 | 2): Promise<Int16Array> {
  const file = await openMediaFile(pathFrom(baseDir, path));
  const { sampleRate } = SCRIPT_FORMAT;
  const chunks: Int16Array[] = [];
  for await (const value of file.read({ audio: { sampleRate, numberOfChannels }, video: false })) {
    if (value.kind === 'audio') chunks.push(value.data);
  }
  return concatSamples(chunks);
}

async function loadPart(
  { tone, level = TONE_DBFS, file, fromMs, toMs }: AudioConfig,
  baseDir: string,
): Promise<AudioPart> {
  const times = { fromFrame: frameAt(fromMs), toFrame: toMs === undefined ? Infinity : frameAt(toMs) };
  if (tone !== undefined) return { ...times, samples: toneSamples(tone, level), loops: true, level };
  const samples = await loadSound(file ?? '', baseDir, SCRIPT_FORMAT.numberOfChannels);
  return { ...times, samples, loops: false, level: levelDbfs(samples) };
}

/** A second of a tone: whole periods, so that it can be repeated. */
function toneSamples(frequency: number, level: number): Int16Array {
  const { sampleRate, numberOfChannels } = SCRIPT_FORMAT;
  const samples = new Int16Array(sampleRate * numberOfChannels);
  const peak = FULL_SCALE * gainOfDb(level);
  for (let frame = 0; frame < sampleRate; frame++) {
    const sample = Math.round(peak * Math.sin((2 * Math.PI * frequency * frame) / sampleRate));
    samples.fill(sample, frame * numberOfChannels, (frame + 1) * numberOfChannels);
  }
  return samples;
}
