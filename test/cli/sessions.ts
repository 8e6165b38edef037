import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import t from 'tap';
import { cli, pipelineFile, startCli } from './cli-lab.js';

const pipeline = (session: string): string =>
  `sessions:\n  room: ${session}\nnodes:\n  a: { type: tone, channels: 2, durationMs: 100 }\n  p: { type: publisher, from: a }`;
const run = async (session: string, env: Record<string, string> = {}): Promise<{ code: number; stderr: string }> =>
  cli(['run', (await pipelineFile(pipeline(session))).file], env);

await t.test('a server elsewhere needs a token or keys', async (t) => {
  const { code, stderr } = await run('{ url: "wss://example.invalid", sessionId: demo }');
  t.equal(code, 78);
  t.match(
    stderr,
    /:2:3: there is no token for example\.invalid, and no key to sign one \[SLUICE_TOKEN_MISSING\]\n {2}Give the session a token/,
  );
  t.match(await run('{ url: "ws://127.0.0.1:9,wss://example.invalid", sessionId: demo }'), {
    code: 78,
    stderr: /no token for example\.invalid/,
  });
  t.match(await run('{ url: "wss://example.invalid", sessionId: demo, apiKey: k }'), {
    code: 78,
    stderr: /has an apiKey only/,
  });
});

await t.test('an address that is none, a port that is none, settings that are none', async (t) => {
  t.match(await run('{ url: nonsense, sessionId: demo }'), { code: 78, stderr: /is no address/ });
  t.match(await run('{ sessionId: demo }', { SLUICE_PORT: 'x' }), { code: 78, stderr: /SLUICE_PORT is no port/ });
  t.match(await run('{ sessionId: demo, settings: { av: { audioSubscribersMix: { sampleRate: 7 } } } }'), {
    code: 78,
    stderr: /:2:\d+: entry "sessions\.room\.settings\.av\.audioSubscribersMix\.sampleRate"/,
  });
});

await t.test('a Vonage session says how to get the package that it needs', async (t) => {
  const session = '{ driver: vonage, sessionId: demo, applicationId: app, token: t }';
  t.match(await run(session), {
    code: 1,
    stderr:
      /@vonage\/video-connector is not installed \[SLUICE_DRIVER_UNAVAILABLE\]\n {2}Run `npm install @vonage\/video-connector`\./,
  });
});

await t.test('a session without a URL starts the embedded server, which is closed at the end', async (t) => {
  const { file } = await pipelineFile(pipeline('{ sessionId: "demo 1" }'));
  const { code, stdout, stderr } = await cli(['run', file], { SLUICE_PORT: '0' });
  t.equal(code, 0, stderr);
  const page =
    /Open (http:\/\/127\.0\.0\.1:\d+)\/\?session=demo%201 to join session "demo 1"\.\n$/.exec(stdout)?.[1] ?? '';
  t.ok(page, stdout);
  await t.rejects(fetch(page), 'nobody listens there any more');
});

await t.test('SIGINT while a server does not answer', async (t) => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const { file } = await pipelineFile(pipeline(`{ url: "ws://127.0.0.1:${port}", sessionId: demo }`));
  for (const signals of [1, 2]) {
    const running = startCli(['run', file]);
    const [socket] = (await once(silent, 'connection')) as [Socket];
    socket.on('error', () => undefined);
    for (let signal = 0; signal < signals; signal++) running.interrupt();
    const { code, stderr } = await running.result;
    t.equal(code, 0, stderr);
    t.match(stderr, /stopped after/, `${signals} of them`);
  }
  silent.close();
});
