/** Where a text lies that is too long for a notification. */
export interface PayloadReference {
  /** Of its row in `postern.payload`. */
  readonly id: string;
  /** Whose subscribers it is for, as the text itself says, too. */
  readonly channel: string;
  /** Whose gateways: others leave it alone. */
  readonly databaseChannel: string;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What is notified in place of the text. `postern.publish` writes the same. */
export function writeReference({ id, channel, databaseChannel }: PayloadReference): string {
  return JSON.stringify({ id, channel, databaseChannel });
}

/** Reads what was said on the private channel; undefined: something else. Anybody can say anything there. */
export function readReference(text: string): PayloadReference | undefined {
  // Nonces and words are told apart without reading them.
  if (!text.startsWith('{')) return undefined;
  const value = parseObject(text);
  if (value === undefined || Object.keys(value).length !== 3) return undefined;
  const { id, channel, databaseChannel } = value;
  if (typeof id !== 'string' || !UUID.test(id)) return undefined;
  if (typeof channel !== 'string' || channel === '') return undefined;
  if (typeof databaseChannel !== 'string') return undefined;
  return { id, channel, databaseChannel };
}

function parseObject(text: string): Partial<Record<keyof PayloadReference, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    // No reference, then.
    return undefined;
  }
}
