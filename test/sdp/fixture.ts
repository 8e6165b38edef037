import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MediaSection, SessionDescription } from '../../src/engine/sdp/media-section.js';
import type { TransportDescription } from '../../src/engine/sdp/transport-description.js';
import { PACKAGE_ROOT } from '../support/package-root.js';

/** What real endpoints wrote: Chromium 156, livekit-client 2.23 in it, rtc-node 1.1, libdatachannel 0.24, livekit-server 1.13. */
export const FIXTURES = [
  'chromium-publisher-simulcast',
  'chromium-publisher-h264',
  'livekit-client-publisher',
  'livekit-client-publisher-h264',
  'livekit-client-subscriber-answer',
  'rtc-node-publisher',
  'rtc-node-subscriber-answer',
  'libdatachannel-local',
  'livekit-server-subscriber-offer',
  'livekit-server-publisher-answer',
] as const;

export function fixture(name: (typeof FIXTURES)[number]): string {
  return readFileSync(join(PACKAGE_ROOT, 'test', 'sdp', 'fixtures', `${name}.sdp`), 'utf8');
}

/** A transport of ours, as Transport describes itself. */
export const OURS: TransportDescription = {
  iceUfrag: 'KXci',
  icePwd: '2LgzZ0P3ZaNO7u0pSJgATo',
  fingerprint: { algorithm: 'sha-256', value: Array.from({ length: 32 }, (_, i) => hex(i * 8)).join(':') },
  setup: 'active',
  candidates: [
    'candidate:1 1 UDP 2114977791 127.0.0.1 57557 typ host',
    'candidate:2 1 UDP 2114977535 ::1 57557 typ host',
  ],
  dataChannel: { sctpPort: 5000, maxMessageSize: 262_144 },
};

export function sectionOf(description: SessionDescription, mid: string): MediaSection {
  const section = description.sections.find((one) => one.mid === mid);
  if (!section) throw new Error(`no section with the mid ${mid}`);
  return section;
}

/** The lines of one m-line's section, or those before the first (`''`), for checks line by line. */
export function linesOf(sdp: string, mid: string): string[] {
  const [session = '', ...sections] = sdp.split(/\r\nm=/);
  if (mid === '') return session.split('\r\n');
  const found = sections.map((text) => `m=${text}`.split('\r\n')).find((lines) => lines.includes(`a=mid:${mid}`));
  if (!found) throw new Error(`no section with the mid ${mid}`);
  return found.filter((line) => line !== '');
}

function hex(value: number): string {
  return (value % 256).toString(16).toUpperCase().padStart(2, '0');
}
