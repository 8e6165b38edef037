import type { EmbeddedServer } from '../../server/index.js';
import type { CliIo, Command } from '../command.js';
import { usage } from '../arguments.js';
import { EXIT_CODES } from '../exit-codes.js';
import { portOf, secondsAsMs } from '../option-values.js';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Runs the session server by itself.',
  positionals: '',
  options: {
    host: { type: 'string', value: 'address', description: 'Address to listen on. Default 127.0.0.1.' },
    port: {
      type: 'string',
      value: 'number',
      description: 'Port to listen on, 0 for a free one. Default: SLUICE_PORT, or 7880.',
    },
    'drain-timeout': {
      type: 'string',
      value: 'seconds',
      description: 'How long clients have to go elsewhere when it is told to end. Default 10.',
    },
    'log-level': { type: 'string', value: 'level', description: 'silent, error, warn, info or debug. Default warn.' },
  },
  example: 'SLUICE_API_KEY=bot SLUICE_API_SECRET=change-me sluice serve --host 0.0.0.0',
  async run(args, io) {
    const port = portOf(args.text('port') ?? (io.env['SLUICE_PORT'] || '7880'), serveCommand);
    const logLevel = levelOf(args.text('log-level'));
    const deadlineMs = secondsAsMs(args.text('drain-timeout') ?? '10', { least: 0, most: 3600 }, serveCommand);
    const key = io.env['SLUICE_API_KEY'];
    const secret = io.env['SLUICE_API_SECRET'];
    const { startServer } = await import('../../server/index.js');
    const server = await startServer({
      host: args.text('host') ?? '127.0.0.1',
      port,
      ...(key && secret && { keys: { [key]: secret } }),
      ...(logLevel && { logLevel }),
    });
    const { url, httpUrl, development } = server;
    if (args.flag('json')) io.stdout.write(`${JSON.stringify({ url, httpUrl, development })}\n`);
    else {
      io.stdout.write(`Serving sessions at ${url}\nOpen ${httpUrl} to join one.\n`);
      if (development) io.stdout.write('Tokens are signed with the development keys: devkey / secret.\n');
    }
    await endBySignal(server, deadlineMs, io);
    return EXIT_CODES.ok;
  },
};

/** The first signal sends everyone elsewhere and waits until they have gone; the second ends it at once. */
async function endBySignal(server: EmbeddedServer, deadlineMs: number, io: CliIo): Promise<void> {
  let forget = (): void => undefined;
  let again = (): void => undefined;
  const insisted = new Promise<void>((resolve) => (again = resolve));
  await new Promise<void>((resolve) => {
    let times = 0;
    forget = io.onSignal(() => {
      if (times++ > 0) again();
      resolve();
    });
  });
  io.stderr.write('Asking everyone to go elsewhere; once more ends it at once.\n');
  await Promise.race([server.drain({ deadlineMs }), insisted.then(() => server.close())]);
  forget();
}

const LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;

function levelOf(text: string | undefined): (typeof LEVELS)[number] | undefined {
  const level = LEVELS.find((one) => one === text);
  if (text !== undefined && !level)
    throw usage(`unknown level "${text}"; there are ${LEVELS.join(', ')}`, serveCommand);
  return level;
}
