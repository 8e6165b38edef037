// Runs every example against one server: somebody plays, and the others hear it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RoomServiceClient } from 'livekit-server-sdk';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'sluice-examples-'));
const failures = [];

const server = run(['dist/cli/main.js', 'serve', '--port', '0', '--json'], root, {});
const { url } = JSON.parse(await firstLine(server));
const env = { SLUICE_URL: url };
const names = ['echo', 'levels', 'record', 'vonage'];
const listeners = names.map((name) => run([join(root, 'examples', `${name}.js`)], folder, env));
writeFileSync(
  join(folder, 'home.gram'),
  '#JSGF V1.0;\ngrammar home;\npublic <command> = turn on the light | open the door | good night;\n',
);
const scribe = run([join(root, 'examples', 'transcribe.js')], folder, { ...env, GRAMMAR: join(folder, 'home.gram') });
const clip = join(root, 'pipelines', 'media', 'speech.ogg');
const player = run([join(root, 'examples', 'play.js'), clip], folder, env);
check('play ends by itself', (await ended(player)).code === 0);
const speaker = run([join(root, 'examples', 'speak.js')], folder, env, 'turn on the light\ngood night\n');
check('speak ends with its input', (await ended(speaker)).code === 0);
const announcer = run([join(root, 'examples', 'announce.js')], folder, env);
check('announce ends with what is due', (await ended(announcer)).code === 0);
await stops('play', 'Player', clip);
await stops('speak', 'Speaker');
await stops('announce', 'Announcer');
await printed(scribe, 'Speaker: good night');
const commands = ['turn on the light', 'good night'];
check(
  'transcribe understands what speak says',
  commands.every((command) => scribe.output.includes(`Speaker: ${command}\n`)),
);
scribe.child.kill('SIGINT');
check('transcribe ends on SIGINT', (await ended(scribe)).code === 0);
for (const listener of listeners) listener.child.kill('SIGINT');
const results = await Promise.all(listeners.map(ended));
results.forEach(({ code }, i) => check(`${names[i]} ends on SIGINT (it gave ${code})`, code === 0));
check('levels shows the voice', /Player +#{5,}/.test(results[1].output));
check(
  'vonage answers the voice',
  /received \S+:Player/.test(results[3].output) && /Answer +#{3,}/.test(results[1].output),
);
const recorded = readdirSync(join(folder, 'out')).filter((name) => name.startsWith('Player-'));
// Who was stopped may have been heard as well.
check(
  'record wrote the voice',
  recorded.some((name) => statSync(join(folder, 'out', name)).size > 20_000),
);
// Those that answer hear nobody but who speaks to them.
const model = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const [{ content: task }] = JSON.parse(body).messages;
  const content = task.includes('German') ? 'Gute Nacht.' : 'They said good night.';
  response.end(
    `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`,
  );
}).listen(0, '127.0.0.1');
await once(model, 'listening');
const answering = {
  ...env,
  GRAMMAR: join(folder, 'home.gram'),
  LLM_URL: `http://127.0.0.1:${model.address().port}/v1`,
};
const agent = await answers('voice-agent', 'Agent', 'open the door', (program) => printed(program, 'Agent: '));
check('voice-agent answers', /Speaker: open the door\nAgent: The door is open\./.test(agent));
const meter = run([join(root, 'examples', 'levels.js')], folder, env);
await answers('interpret', 'Interpreter', 'good night', () => printed(meter, 'Speaker (German) ###'));
check('interpret says it in German', /Speaker \(German\) #{3,}/.test(meter.output));
meter.child.kill('SIGINT');
await meter.exit;
const witness = run([join(root, 'examples', 'transcribe.js')], folder, answering);
const minutes = await answers('summarise', 'Secretary', 'good night', () => printed(witness, 'Speaker: good night'));
check('summarise sums up', minutes === 'Speaker: good night\nThey said good night.\n');
witness.child.kill('SIGINT');
await witness.exit;
model.closeAllConnections();
model.close();
server.child.kill('SIGTERM');
check('the server ends on SIGTERM', (await ended(server)).code === 0);
rmSync(folder, { recursive: true });
process.exitCode = failures.length > 0 ? 1 : 0;

/** Until somebody of that name is in the session, and has published so many tracks. */
async function joined(name, tracks = 0) {
  const rooms = new RoomServiceClient(url.replace('ws', 'http'), 'devkey', 'secret');
  const isThere = async () =>
    (await rooms.listParticipants('demo')).some((one) => one.name === name && one.tracks.length >= tracks);
  while (!(await isThere().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** What would say something for longer ends when it is stopped, and has left then. */
async function stops(name, who, ...args) {
  const program = run([join(root, 'examples', `${name}.js`), ...args], folder, env, 'good night\n', false);
  // Before that it may not listen to signals yet.
  await joined(who, 1);
  program.child.kill('SIGINT');
  check(`${name} ends on SIGINT`, (await ended(program)).code === 0);
}

/** What an example prints to which a line is said, until that settles. */
async function answers(name, who, line, until) {
  const program = run([join(root, 'examples', `${name}.js`)], folder, answering);
  await joined(who);
  // Who leaves is not answered.
  const speaker = run([join(root, 'examples', 'speak.js')], folder, env, `${line}\n`, false);
  await until(program);
  program.child.kill('SIGINT');
  const { code, output } = await ended(program);
  speaker.child.stdin.end();
  await speaker.exit;
  check(`${name} ends on SIGINT (it gave ${code})`, code === 0);
  return output;
}

function check(what, holds) {
  console.log(`${holds ? 'ok' : 'NOT OK'}: ${what}`);
  if (!holds) failures.push(what);
}

function run(args, cwd, extra, input = '', isAll = true) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...extra },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (isAll) child.stdin.end(input);
  else child.stdin.write(input);
  const program = { child, output: '', exit: once(child, 'exit') };
  child.stdout.on('data', (chunk) => (program.output += chunk));
  return program;
}

async function firstLine(program) {
  await printed(program, '\n');
  return program.output.split('\n')[0];
}

/** Until it has printed that, or has ended. */
async function printed(program, text) {
  let isOver = false;
  void program.exit.then(() => (isOver = true));
  while (!program.output.includes(text) && !isOver)
    await Promise.race([once(program.child.stdout, 'data'), program.exit]);
}

async function ended(program) {
  const [code] = await program.exit;
  return { code, output: program.output };
}
