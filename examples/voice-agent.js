// A voice agent that opens doors, and prints the conversation: GRAMMAR=home.gram node examples/voice-agent.js. Needs pocketsphinx and
// espeak-ng.
import { Writable } from 'node:stream';
import { graph, runGraph } from 'sluice';

const agent = graph({
  sessions: { room: { sessionId: 'demo', name: 'Agent' } },
  nodes: {
    voices: { type: 'subscriber', media: 'audio', streams: 'each' },
    speech: { type: 'vad', from: 'voices', minSilenceMs: 200 },
    words: { type: 'stt-exec', preset: 'pocketsphinx', grammar: '${GRAMMAR:-}', from: ['voices', 'speech'] },
    agent: {
      type: 'voice-agent',
      from: ['voices', 'speech', 'words'],
      llm: { type: 'rules', rules: [{ when: 'open the {thing}', answer: 'The {thing} is open.' }] },
      tts: { type: 'tts-exec', preset: 'espeak-ng', voice: 'en-us' },
    },
    bot: { type: 'publisher', captions: true, from: ['agent.audio', 'agent.captions'] },
    conversation: { type: 'output', from: 'agent.turns' },
  },
});
const conversation = new Writable({
  objectMode: true,
  write({ participant = 'Agent', text }, _encoding, done) {
    console.log(`${participant}: ${text}`);
    done();
  },
});
const run = await runGraph(agent, { outputs: { conversation } });
process.once('SIGINT', () => void run.stop());
await run.finished;
