import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { build } from 'vite';
import { PACKAGE_ROOT } from '../support/package-root.js';

t.test('the built page needs nothing from elsewhere and keeps its own security policy', async (t) => {
  const outDir = t.testdir();
  const root = join(PACKAGE_ROOT, 'src', 'server', 'page');
  await build({
    root,
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'silent',
    build: { outDir, emptyOutDir: true },
  });
  const html = readFileSync(join(outDir, 'index.html'), 'utf8');
  const addresses = [...html.matchAll(/\s(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  const files = addresses.filter((address) => !address.startsWith('#'));
  t.ok(files.length >= 3, 'script, style and icon');
  for (const file of files) {
    t.match(file, /^\.\//, `${file} is relative: the page works below any path`);
    t.ok(existsSync(join(outDir, file)), `${file} is there`);
  }
  t.notMatch(html, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=/, 'nothing inline that the policy forbids');
  t.match(html, /script-src 'self'; style-src 'self'/);
  const css = readdirSync(join(outDir, 'assets')).filter((name) => name.endsWith('.css'));
  t.equal(css.length, 1);
  t.notMatch(
    readFileSync(join(outDir, 'assets', css[0] ?? ''), 'utf8'),
    /@import|url\(|https?:/,
    'the style fetches nothing',
  );
});

t.test('every control of the page has a name', (t) => {
  const html = readFileSync(join(PACKAGE_ROOT, 'src', 'server', 'page', 'index.html'), 'utf8');
  const buttons = [...html.matchAll(/<button[\s\S]*?<\/button>/g)].map((match) => match[0]);
  t.ok(buttons.length >= 7);
  for (const button of buttons) t.match(button.replace(/<kbd[\s\S]*?<\/kbd>|<[^>]*>/g, '').trim(), /\w{4,}/);
  for (const icon of html.matchAll(/<use href="#([^"]+)"/g)) t.match(html, `<symbol id="${icon[1] ?? ''}"`, icon[0]);
  t.end();
});
