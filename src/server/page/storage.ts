/** What the page remembers in this browser: the name last used and the devices chosen. Storage may be forbidden; then nothing is kept. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`sluice.${key}`, value);
  } catch {
    return;
  }
}

/** What was remembered, or the empty string. */
export function recall(key: string): string {
  try {
    return localStorage.getItem(`sluice.${key}`) ?? '';
  } catch {
    return '';
  }
}
