// Runs every example against one server: somebody plays, and the others hear it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
  '#JSGF V1.0;\ngrammar home;\npublic <command> = turn on the light | good night;\n',
);
const scribe = run([join(root, 'examples', 'transcribe.js')], folder, { ...env, GRAMMAR: join(folder, 'home.gram') });
const player = run([join(root, 'examples', 'play.js'), join(root, 'pipelines', 'media', 'speech.ogg')], folder, env);
check('play ends by itself', (await ended(player)).code === 0);
const speaker = run([join(root, 'examples', 'speak.js')], folder, env, 'turn on the light\ngood night\n');
check('speak ends with its input', (await ended(speaker)).code === 0);
const announcer = run([join(root, 'examples', 'announce.js')], folder, env);
check('announce ends with what is due', (await ended(announcer)).code === 0);
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
check('record wrote the voice', recorded.length === 1 && statSync(join(folder, 'out', recorded[0])).size > 20_000);
server.child.kill('SIGTERM');
check('the server ends on SIGTERM', (await ended(server)).code === 0);
rmSync(folder, { recursive: true });
process.exitCode = failures.length > 0 ? 1 : 0;

function check(what, holds) {
  console.log(`${holds ? 'ok' : 'NOT OK'}: ${what}`);
  if (!holds) failures.push(what);
}

function run(args, cwd, extra, input = '') {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...extra },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(input);
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
