import type { UdpAddress } from './relay-port.js';

/** A candidate line of RFC 8839, 5.1, as far as it says where to send. */
interface Candidate {
  readonly parts: readonly string[];
  readonly target: UdpAddress;
}

/** Where a description or a candidate may be reached by the relay: UDP over IPv4. */
export function targetsIn(text: string): UdpAddress[] {
  return text.split(/\r?\n/).flatMap((line) => candidateIn(line)?.target ?? []);
}

/** A description whose candidates stand for those that `relayOf` knows; all others are taken out. */
export function rewriteDescription(sdp: string, relayOf: (target: UdpAddress) => UdpAddress | undefined): string {
  return sdp
    .split(/(?<=\n)/)
    .flatMap((line) => (line.startsWith('a=candidate:') ? (rewriteCandidate(line, relayOf) ?? []) : line))
    .join('');
}

/** One candidate, with or without `a=`, or nothing where the relay cannot reach it. */
export function rewriteCandidate(
  line: string,
  relayOf: (target: UdpAddress) => UdpAddress | undefined,
): string | undefined {
  const candidate = candidateIn(line.trimEnd());
  const relay = candidate && relayOf(candidate.target);
  if (!relay) return undefined;
  const parts = [...candidate.parts];
  [parts[4], parts[5]] = [relay.address, String(relay.port)];
  return parts.join(' ') + line.slice(line.trimEnd().length);
}

/** A description without candidates. */
export function withoutCandidates(sdp: string): string {
  return rewriteDescription(sdp, () => undefined);
}

function candidateIn(line: string): Candidate | undefined {
  if (!/^(a=)?candidate:/.test(line)) return undefined;
  const parts = line.split(' ');
  const [, , transport = '', , address = '', port = ''] = parts;
  if (transport.toLowerCase() !== 'udp' || !/^\d+(\.\d+){3}$/.test(address)) return undefined;
  return { parts, target: { address, port: Number(port) } };
}
