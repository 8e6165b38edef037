import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
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

await t.test('zsh', async (t) => {
  const found = await scriptFor(t, 'zsh');
  if (!found) return;
  /** What the script asks of zsh's own functions. */
  const asked = (...words: readonly string[]): string => {
    const program = `
      compdef() { print "compdef $@" }
      _describe() { print "describe $1"; print -l -- "\${(@P)2}" }
      _arguments() { print -l -- "at $CURRENT of $words" "$@" }
      source ${found.script}
      words=("$@"); CURRENT=$#; _sluice`;
    const { stdout, stderr } = spawnSync(found.shell, ['-f', '-c', program, 'sluice', ...words], { encoding: 'utf8' });
    t.equal(stderr, '');
    return stdout;
  };
  t.match(asked('sluice', ''), /^compdef _sluice sluice\ndescribe command\n[\s\S]*^validate:Checks pipeline files/m);
  const convert = asked('sluice', 'convert', '--to', '');
  t.match(convert, '\nat 3 of convert --to \n');
  t.match(convert, /^\(--to\)--to=\[Notation to write[^\n]*\]:value:\(yaml json ts line\)$/m);
  t.match(convert, /^\(--output -o\)-o\[[^\n]*\]:value:_files$/m);
  t.match(convert, /^1:convert:_files -g "\*\.\(yaml\|yml\|json\|js\|mjs\|ts\|mts\)"$/m);
  t.match(asked('sluice', 'inspect', ''), /^1:inspect:\(.*\bopus-encoder\b.*\)$/m);
  t.match(asked('sluice', 'validate', ''), /^\*:validate:_files/m);
});

await t.test('other shells', async (t) => {
  t.match(await cli(['completion', 'csh']), { code: 2, stderr: 'unknown shell "csh"; there are bash, zsh, fish' });
  t.match(JSON.parse((await cli(['completion', 'bash', '--json'])).stdout), { shell: 'bash', script: /^complete -F/m });
});
