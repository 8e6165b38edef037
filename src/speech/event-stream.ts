import { SluiceError } from '../media/errors.js';

/** No event is longer, nor a line, in characters. */
const MAX_EVENT = 1_000_000;

/**
 * The data of server-sent events (WHATWG HTML, 9.2) that come in parts of any length, an event at a time, up to `[DONE]` or the end of
 * the stream. Errors: SLUICE_SPEECH_FAILED for an event without an end, and those of the stream.
 */
export async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data = '';
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data:')) data += `${data === '' ? '' : '\n'}${line.slice(5).trim()}`;
      if (line !== '' || data === '') continue;
      if (data === '[DONE]') return;
      yield data;
      data = '';
    }
    if (rest.length + data.length > MAX_EVENT) throw endless();
  }
  if (rest.startsWith('data:')) data += rest.slice(5).trim();
  if (data !== '' && data !== '[DONE]') yield data;
}

function endless(): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', 'a service sent an event without an end', {
    found: `more than ${MAX_EVENT} characters`,
    retryable: false,
    mend: 'Look at the service.',
  });
}
