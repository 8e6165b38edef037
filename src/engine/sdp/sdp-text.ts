import { type MediaDescription, type SessionDescription as ParsedSession, parse } from 'sdp-transform';
import { SluiceError } from '../../media/errors.js';

/** Longest description that is read, in characters. */
const MAX_SDP_LENGTH = 256 * 1024;
/** Most m-lines that a description may have. */
const MAX_SECTIONS = 64;

// What a browser writes stays far below these; they bound the time that hostile text can take.
const MAX_LINES = 6000;
const MAX_LINE_LENGTH = 8192;

// sdp-transform tries dozens of patterns on a line: it gets those that are read from its result, no others.
const PARSED_ATTRIBUTES: ReadonlySet<string> = new Set([
  'extmap',
  'fmtp',
  'group',
  'inactive',
  'max-message-size',
  'mid',
  'recvonly',
  'rtcp-fb',
  'rtpmap',
  'sctp-port',
  'sctpmap',
  'sendonly',
  'sendrecv',
  'simulcast',
  'ssrc',
  'ssrc-group',
]);

/** One m-line and what follows it, parsed and as it came. */
export interface SdpSection {
  readonly parsed: MediaDescription;
  readonly lines: readonly string[];
}

/** A description split at its m-lines. */
export interface SdpText {
  readonly session: ParsedSession;
  readonly sessionLines: readonly string[];
  readonly sections: readonly SdpSection[];
}

/** Splits and parses a description of bounded size. Errors: SLUICE_SDP_INVALID. */
export function readSdpText(sdp: string): SdpText {
  if (sdp.length > MAX_SDP_LENGTH) {
    throw invalidSdp(`the description has ${sdp.length} characters, ${MAX_SDP_LENGTH} are allowed`);
  }
  const lines = sdp.split(/\r\n|\r|\n/);
  if (lines.length > MAX_LINES) throw invalidSdp(`the description has ${lines.length} lines, ${MAX_LINES} are allowed`);
  if (!lines[0]?.startsWith('v=0')) throw invalidSdp('the description does not begin with v=0');
  const sessionLines: string[] = [];
  const sectionLines: string[][] = [];
  for (const line of lines) {
    if (line.length > MAX_LINE_LENGTH)
      throw invalidSdp(`a line has ${line.length} characters, ${MAX_LINE_LENGTH} are allowed`);
    if (line.startsWith('m=')) sectionLines.push([]);
    (sectionLines.at(-1) ?? sessionLines).push(line);
  }
  if (sectionLines.length > MAX_SECTIONS) {
    throw invalidSdp(`the description has ${sectionLines.length} m-lines, ${MAX_SECTIONS} are allowed`);
  }
  const session = parse(lines.filter(isParsed).join('\r\n'));
  return {
    session,
    sessionLines,
    sections: sectionLines.map((lines, index) => ({ parsed: mediaAt(session, index), lines })),
  };
}

/** The values of `a=<name>:<value>` lines, as they came. */
export function attributeValues(lines: readonly string[], name: string): string[] {
  const prefix = `a=${name}:`;
  return lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length).trim());
}

/** Whether there is an `a=<name>` line without a value. */
export function hasFlag(lines: readonly string[], name: string): boolean {
  return lines.some((line) => line.trimEnd() === `a=${name}`);
}

/** sdp-transform turns what looks like a number into one: the way back, where a field is text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** Refuses what would break out of its line or field. Errors: SLUICE_SDP_INVALID. */
export function checkToken(value: string, what: string): string {
  if (!/^[\x21-\x7e]{1,256}$/.test(value)) {
    throw invalidSdp(
      `${what} ${JSON.stringify(value.slice(0, 40))} is not 1 to 256 printable ASCII characters without blanks`,
    );
  }
  return value;
}

export function invalidSdp(message: string): SluiceError {
  return new SluiceError('SLUICE_SDP_INVALID', message);
}

function isParsed(line: string): boolean {
  if (!line.startsWith('a=')) return /^[vom]=/.test(line);
  const colon = line.indexOf(':');
  return PARSED_ATTRIBUTES.has((colon < 0 ? line : line.slice(0, colon)).slice(2).trimEnd());
}

function mediaAt(session: ParsedSession, index: number): MediaDescription {
  const media = session.media[index];
  if (!media) throw invalidSdp('the m-lines of the description cannot be told apart');
  return media;
}
