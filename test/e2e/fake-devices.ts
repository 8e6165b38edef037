import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openMediaFile } from '../../src/codecs/media-file.js';
import { drawPattern } from '../../src/media/pattern.js';

/** What Chromium takes for its microphone and camera; both start again at their end. */
export interface FakeDevices {
  readonly audioFile: string;
  readonly videoFile: string;
  /** The speech, mono, at `sampleRate`. */
  readonly speech: Int16Array;
  readonly sampleRate: number;
  readonly fps: number;
}

const SAMPLE_RATE = 16_000;
const WIDTH = 640;
const HEIGHT = 360;
const FPS = 15;
const PICTURES = 300;

/** Writes a speech clip as WAV, and a numbered pattern of 20 s as raw video, into `folder`. */
export async function makeFakeDevices(speechFile: string, folder: string): Promise<FakeDevices> {
  const speech = await readSpeech(speechFile);
  const audioFile = join(folder, 'speech.wav');
  const videoFile = join(folder, 'pattern.y4m');
  writeWav(audioFile, speech);
  writePattern(videoFile);
  return { audioFile, videoFile, speech, sampleRate: SAMPLE_RATE, fps: FPS };
}

async function readSpeech(path: string): Promise<Int16Array> {
  const reader = (await openMediaFile(path)).read({
    audio: { sampleRate: SAMPLE_RATE, numberOfChannels: 1 },
    video: false,
  });
  const chunks: Int16Array[] = [];
  for await (const value of reader) if (value.kind === 'audio') chunks.push(value.data);
  const all = new Int16Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

function writeWav(path: string, samples: Int16Array): void {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(SAMPLE_RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.byteLength, 40);
  const file = openSync(path, 'w');
  writeSync(file, header);
  writeSync(file, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
  closeSync(file);
}

function writePattern(path: string): void {
  const file = openSync(path, 'w');
  writeSync(file, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420jpeg\n`);
  for (let number = 0; number < PICTURES; number++) {
    writeSync(file, 'FRAME\n');
    writeSync(file, drawPattern(number, WIDTH, HEIGHT));
  }
  closeSync(file);
}
