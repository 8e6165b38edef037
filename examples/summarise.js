// Prints what everyone said, and a summary of it, when it is stopped: GRAMMAR=home.gram node examples/summarise.js. Needs pocketsphinx,
// and a language model: Ollama, or LLM_URL=http://host/v1.
import { graph, runGraph } from 'sluice';
import { Writable } from 'node:stream';

const secretary = graph({
  sessions: { room: { sessionId: 'demo', name: 'Secretary' } },
  nodes: {
    voices: { type: 'subscriber', media: 'audio', streams: 'each' },
    speech: { type: 'vad', from: 'voices' },
    words: { type: 'stt-exec', preset: 'pocketsphinx', grammar: '${GRAMMAR:-}', from: ['voices', 'speech'] },
    minutes: { type: 'gather', from: 'words' },
    summary: {
      type: 'llm-openai',
      from: 'minutes',
      baseUrl: '${LLM_URL:-http://127.0.0.1:11434/v1}',
      model: 'llama3.2',
      instructions: 'Sum up this conversation in a few sentences.',
    },
    everything: { type: 'output', from: 'minutes' },
    short: { type: 'output', from: 'summary' },
  },
});
const printer = (end = '') =>
  new Writable({
    objectMode: true,
    write: ({ text }, _encoding, done) => void process.stdout.write(text + end, done),
  });
// What was said comes as one text, the summary as it is written.
const run = await runGraph(secretary, { outputs: { everything: printer('\n'), short: printer() } });
process.once('SIGINT', () => void run.stop());
await run.finished;
console.log();
