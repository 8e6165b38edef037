// Says what is due at its time in a session, with captions, and leaves when nothing is due any more. Needs espeak-ng.
import { pipeline } from 'node:stream/promises';
import { connect } from 'sluice';
import { schedule, ttsExec } from 'sluice/nodes';

const session = await connect({ sessionId: 'demo', name: 'Announcer' });
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const publisher = await session.publish({ name: 'Announcer', hasVideo: false, enableCaptions: true });
const times = await schedule({
  entries: [
    { text: 'Welcome.' },
    { atMs: 5000, text: 'The door closes in five seconds.' },
    { atMs: 10000, text: 'Goodbye.' },
  ],
});
const voice = ttsExec({ preset: 'espeak-ng', voice: 'en-us', sampleRate: 48000, channels: 2 });
voice.words.pipe(publisher.captions);
try {
  await pipeline(times.output('texts'), voice, publisher.audio, { signal: stop.signal });
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  await session.disconnect();
}
