// A bot as it is written for @vonage/video-connector: answers with a tone when somebody has spoken, stops when somebody speaks
// again, and shows their picture in grey. node examples/vonage.js [session id] [token]
import { VonageVideoClient } from 'sluice/vonage';

const [sessionId = 'demo', token = ''] = process.argv.slice(2);
const picture = { width: 640, height: 480, fps: 30, format: /** @type {const} */ ('YUV420P') };
const voice = { sampleRate: /** @type {const} */ (16000), channels: /** @type {const} */ (1) };
const client = new VonageVideoClient();
process.once('SIGINT', () => void client.disconnect());

let quietMs = Infinity;
const session = await client.connect('an-application', sessionId, token, {
  sessionSettings: {
    av: { audioPublisher: voice, audioSubscribersMix: voice, videoPublisher: picture },
    logging: { level: 'WARN' },
  },
  onError: (session, description, code) => console.error(`${session.sessionId}: ${description} (${code})`),
  onAudioData: (_session, audio) => listen(audio),
  onStreamReceived: async (_session, stream) => {
    console.log(`received ${stream.streamId}`);
    await client.subscribe(stream, { onRenderFrame: (_subscriber, frame) => show(frame) });
  },
  onStreamDropped: (_session, stream) => console.log(`dropped ${stream.streamId}`),
  onReadyForAudio: () => console.log('ready'),
  onMediaBufferDrained: (stats) => console.log('drained', stats),
});
await client.publish({
  settings: { name: 'Answer', audioSettings: { enableStereoMode: false, enableOpusDtx: true } },
  onError: (_publisher, description, code) => console.error(`${description} (${code})`),
});
console.log(`in session ${session.sessionId} as ${client.getConnection()?.connectionId}`);

/**
 * Answers when it has been quiet for 300 ms, and stops when it is not.
 * @param {import('sluice/vonage').AudioData} audio 10 ms of what everybody says
 */
function listen({ data, numberOfFrames }) {
  let peak = 0;
  for (let i = 0; i < numberOfFrames; i++) peak = Math.max(peak, Math.abs(data.readInt16LE(2 * i)));
  if (peak > 1500) {
    quietMs = 0;
    if (client.getMediaBufferStats().audio?.durationMs) client.clearMediaBuffers();
  } else if ((quietMs += 10) === 300) client.addAudio(tone(1000));
}

/** @param {number} ms */
function tone(ms) {
  const numberOfFrames = (voice.sampleRate * ms) / 1000;
  const data = Buffer.alloc(2 * numberOfFrames);
  for (let i = 0; i < numberOfFrames; i++) {
    data.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 440 * i) / voice.sampleRate)), 2 * i);
  }
  return { data, sampleRate: voice.sampleRate, numberOfChannels: voice.channels, numberOfFrames };
}

/**
 * Publishes a picture without its colours; those of another size than was announced are left out.
 * @param {import('sluice/vonage').VideoFrame} frame
 */
function show({ data, width, height, format }) {
  if (width !== picture.width || height !== picture.height) return;
  client.addVideo({ data: Buffer.from(data).fill(128, width * height), width, height, format });
}
