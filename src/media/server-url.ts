/** Whether a text is the address of one session server: ws, wss, http or https. Pure. */
export function isServerUrl(text: string): boolean {
  return URL.canParse(text) && ['ws:', 'wss:', 'http:', 'https:'].includes(new URL(text).protocol);
}
