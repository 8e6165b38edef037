import { defineNode } from '../media/node.js';
import { answering } from '../speech/answering.js';
import { execLlm } from '../speech/llm/exec.js';

/**
 * Answers texts and final transcripts by a program that is run for each of them and gets the conversation on its standard input. What
 * comes out is text word by word as the program prints it, the last piece of which is empty and final. Measures `first token`. Errors:
 * SLUICE_PROGRAM_MISSING and SLUICE_SPEECH_FAILED are logged, and what was asked is counted.
 */
export const llmExec = defineNode({
  ...answering(execLlm),
  summary: 'Answers by a program that is run for each answer.',
  example: `nodes:
  lines:  { type: text-lines, path: lines.txt }
  german: { type: llm-exec, from: lines, history: none, input: text, command: [ollama, run, llama3.2], instructions: Translate to German. }
  file:   { type: txt, from: german, path: out/german.txt }`,
});
