import { encodeMessage } from '@postern/client/protocol';
import type { Notification } from '../postgres/envelope.ts';

/** What subscribers are told of beside what a notification says. */
export interface Whereabouts {
  /** The notification's text. */
  readonly text: string;
  /** When it came, in UNIX seconds. */
  readonly at: number;
  /** Its place in the feed. */
  readonly cursor: string;
}

/** A notification as the message that its subscribers get: the JSON text of it. Never throws. */
export function publicationText(
  { channel, sub, payload }: Notification,
  { text, at, cursor }: Whereabouts,
): string {
  // What else the sender's token says is nobody's business.
  const sender = sub === undefined ? {} : { claims: { sub } };
  const tell = (what: unknown): string =>
    encodeMessage({ type: 'message', channel, payload: what, cursor, at, ...sender });
  try {
    return tell(payload());
  } catch {
    // JSON of thousands of brackets can be read and not written again. As a text it arrives.
    return tell(text);
  }
}
