/** Whether a value is a map of values: an object that is no list. */
export function isMapOf(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
