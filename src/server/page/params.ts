/** What the address of the page asks for. */
export interface PageParams {
  readonly session: string;
  /** Empty when the address names nobody. */
  readonly name: string;
  /** Empty when the address carries no token. */
  readonly token: string;
  readonly autojoin: boolean;
  /** `raw` switches echo cancellation, noise suppression and gain control off: for music and for measurements. */
  readonly audio: 'speech' | 'raw' | 'off';
  /** Height in pixels asked of the camera; 0 leaves it off. */
  readonly videoHeight: number;
}

const DEFAULT_SESSION = 'demo';
const DEFAULT_VIDEO_HEIGHT = 720;
const MAX_NAME_LENGTH = 60;

/**
 * Reads `?session=&name=&autojoin=1&audio=raw|off&video=360|off` and `#token=`. The token sits behind the `#` because a
 * browser sends that part to nobody. What cannot be read is taken as not given.
 */
export function readParams(search: string, hash: string): PageParams {
  const query = new URLSearchParams(search);
  const fragment = new URLSearchParams(hash.replace(/^#/, ''));
  const audio = query.get('audio');
  return {
    session: query.get('session')?.trim() || DEFAULT_SESSION,
    name: (query.get('name') ?? '').trim().slice(0, MAX_NAME_LENGTH),
    token: (fragment.get('token') ?? '').trim(),
    autojoin: ['1', 'true'].includes(query.get('autojoin') ?? ''),
    audio: audio === 'raw' || audio === 'off' ? audio : 'speech',
    videoHeight: readHeight(query.get('video')),
  };
}

function readHeight(text: string | null): number {
  if (text === 'off') return 0;
  const height = Number.parseInt(text ?? '', 10);
  return height >= 90 && height <= 1080 ? height : DEFAULT_VIDEO_HEIGHT;
}
