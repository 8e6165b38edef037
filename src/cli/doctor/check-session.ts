import type { Environment } from '../../graph/environment.js';
import { EMBEDDED, isEmbedded, type LoadedSession } from '../../graph/load.js';
import { sessionToken, useEmbedded } from '../../graph-sessions.js';
import { SluiceError } from '../../media/errors.js';
import { publicUrl } from '../../media/public-url.js';
import { checkPackage } from './check-need.js';
import { fine, wrong, type Finding } from './finding.js';

/** A server that has not answered by then is none, in ms. */
const ANSWER_MS = 5000;

/**
 * Whether a session can be joined: its server answers and takes the token. Nobody is seen to join. A session on the embedded server
 * starts that for a moment. Never rejects.
 */
export async function checkSession({ id, config }: LoadedSession, environment: Environment): Promise<Finding> {
  const { url = EMBEDDED, driver } = config;
  if (driver === 'vonage') return await checkPackage('@vonage/video-connector', undefined);
  const what = `session ${id} at ${isEmbedded(url) ? 'the embedded server' : publicUrl(url)}`;
  try {
    if (isEmbedded(url)) {
      await (await useEmbedded(environment, url)).release();
      return fine(what, 'starts');
    }
    const token = await sessionToken(config, url);
    const failures = await Promise.all(url.split(',').map((one) => refusal(one.trim(), token)));
    const failure = failures.find((one) => one !== undefined);
    return failures.includes(undefined) || !failure ? fine(what, 'takes the token') : wrong(what, ...failure);
  } catch (error) {
    if (error instanceof SluiceError) return wrong(what, error.message, error.mend);
    return wrong(what, 'cannot be looked at', undefined);
  }
}

/** What is wrong with a server, and what helps; undefined when nothing is. */
async function refusal(url: string, token: string): Promise<readonly [found: string, mend: string] | undefined> {
  const address = new URL('rtc/validate', `${url.replace(/^ws/, 'http').replace(/\/+$/, '')}/`);
  address.searchParams.set('access_token', token);
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    if (answer.ok) return undefined;
    return answer.status === 401 || answer.status === 403
      ? [`refuses the token (${answer.status})`, 'Sign one with a key of that server; see `sluice token --help`.']
      : [`answers with ${answer.status}`, 'Is it a LiveKit server, or `sluice serve`?'];
  } catch {
    return ['does not answer', 'Start it, or give another url.'];
  }
}
