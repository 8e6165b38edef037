/** The address of what is at `path` of a service, whether its own ends with a slash or not. Pure. */
export function serviceUrl(baseUrl: string, path: string): string {
  return `${baseUrl.replace(/\/+$/, '')}${path}`;
}
