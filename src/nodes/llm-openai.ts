import { defineNode } from '../media/node.js';
import { answering } from '../speech/answering.js';
import { openaiLlm } from '../speech/llm/openai.js';

/**
 * Answers texts and final transcripts by a service with OpenAI's API for chat completions; a model may call functions of a module. What
 * comes out is text in pieces as the service gives them, the last of which is empty and final. A request that fails before anything has
 * come is made up to twice again. Measures `first token`. Errors: SLUICE_SERVICE_REFUSED and SLUICE_SPEECH_FAILED are logged, and what was
 * asked is counted.
 */
export const llmOpenai = defineNode({
  ...answering(openaiLlm),
  summary: 'Answers by a language model with the API of OpenAI, as Ollama, llama.cpp and vLLM have it.',
  example: `nodes:
  lines:  { type: text-lines, path: lines.txt }
  german: { type: llm-openai, from: lines, history: none, baseUrl: "http://127.0.0.1:11434/v1", model: llama3.2, instructions: Translate to German. }
  file:   { type: txt, from: german, path: out/german.txt }`,
});
