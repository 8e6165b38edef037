// Says the lines of its standard input in a session, with captions, and leaves: echo hello | node examples/speak.js. Needs espeak-ng.
import { pipeline } from 'node:stream/promises';
import { connect } from 'sluice';
import { textLines, ttsExec } from 'sluice/nodes';

const session = await connect({ sessionId: 'demo', name: 'Speaker' });
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const publisher = await session.publish({ name: 'Speaker', hasVideo: false, enableCaptions: true });
const voice = ttsExec({ preset: 'espeak-ng', voice: 'en-us', sampleRate: 48000, channels: 2 });
voice.words.pipe(publisher.captions);
try {
  await pipeline(textLines(), voice, publisher.audio, { signal: stop.signal });
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  await session.disconnect();
}
