import { usage } from './arguments.js';
import type { Command } from './command.js';

/** A time in an option, in ms; it is written in seconds, from `least` to `most`. Errors: SLUICE_USAGE. */
export function secondsAsMs(
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
  command: Command,
): number {
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds >= least && seconds <= most) return seconds * 1000;
  throw usage(`"${text}" is no time; use a number of seconds from ${least} to ${most}`, command);
}

/** A port in an option; 0 is any that is free. Errors: SLUICE_USAGE. */
export function portOf(text: string, command: Command): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw usage(`"${text}" is no port; use a number from 0 to 65535`, command);
}

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const LOOPBACK = '127.0.0.1';

/** `port`, `host:port` or `[IPv6]:port`; this machine alone where no host is named. Errors: SLUICE_USAGE. */
export function listenAddressOf(text: string, command: Command): ListenAddress {
  const match = /^(?:\[([\da-fA-F:.]+)\]:|([^:[\]\s]*):)?(\d+)$/.exec(text);
  if (!match) throw usage(`"${text}" is no address; use host:port, or a port`, command);
  return { host: match[1] ?? (match[2] || LOOPBACK), port: portOf(match[3] ?? '', command) };
}
