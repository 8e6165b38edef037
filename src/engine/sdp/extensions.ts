import { EXTENSION_URIS } from '../rtp/header-extensions.js';

/** What sluice calls the RTP header extensions that it reads or writes. */
export type ExtensionName = keyof typeof EXTENSION_URIS;

/** `a=extmap`. */
export interface HeaderExtension {
  /** 1 to 14 in one-byte headers, up to 255 in two-byte ones (RFC 8285). */
  readonly id: number;
  readonly uri: string;
}

/** Ids of the known extensions; what is not negotiated is missing. */
export type ExtensionIds = { readonly [name in ExtensionName]?: number };

/** The highest id that fits a one-byte header (RFC 8285, section 4.2). */
export const MAX_ONE_BYTE_ID = 14;

/** The ids that our own offers use: those of libwebrtc, so that dumps look familiar. */
export const OFFERED_EXTENSION_IDS = {
  audioLevel: 1,
  absSendTime: 2,
  transportSequence: 3,
  mid: 4,
  rid: 10,
  repairedRid: 11,
} as const satisfies Record<ExtensionName, number>;

/** `a=extmap` entries of an offer of ours. */
export function offeredExtensions(names: readonly ExtensionName[]): HeaderExtension[] {
  return names.map((name) => ({ id: OFFERED_EXTENSION_IDS[name], uri: EXTENSION_URIS[name] }));
}

/** Finds the known extensions. */
export function extensionIds(extensions: readonly HeaderExtension[]): ExtensionIds {
  const ids: { [name in ExtensionName]?: number } = {};
  for (const name of Object.keys(EXTENSION_URIS) as ExtensionName[]) {
    const found = extensions.find((extension) => extension.uri === EXTENSION_URIS[name]);
    if (found) ids[name] = found.id;
  }
  return ids;
}
