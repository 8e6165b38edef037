import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import t from 'tap';
import { eventsOf } from '../../../src/speech/event-stream.js';
import type { LanguageModel } from '../../../src/speech/language-model.js';
import { openaiLlm } from '../../../src/speech/llm/openai.js';
import { callTool } from '../../../src/speech/llm/tools.js';
import { testContext } from '../../nodes/node-lab.js';
import { SUITE_RULES, ask, llmSuite } from '../llm-suite.js';
import { chatServer, type ChatServer } from '../services/chat.js';

function model(server: ChatServer, manner?: Parameters<ChatServer['url']>[0], options: object = {}): LanguageModel {
  const parsed = openaiLlm.options.parse({ baseUrl: server.url(manner), apiKey: 'sk-secret', ...options });
  return openaiLlm.create(parsed, testContext({ baseDir: '/' }));
}

t.test('a service with the API of OpenAI', async (t) => {
  const server = await chatServer(SUITE_RULES);
  t.teardown(() => server.close());
  await llmSuite(t, {
    create: () => model(server),
    open: () => server.open,
    rest: () => {
      server.rest();
    },
    hanging: () => model(server, 'hanging'),
    failing: {
      'a service that hangs': {
        create: () => model(server, 'hanging', { timeoutMs: 100 }),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: true,
      },
      'one that stops in the middle': {
        create: () => model(server, 'stuck', { timeoutMs: 100 }),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: true,
      },
      'one that dies': { create: () => model(server, 'dying'), code: 'SLUICE_SPEECH_FAILED', retryable: true },
      'an answer that is cut off': {
        create: () => model(server, 'cut'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: true,
      },
      'one that limits how often it is asked': {
        create: () => model(server, 'limited'),
        code: 'SLUICE_SERVICE_REFUSED',
        retryable: true,
      },
      'a key that is not taken': {
        create: () => model(server, 'locked'),
        code: 'SLUICE_SERVICE_REFUSED',
        retryable: false,
      },
      'one that is broken': { create: () => model(server, 'broken'), code: 'SLUICE_SPEECH_FAILED', retryable: true },
      'what is no answer': { create: () => model(server, 'nonsense'), code: 'SLUICE_SPEECH_FAILED', retryable: true },
      'an answer without an end': {
        create: () => model(server, 'endless'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: false,
      },
      'an event without an end': {
        create: () => model(server, 'endless-lines'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: false,
      },
      'an answer without an end, of events': {
        create: () => model(server, 'endless-answer'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: false,
      },
      'an error in the middle': {
        create: () => model(server, 'failing'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: true,
      },
    },
  });
});

t.test('is asked with the key, which is in no error, and with what it is to know', async (t) => {
  const server = await chatServer(SUITE_RULES);
  t.teardown(() => server.close());
  const asked = model(server, 'well', { model: 'tiny', instructions: 'Be brief.', temperature: 0, maxTokens: 99 });
  await ask(asked, [
    { role: 'user', text: 'hello', name: 'Ann' },
    { role: 'assistant', text: 'Good morning.' },
    { role: 'user', text: 'count', name: 'Bob' },
  ]);
  t.match(server.requests, [
    {
      model: 'tiny',
      temperature: 0,
      max_tokens: 99,
      stream: true,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Ann: hello' },
        { role: 'assistant', content: 'Good morning.' },
        { role: 'user', content: 'Bob: count' },
      ],
    },
  ]);
  t.equal(server.keys[0], 'Bearer sk-secret');
  const error = (await ask(model(server, 'locked'), 'hello').catch((thrown: unknown) => thrown)) as Error;
  t.match(error.message, /Incorrect key/);
  t.notMatch(JSON.stringify(error) + String(error.stack), /sk-secret/);
  const echoed = (await ask(model(server, 'echoing'), 'hello').catch((thrown: unknown) => thrown)) as Error;
  t.match(echoed.message, /no room for Bearer \*\*\*/, 'also where it comes back in the middle of an answer');
  t.notMatch(inspect(echoed), /sk-secret/);
});

t.test('an address with a user, as no request takes, is refused before it is asked', (t) => {
  const parse = (baseUrl: string): unknown => openaiLlm.options.parse({ baseUrl, model: 'tiny' });
  for (const url of ['http://bob:secret@127.0.0.1/v1', 'https://:secret@api.example.com/v1'])
    t.throws(() => parse(url), { message: /without a user: the key is `apiKey`/ });
  t.doesNotThrow(() => parse('http://127.0.0.1:11434/v1'));
  t.end();
});

t.test('a limit that is over soon is waited for', async (t) => {
  const server = await chatServer(SUITE_RULES);
  t.teardown(() => server.close());
  t.equal((await ask(model(server, 'limited-once'), 'hello')).answer.text, 'Good morning.');
  t.equal(server.requests.length, 2);
});

t.test('calls functions of a module, and tells the model what they gave', async (t) => {
  const server = await chatServer(SUITE_RULES);
  t.teardown(() => server.close());
  const baseDir = t.testdir();
  const tool = (body: string): string => `export const weather = {
    name: 'weather', description: 'Tells the weather.', parameters: { type: 'object', properties: { city: { type: 'string' } } },
    call: async ({ city }) => { ${body} },
  };`;
  await writeFile(join(baseDir, 'good.mjs'), tool("return { city, sky: 'blue' }"));
  await writeFile(join(baseDir, 'bad.mjs'), tool("throw new Error('no such city')"));
  await writeFile(join(baseDir, 'none.mjs'), 'export const weather = 7');
  const calling = (tools: string): LanguageModel =>
    openaiLlm.create(openaiLlm.options.parse({ baseUrl: server.url('calling'), tools }), testContext({ baseDir }));
  const { answer } = await ask(calling('good.mjs'), 'Oslo');
  t.equal(answer.text, 'The tool says: {"city":"Oslo","sky":"blue"}');
  t.match(answer.calls, [
    { role: 'assistant', calls: [{ id: 'call_1', name: 'weather', arguments: '{"city": "Oslo"}' }] },
    { role: 'tool', callId: 'call_1', text: '{"city":"Oslo","sky":"blue"}' },
  ]);
  t.match(server.requests.at(-1)?.messages, [{}, { tool_calls: [{ id: 'call_1' }] }, { tool_call_id: 'call_1' }]);
  t.equal((await ask(calling('bad.mjs'), 'Oslo')).answer.text, 'The tool says: error: no such city');
  await t.rejects(ask(calling('none.mjs'), 'Oslo'), { code: 'SLUICE_CONFIG_INVALID', mend: /export const weather/ });
  await t.rejects(ask(calling('nowhere.mjs'), 'Oslo'), { code: 'SLUICE_FILE_NOT_FOUND' });
});

t.test('a model that calls functions for ever is asked no oftener than it may call', async (t) => {
  const server = await chatServer(SUITE_RULES);
  t.teardown(() => server.close());
  const called: unknown[] = [];
  const weather = {
    name: 'weather',
    description: 'Tells the weather.',
    parameters: { type: 'object' },
    call: (argument: unknown) => called.push(argument),
  };
  const asked = model(server, 'calling-on', { maxToolRounds: 3 }).answer(
    { messages: [{ role: 'user', text: 'Oslo' }], tools: [weather], onText: () => undefined },
    new AbortController().signal,
  );
  await t.rejects(asked, { code: 'SLUICE_SPEECH_FAILED', message: /calls functions and does not answer/ });
  t.equal(called.length, 3);
  t.equal(server.requests.length, 4);
  t.equal(server.requests.at(-1)?.tools, undefined, 'in the end it is offered none');
});

t.test('a call that nobody waits for any more is not begun', async (t) => {
  const reason = new Error('spoken to');
  const deaf = { name: 'deaf', description: '', parameters: {}, call: () => new Promise(() => undefined) };
  const call = { id: '1', name: 'deaf', arguments: '{}' };
  await t.rejects(callTool([deaf], call, AbortSignal.abort(reason)), reason);
  const abort = new AbortController();
  const called = callTool([deaf], call, abort.signal);
  abort.abort(reason);
  await t.rejects(called, reason, 'and one that has begun is not waited for');
});

t.test('events are put together from parts of any length', async (t) => {
  const stream = Buffer.from(
    ': a comment\r\ndata: one\r\n\r\nevent: x\ndata: two\ndata: lines\n\n\ndata: ü\n\ndata: [DONE]\n\ndata: no\n\n',
  );
  for (const length of [1, 2, 3, 7, 1000]) {
    async function* parts(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < stream.length; at += length) yield stream.subarray(at, at + length);
    }
    const events: string[] = [];
    for await (const event of eventsOf(parts())) events.push(event);
    t.same(events, ['one', 'two\nlines', 'ü'], `parts of ${length}`);
  }
});
