import { chmodSync } from 'node:fs';
import t from 'tap';
import { requireSystem } from '../support/require.js';

/** A test that only remembers what it was told. */
function recorder() {
  const told: string[] = [];
  return {
    told,
    pass: (_message: string, extra: { skip: string }) => told.push(`skip: ${extra.skip}`),
    fail: (message: string) => told.push(`fail: ${message}`),
  };
}

t.test('a missing program skips a test, or fails it where it is required', async (t) => {
  const clean = withEnvironment({ SLUICE_REQUIRE: undefined, SLUICE_LIVEKIT_SERVER: '/nowhere/livekit-server' });
  t.teardown(clean);
  const skipped = recorder();
  t.equal(requireSystem(skipped, 'livekit-server'), undefined);
  t.same(skipped.told, ['skip: livekit-server is not installed']);
  for (const required of ['all', 'chromium, livekit-server']) {
    process.env['SLUICE_REQUIRE'] = required;
    const failed = recorder();
    t.equal(requireSystem(failed, 'livekit-server'), undefined);
    t.same(failed.told, ['fail: livekit-server is not installed, and SLUICE_REQUIRE asks for it']);
  }
  process.env['SLUICE_REQUIRE'] = 'chromium';
  const other = recorder();
  requireSystem(other, 'livekit-server');
  t.same(other.told, ['skip: livekit-server is not installed'], 'another one is required');
});

t.test('a program is found in PATH, if it can be executed', async (t) => {
  const folder = t.testdir({ 'redis-server': '#!/bin/sh\n' });
  t.teardown(withEnvironment({ PATH: folder, SLUICE_REDIS_SERVER: undefined }));
  chmodSync(`${folder}/redis-server`, 0o755);
  t.equal(requireSystem(recorder(), 'redis-server'), `${folder}/redis-server`);
  chmodSync(`${folder}/redis-server`, 0o644);
  t.not(requireSystem(recorder(), 'redis-server'), `${folder}/redis-server`);
});

/** Sets variables and returns the function that puts them back. */
function withEnvironment(variables: Record<string, string | undefined>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const set = ([name, value]: readonly [string, string | undefined]): void => {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  };
  Object.entries(variables).forEach(set);
  return () => {
    before.forEach(set);
  };
}
