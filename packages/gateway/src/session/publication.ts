import type { Notification } from '../postgres/envelope.ts';
import { messageFrame } from './frame.ts';

/**
 * What subscribers on `postern.v1` are told of a notification: its text, read, and when it came, in UNIX
 * seconds. Never throws.
 */
export function publicationFrame(
  { channel, payload }: Notification,
  text: string,
  at: number,
): Buffer {
  try {
    return messageFrame({ type: 'message', channel, payload: payload(), at });
  } catch {
    // JSON of thousands of brackets can be read and not written again. As a text it arrives.
    return messageFrame({ type: 'message', channel, payload: text, at });
  }
}
