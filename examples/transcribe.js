// Prints what each participant says: GRAMMAR=lamp.gram node examples/transcribe.js. Needs pocketsphinx.
import { pipeline } from 'node:stream/promises';
import { connect } from 'sluice';
import { resampler, sttExec, tee, vad } from 'sluice/nodes';

const session = await connect({ sessionId: 'demo', name: 'Scribe' });
process.once('SIGINT', () => void session.disconnect());
session.on('streamReceived', async (stream) => {
  if (!stream.hasAudio) return;
  const subscriber = await session.subscribe(stream, { subscribeToVideo: false });
  const voice = await tee();
  const text = await sttExec({ preset: 'pocketsphinx', grammar: process.env['GRAMMAR'] ?? '' });
  await Promise.all([
    pipeline(subscriber.audio, voice.input('in')),
    pipeline(voice.output('out'), resampler({ sampleRate: 16000, channels: 1 }), text.input('audio')),
    pipeline(voice.output('out'), resampler({ sampleRate: 48000, channels: 1 }), vad(), text.input('activity')),
    pipeline(text.output('out'), async (transcripts) => {
      for await (const said of transcripts) console.log(`${stream.name}: ${said.text}`);
    }),
  ]);
});
