import { defineNode } from '../media/node.js';
import { answering } from '../speech/answering.js';
import { rulesLlm } from '../speech/llm/rules.js';

/**
 * Answers texts and final transcripts by patterns, in the options or in a file; the first rule that matches counts. Needs no network and no
 * model, and answers the same every time. What comes out is text in pieces, the last of which is empty and final. Measures
 * `first token`. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_SYNTAX and SLUICE_CONFIG_INVALID with the place in the file of rules.
 */
export const rules = defineNode({
  ...answering(rulesLlm),
  summary: 'Answers by patterns, without a network.',
  example: `nodes:
  lines: { type: text-lines, path: lines.txt }
  answers:
    type: rules
    from: lines
    rules:
      - { when: '(hello | good morning) *', answer: Good morning. }
      - { when: '[please] turn on the {thing}', answer: ['The {thing} is on.', 'The {thing} is on already.'] }
    default: I did not understand that.
  file: { type: jsonl, from: answers, path: out/answers.jsonl }`,
});
