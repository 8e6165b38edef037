import { SluiceError } from '../../media/errors.js';
import { usage } from '../arguments.js';
import type { CliIo, Command, CommandArguments } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';

const DEFAULT_TTL = '6h';

export const tokenCommand: Command = {
  name: 'token',
  summary: 'Signs an access token for a session.',
  positionals: '',
  options: {
    session: { type: 'string', value: 'id', description: 'Session that may be joined. Default: SLUICE_SESSION_ID.' },
    name: { type: 'string', value: 'name', description: 'Name that others see. Default: the identity.' },
    identity: {
      type: 'string',
      value: 'id',
      description: 'Unique in the session. Default: the name, or a random one.',
    },
    metadata: {
      type: 'string',
      value: 'text',
      description: 'What others are told of its holder, as `{"role":"guest"}`. Default: nothing.',
    },
    ttl: {
      type: 'string',
      value: 'duration',
      description: 'How long it can be used to join: 90s, 30m, 6h, 7d. Default 6h.',
    },
    'no-publish': { type: 'boolean', description: 'Do not let its holder publish.' },
    'no-subscribe': { type: 'boolean', description: 'Do not let its holder receive.' },
    kind: {
      type: 'string',
      value: 'kind',
      description:
        'What others see its holder as: standard (the default) or agent, who may write captions of what others say.',
    },
    hidden: { type: 'boolean', description: 'Do not show its holder to others.' },
    'api-key': { type: 'string', value: 'key', description: 'Default: SLUICE_API_KEY, or devkey.' },
    'api-secret': {
      type: 'string',
      value: 'secret',
      description: 'Default: SLUICE_API_SECRET, or secret. Better given there: others can see arguments.',
    },
  },
  example: 'sluice token --session demo --name Anna --ttl 30m',
  async run(args, io) {
    const sessionId = args.text('session') ?? io.env['SLUICE_SESSION_ID'];
    if (!sessionId) throw usage('token needs --session, or SLUICE_SESSION_ID', tokenCommand);
    const identity = args.text('identity') ?? args.text('name') ?? `guest-${crypto.randomUUID().slice(0, 8)}`;
    const name = args.text('name') ?? identity;
    const metadata = args.text('metadata');
    const ttlSeconds = secondsOf(args.text('ttl') ?? DEFAULT_TTL);
    const kind = args.text('kind') ?? 'standard';
    if (kind !== 'standard' && kind !== 'agent') throw usage(`--kind is standard or agent, not ${kind}`, tokenCommand);
    const { apiKey, apiSecret } = keysOf(args, io);
    const { createToken } = await import('../../server/token.js');
    const token = await createToken({
      apiKey,
      apiSecret,
      sessionId,
      identity,
      name,
      ...(metadata !== undefined && { metadata }),
      ttlSeconds,
      kind,
      grants: {
        canPublish: !args.flag('no-publish'),
        canSubscribe: !args.flag('no-subscribe'),
        hidden: args.flag('hidden'),
        canUpdateOwnMetadata: true,
      },
    });
    io.stdout.write(
      args.flag('json') ? `${JSON.stringify({ token, sessionId, identity, name, ttlSeconds })}\n` : `${token}\n`,
    );
    return EXIT_CODES.ok;
  },
};

function keysOf(args: CommandArguments, io: CliIo): { apiKey: string; apiSecret: string } {
  const apiKey = args.text('api-key') ?? io.env['SLUICE_API_KEY'];
  const apiSecret = args.text('api-secret') ?? io.env['SLUICE_API_SECRET'];
  if (apiKey && apiSecret) return { apiKey, apiSecret };
  if (apiKey || apiSecret) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `the API ${apiKey ? 'secret' : 'key'} is missing`, {
      mend: `Set ${apiKey ? 'SLUICE_API_SECRET' : 'SLUICE_API_KEY'} too.`,
    });
  }
  if (!args.flag('json'))
    io.stderr.write('Signed with the development keys, which only a server on this machine takes.\n');
  return { apiKey: 'devkey', apiSecret: 'secret' };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function secondsOf(text: string): number {
  const match = /^(\d{1,7})([smhd])$/.exec(text);
  const seconds = Number(match?.[1]) * (UNIT_SECONDS[match?.[2] ?? ''] ?? NaN);
  if (seconds > 0) return seconds;
  throw usage(`"${text}" is no duration; write 90s, 30m, 6h or 7d`, tokenCommand);
}
