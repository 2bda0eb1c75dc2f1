import { randomUUID } from 'node:crypto';
import { fitsNotification, LONGEST_ENVELOPE_BYTES, readNotification } from './envelope.ts';
import type { LongText } from './outgoing.ts';
import { writeReference } from './payload-reference.ts';

const NONE: readonly never[] = [];

/**
 * Where those of the texts of one message are to lie that NOTIFY does not take, at their places; empty: it takes
 * all. Undefined: one of them is too long for that, too.
 */
export function longTextsIn(
  texts: readonly string[],
  databaseChannel: string,
): readonly (LongText | undefined)[] | undefined {
  if (texts.every(fitsNotification)) return NONE;
  const longs = texts.map((text) => fitsNotification(text) || longText(text, databaseChannel));
  if (longs.includes(undefined)) return undefined;
  return longs.map((long) => (typeof long === 'object' ? long : undefined));
}

function longText(text: string, databaseChannel: string): LongText | undefined {
  if (Buffer.byteLength(text) > LONGEST_ENVELOPE_BYTES) return undefined;
  const id = randomUUID();
  const { channel } = readNotification(text, databaseChannel);
  const reference = writeReference({ id, channel, databaseChannel });
  // A channel may have any name that a token gives it.
  return fitsNotification(reference) ? { id, reference } : undefined;
}
