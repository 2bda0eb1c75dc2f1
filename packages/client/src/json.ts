/** An object that came from JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The object that a text is; undefined where it is none. A list counts as one, of which no member is known. What its
 * members are is the word of whoever said it.
 */
export function parseObject<Said extends object = JsonObject>(text: unknown): Said | undefined {
  try {
    const value = JSON.parse(String(text));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // No JSON: the page of a proxy, most likely.
    return undefined;
  }
}
