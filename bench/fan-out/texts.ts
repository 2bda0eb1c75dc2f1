/** Each text has this character once, and nothing else that a server sends has it. */
export const MARKER = '#';

/** Bytes of a text that a subscriber receives. */
const TEXT_BYTES = 127;

/** The channel of all messages, wherever channels have names. */
export const CHANNEL = 'hall';

let written = 0;

/** Texts that fill a message each, unlike any before: PostgreSQL folds those that are equal. */
export function nextTexts(count: number, bytes = TEXT_BYTES): readonly string[] {
  return Array.from({ length: count }, () => {
    written += 1;
    return `${MARKER}${written}`.padEnd(bytes, '.');
  });
}

/** The same as notifications, each as long in all, that a gateway hands on to a channel. */
export function nextNotifications(count: number): readonly string[] {
  const notification = (payload: string): string => JSON.stringify({ channel: CHANNEL, payload });
  return nextTexts(count, TEXT_BYTES - notification('').length).map(notification);
}
