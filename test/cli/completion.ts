import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { requireSystem, type SystemProgram } from '../support/require.js';
import { cli } from './cli-lab.js';

/** A folder with files that are pipelines, and others. */
async function folderOfFiles(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-'));
  for (const name of ['echo.yaml', 'my echo.yml', 'end.json', 'end.txt', 'node.js'])
    await writeFile(join(folder, name), '');
  await mkdir(join(folder, 'elsewhere'));
  return folder;
}

/** Writes the script of a shell to a file, for a test that has that shell. */
async function scriptFor(
  t: Test,
  shell: SystemProgram & ('bash' | 'zsh' | 'fish'),
): Promise<{ shell: string; script: string } | undefined> {
  const program = requireSystem(t, shell);
  if (program === undefined) return undefined;
  const { code, stdout } = await cli(['completion', shell]);
  t.equal(code, 0);
  const script = join(mkdtempSync(join(tmpdir(), 'sluice-')), '_sluice');
  writeFileSync(script, stdout);
  return { shell: program, script };
}

await t.test('bash', async (t) => {
  const found = await scriptFor(t, 'bash');
  if (!found) return;
  const folder = await folderOfFiles();
  /** What stands for the last word of a line, as readline has split it. */
  const complete = (...words: readonly string[]): string[] => {
    const program = `source ${found.script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync(found.shell, ['--norc', '-c', program, 'sluice', ...words], {
      cwd: folder,
      encoding: 'utf8',
    });
    t.equal(stderr, '');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .sort();
  };
  t.same(complete('sluice', 'va'), ['validate']);
  t.ok(complete('sluice', '').includes('completion'));
  t.same(complete('sluice', 'run', '--st'), ['--stats', '--stats-interval']);
  t.ok(complete('sluice', 'run', '-').includes('--json'), 'options that all commands have');
  t.same(complete('sluice', 'run', 'e'), ['echo.yaml', 'elsewhere', 'end.json']);
  t.same(complete('sluice', 'run', 'my'), ['my echo.yml'], 'names with blanks in them');
  t.same(complete('sluice', 'run', '--json', 'ec'), ['echo.yaml'], 'behind an option');
  t.same(complete('sluice', 'run', '--metrics', '9464', 'ec'), ['echo.yaml'], 'behind an option with a value');
  t.same(complete('sluice', 'run', '--metrics', '=', '9464', 'ec'), ['echo.yaml']);
  t.same(complete('sluice', 'run', 'echo.yaml', 'e'), [], 'it takes one');
  t.same(complete('sluice', 'validate', 'echo.yaml', 'ec'), ['echo.yaml'], 'it takes many');
  t.same(complete('sluice', 'run', '--nodes', 'n'), ['node.js']);
  t.same(complete('sluice', 'convert', '--to', ''), ['json', 'line', 'ts', 'yaml']);
  t.same(complete('sluice', 'convert', '--to', '='), ['json', 'line', 'ts', 'yaml']);
  t.same(complete('sluice', 'convert', '--to', '=', 'y'), ['yaml']);
  t.same(complete('sluice', 'convert', '-o', 'end.t'), ['end.txt']);
  t.same(complete('sluice', 'run', '--metrics', ''), [], 'nobody knows');
  t.same(complete('sluice', 'inspect', 'opus'), ['opus-decoder', 'opus-encoder']);
  t.same(complete('sluice', 'launch', 'tone', '!', 'res'), ['resampler']);
  t.same(complete('sluice', 'new', ''), ['node', 'pipeline']);
  t.same(complete('sluice', 'new', 'node', 'n'), []);
  t.same(complete('sluice', 'help', 'ins'), ['inspect']);
  t.same(complete('sluice', 'nonsense', 'x'), []);

  const bound = spawnSync(found.shell, ['--norc', '-c', `source ${found.script}; complete -p sluice`], {
    encoding: 'utf8',
  });
  t.equal(bound.stdout, 'complete -F _sluice sluice\n');
});

await t.test('fish', async (t) => {
  const found = await scriptFor(t, 'fish');
  if (!found) return;
  const folder = await folderOfFiles();
  const complete = (line: string): string[] => {
    const program = `source ${found.script}; complete -C ${JSON.stringify(line)}`;
    const env = { PATH: process.env['PATH'], HOME: folder };
    const { stdout, stderr } = spawnSync(found.shell, ['--no-config', '-c', program], {
      cwd: folder,
      encoding: 'utf8',
      env,
    });
    t.equal(stderr, '');
    return stdout
      .split('\n')
      .filter((one) => one !== '')
      .map((one) => one.split('\t')[0] ?? '')
      .sort();
  };
  t.same(complete('sluice va'), ['validate']);
  t.same(complete('sluice run --st'), ['--stats', '--stats-interval']);
  t.same(complete('sluice convert --to y'), ['yaml']);
  t.same(complete('sluice convert --to=y'), ['--to=yaml']);
  t.same(complete('sluice inspect opus'), ['opus-decoder', 'opus-encoder']);
  t.same(complete('sluice run ec'), ['echo.yaml']);
  t.same(complete('sluice new p'), ['pipeline']);
});

/**
 * The settings of a shell that completes one line as soon as it can be edited, writes to a file what is offered and what the line
 * then is, and ends. Nothing of zsh's own is replaced: `compadd` only tells what it is given as well.
 */
const ZSHRC = `
autoload -Uz compinit && compinit -u -D
source $SCRIPT
compadd() {
  local -a offered
  # With these it adds nothing: it is asked what would fit.
  [[ " \${@[1,(i)(-|--)]} " == *" -"[OAD]" "* ]] || { builtin compadd -A offered "$@"; print -rl -- $offered >> $OUT }
  builtin compadd "$@"
}
zle-line-init() {
  BUFFER=$LINE CURSOR=$#LINE
  zle complete-word
  print -r -- "> $BUFFER" >> $OUT
  BUFFER=exit
  zle accept-line
}
zle -N zle-line-init
`;

await t.test('zsh', async (t) => {
  const found = await scriptFor(t, 'zsh');
  if (!found) return;
  const folder = await folderOfFiles();
  const settings = mkdtempSync(join(tmpdir(), 'sluice-'));
  writeFileSync(join(settings, '.zshrc'), ZSHRC);
  const out = join(settings, 'out');
  /** What a shell on a terminal of its own offers behind a line, and what Tab makes of the line. */
  const complete = (line: string): { offered: string[]; becomes: string } => {
    const inner = 'zmodload zsh/zpty; zpty inner zsh -i -o NO_GLOBAL_RCS; while zpty -r inner text; do :; done';
    const env = { PATH: process.env['PATH'], HOME: folder, TERM: 'xterm', ZDOTDIR: settings };
    writeFileSync(out, '');
    const { stderr } = spawnSync(found.shell, ['-f', '-c', inner], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...env, SCRIPT: found.script, OUT: out, LINE: line },
    });
    t.equal(stderr, '');
    const lines = readFileSync(out, 'utf8').split('\n');
    return {
      offered: lines.filter((one) => one !== '' && !one.startsWith('> ')).sort(),
      becomes: lines.find((one) => one.startsWith('> '))?.slice(2) ?? '',
    };
  };
  const offered = (line: string): string[] => complete(line).offered;
  t.same(complete('sluice va'), { offered: ['validate'], becomes: 'sluice validate ' });
  t.ok(offered('sluice ').includes('completion'));
  t.same(complete('sluice run --st'), { offered: ['--stats', '--stats-interval'], becomes: 'sluice run --stats' });
  t.ok(offered('sluice run -').includes('--json'), 'options that all commands have');
  t.same(offered('sluice run e'), ['echo.yaml', 'elsewhere', 'end.json']);
  t.equal(complete('sluice run my').becomes, 'sluice run my\\ echo.yml ', 'names with blanks in them');
  t.same(offered('sluice run --json ec'), ['echo.yaml'], 'behind an option');
  t.same(offered('sluice run --metrics 9464 ec'), ['echo.yaml'], 'behind an option with a value');
  t.same(offered('sluice run echo.yaml e'), [], 'it takes one');
  t.same(offered('sluice validate echo.yaml ec'), ['echo.yaml'], 'it takes many');
  t.same(offered('sluice run --nodes n'), ['node.js']);
  t.same(offered('sluice convert --to '), ['json', 'line', 'ts', 'yaml']);
  t.equal(complete('sluice convert --to=y').becomes, 'sluice convert --to=yaml ');
  t.same(offered('sluice convert -o end.t'), ['end.txt']);
  t.same(offered('sluice run --metrics '), [], 'nobody knows');
  t.same(offered('sluice inspect opus'), ['opus-decoder', 'opus-encoder']);
  t.same(offered('sluice launch tone ! res'), ['resampler']);
  t.same(offered('sluice new '), ['node', 'pipeline']);
  t.same(offered('sluice help ins'), ['inspect']);
});

await t.test('other shells', async (t) => {
  t.match(await cli(['completion', 'csh']), { code: 2, stderr: 'unknown shell "csh"; there are bash, zsh, fish' });
  t.match(JSON.parse((await cli(['completion', 'bash', '--json'])).stdout), { shell: 'bash', script: /^complete -F/m });
});
