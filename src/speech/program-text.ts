import { SluiceError } from '../media/errors.js';
import { type ProgramOptions, runProgram } from './program.js';

/** What a program prints is read up to here, in bytes. */
const MAX_PRINTED = 1_000_000;

/**
 * Runs a program to its end, and tells the text that it prints as it comes. Errors: as `runProgram`, what `onText` throws, and
 * SLUICE_SPEECH_FAILED where it prints more than a megabyte.
 */
export async function readProgram(
  options: Omit<ProgramOptions, 'onOutput'>,
  onText: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let printedBytes = 0;
  await runProgram({
    ...options,
    onOutput: (bytes) => {
      printedBytes += bytes.length;
      if (printedBytes > MAX_PRINTED) throw tooMuch(options.command);
      onText(decoder.decode(bytes, { stream: true }));
    },
  });
  onText(decoder.decode());
}

function tooMuch([name = '']: readonly string[]): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', `"${name}" printed more than ${MAX_PRINTED} bytes`, {
    retryable: false,
    mend: 'Let it print the text alone.',
  });
}
