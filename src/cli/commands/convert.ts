import { extname } from 'node:path';
import { checkWritten } from '../../graph/load.js';
import { writeLine } from '../../graph/notation/write-line.js';
import { writeProgram } from '../../graph/notation/write-program.js';
import { normalGraph, writeJson, writeYaml } from '../../graph/notation/write-text.js';
import { usage } from '../arguments.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { LINE_OPTION, graphChoice, readAnyGraph } from '../read-graph.js';
import { shippedFileFrom } from '../shipped-file.js';
import { showErrors } from '../show-error.js';
import { writeTextFile } from '../write-file.js';

const NOTATIONS = ['yaml', 'json', 'ts', 'line'] as const;
type Notation = (typeof NOTATIONS)[number];

export const convertCommand: Command = {
  name: 'convert',
  summary:
    'Writes a pipeline in another notation: YAML, JSON, TypeScript, or one line. Variables and paths stay as they are.',
  positionals: '[file]',
  options: {
    to: {
      type: 'string',
      value: NOTATIONS.join('|'),
      description: 'Notation to write; what --output ends in when left out.',
    },
    output: { type: 'string', short: 'o', value: 'file', description: 'File to write, instead of standard output.' },
    line: LINE_OPTION,
  },
  example: 'sluice convert pipelines/echo.yaml --to ts',
  async run(args, io) {
    const output = args.text('output');
    const to = notationOf(args.text('to') ?? (output === undefined ? '' : extname(output).slice(1)));
    const { written } = await readAnyGraph(graphChoice(args, convertCommand));
    const problems = checkWritten(written);
    if (problems.length > 0) return showErrors(problems, io, args.flag('json'));
    const text = writers(output)[to](written.value, written.file);
    if (output !== undefined) await writeTextFile(output, text);
    if (args.flag('json')) io.stdout.write(`${JSON.stringify({ notation: to, text, output: output ?? null })}\n`);
    else if (output === undefined) io.stdout.write(text);
    return EXIT_CODES.ok;
  },
};

function notationOf(text: string): Notation {
  const wanted = { yml: 'yaml', mts: 'ts', mjs: 'ts', js: 'ts' }[text] ?? text;
  const notation = NOTATIONS.find((one) => one === wanted);
  if (notation) return notation;
  throw usage(
    text === '' ? 'convert needs --to, or --output' : `unknown notation "${text}"; there are ${NOTATIONS.join(', ')}`,
    convertCommand,
  );
}

function writers(output: string | undefined): Record<Notation, (value: unknown, file: string) => string> {
  return {
    yaml: (value) => writeYaml(normalGraph(value), shippedFileFrom(output ?? 'pipeline.yaml', 'pipelines/schema.json')),
    json: (value) => writeJson(normalGraph(value)),
    ts: (value) => writeProgram(normalGraph(value)),
    line: (value, file) => `${writeLine(normalGraph(value), { file })}\n`,
  };
}
