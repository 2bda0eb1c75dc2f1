import { createHash } from 'node:crypto';

/** Who publishes, where, and the key that was chosen for the message. */
export interface ChosenKey {
  /** Of the credential: whatever it says, or undefined. */
  readonly issuer: unknown;
  readonly subject: unknown;
  readonly channel: string;
  readonly key: string;
}

/**
 * What `postern.publication_key` remembers a message by: `\\x` and the hexadecimal digits of a hash, so that
 * its length is always the same, and whoever may read the table learns no key of anybody's. Those of
 * `postern.publish` begin otherwise: a long transaction of SQL never keeps a gateway waiting.
 */
export function publicationKey({ issuer = null, subject = null, channel, key }: ChosenKey): string {
  const text = JSON.stringify(['session', issuer, subject, channel, key]);
  return `\\x${createHash('sha256').update(text).digest('hex')}`;
}
