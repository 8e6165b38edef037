// Says what everyone says in German, each in a stream of their own: GRAMMAR=home.gram node examples/interpret.js. Needs pocketsphinx,
// espeak-ng, and a language model: Ollama, or LLM_URL=http://host/v1.
import { graph, runGraph } from 'sluice';

const interpreter = graph({
  sessions: { room: { sessionId: 'demo', name: 'Interpreter' } },
  nodes: {
    voices: { type: 'subscriber', media: 'audio', streams: 'each' },
    speech: { type: 'vad', from: 'voices' },
    words: { type: 'stt-exec', preset: 'pocketsphinx', grammar: '${GRAMMAR:-}', from: ['voices', 'speech'] },
    german: {
      type: 'llm-openai',
      from: 'words',
      history: 'none',
      baseUrl: '${LLM_URL:-http://127.0.0.1:11434/v1}',
      model: 'llama3.2',
      instructions: 'Translate to German.',
    },
    voice: { type: 'tts-exec', preset: 'espeak-ng', voice: 'de', from: 'german' },
    out: { type: 'publisher', name: '{name} (German)', captions: true, from: ['voice.out', 'voice.words'] },
  },
});
const run = await runGraph(interpreter);
process.once('SIGINT', () => void run.stop());
await run.finished;
