// Records the voice of each participant into a file of their own, as it was sent, until it is stopped.
import { pipeline } from 'node:stream/promises';
import { connect } from 'sluice';
import { recorder } from 'sluice/nodes';

const session = await connect({ sessionId: 'demo', name: 'Recorder' });
process.once('SIGINT', () => void session.disconnect());
session.on('streamReceived', async (stream) => {
  const subscriber = await session.subscribe(stream, { encoded: true, subscribeToVideo: false });
  const file = await recorder({ path: `out/${stream.name}-${Date.now()}.webm` });
  await pipeline(subscriber.audio, file.input('audio'));
  console.log(`recorded ${stream.name}`);
});
