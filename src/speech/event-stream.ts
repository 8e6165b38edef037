import { SluiceError } from '../media/errors.js';

/** No line of an answer is longer, in characters. */
const MAX_LINE = 1_000_000;

/**
 * The data of server-sent events (WHATWG HTML, 9.2) that come in parts of any length, an event at a time, up to `[DONE]` or the end of
 * the stream. Errors: SLUICE_SPEECH_FAILED for a line without an end, and those of the stream.
 */
export async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data = '';
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw endless();
    for (const line of lines) {
      if (line.startsWith('data:')) data += `${data === '' ? '' : '\n'}${line.slice(5).trimStart()}`;
      if (line !== '' || data === '') continue;
      if (data === '[DONE]') return;
      yield data;
      data = '';
    }
  }
  if (rest.startsWith('data:')) data += rest.slice(5).trimStart();
  if (data !== '' && data !== '[DONE]') yield data;
}

function endless(): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', 'a service sent a line without an end', {
    found: `more than ${MAX_LINE} characters`,
    retryable: false,
    mend: 'Look at the service.',
  });
}
