// Prints how loud each participant is, ten times a second.
import { connect } from 'sluice';

const session = await connect({ sessionId: 'demo', name: 'Meter' });
process.once('SIGINT', () => void session.disconnect());
session.on('streamReceived', async (stream) => {
  if (!stream.hasAudio) return;
  const subscriber = await session.subscribe(stream, { subscribeToVideo: false });
  let periods = 0;
  for await (const audio of subscriber.audio) {
    if (audio.kind !== 'audio' || periods++ % 5 !== 0) continue;
    const peak = Math.max(...audio.data);
    console.log(stream.name.padEnd(16), '#'.repeat(Math.round(peak / 1024)));
  }
});
