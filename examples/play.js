// Plays a media file into a session, and leaves when it is over: node examples/play.js [file]
import { pipeline } from 'node:stream/promises';
import { connect } from 'sluice';
import { file } from 'sluice/nodes';

const path = process.argv[2] ?? 'pipelines/media/speech.ogg';
const session = await connect({ sessionId: 'demo', name: 'Player' });
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const clip = await file({ path });
const publisher = await session.publish({ name: 'Player', hasVideo: false });
try {
  await pipeline(clip.output('audio'), publisher.audio, { signal: stop.signal });
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  await session.disconnect();
}
