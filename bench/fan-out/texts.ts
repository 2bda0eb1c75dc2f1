/** Each text has this character once, and nothing else that a server sends has it. */
export const MARKER = '#';

/** Bytes of a text that a subscriber receives. */
const TEXT_BYTES = 127;

/** The channel of all messages, wherever channels have names. */
export const CHANNEL = 'hall';

let written = 0;

/** A text that fills a message, unlike any before: PostgreSQL folds those that are equal. */
export function nextText(bytes: number = TEXT_BYTES): string {
  written += 1;
  return `${MARKER}${written}`.padEnd(bytes, '.');
}

/** The same as a notification that a gateway hands on as it is. */
export function nextNotification(): string {
  const empty = JSON.stringify({ channel: CHANNEL, payload: '' });
  return JSON.stringify({ channel: CHANNEL, payload: nextText(TEXT_BYTES - empty.length) });
}
