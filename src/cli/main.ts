#!/usr/bin/env node
import { runCli } from './cli.js';

let unread = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  // Nobody reads any more, as behind `| head`: what runs is asked to stop, once.
  if (!unread) process.emit('SIGTERM');
  unread = true;
});

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  onSignal(listener) {
    process.on('SIGINT', listener).on('SIGTERM', listener);
    return () => process.off('SIGINT', listener).off('SIGTERM', listener);
  },
  onKey(listener) {
    const { stdin } = process;
    if (!stdin.isTTY) return () => undefined;
    stdin.setRawMode(true).setEncoding('utf8').on('data', listener).resume();
    return () => {
      stdin.off('data', listener).setRawMode(false).pause();
    };
  },
});
