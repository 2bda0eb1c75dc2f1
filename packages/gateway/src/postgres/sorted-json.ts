/**
 * JSON text of a JSON value, the keys of its objects in alphabetical order at every depth. Written
 * by hand since JavaScript puts keys that look like numbers first in any object, sorted or not.
 */
export function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${sortedMembers(value).join(',')}}`;
}

/** The members of an object as JSON text, `"key":value` each, in alphabetical order. */
export function sortedMembers(object: object): string[] {
  const entries: [string, unknown][] = Object.entries(object);
  return entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${JSON.stringify(key)}:${sortedJson(value)}`);
}
