/**
 * An address, or several with commas between them, without what may be secret: user, password, query and fragment. Of a text
 * that is no address it leaves out the same. Pure.
 */
export function publicUrl(text: string): string {
  return text
    .split(',')
    .map((url) =>
      url
        .trim()
        .replace(/[?#].*$/s, '')
        .replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1')
        .replace(/^([^/]*\/\/[^/]*)\/$/, '$1'),
    )
    .join(',');
}
