import type { DestinationStream } from 'pino';

/** What stands where a credential stood. */
const CENSOR = '[redacted]';

/** Names under which a credential could slip into the fields of an event. */
const CREDENTIALS = [
  'authorization',
  'cookie',
  'csrf',
  'password',
  'path',
  'secret',
  'token',
  'url',
] as const;

/**
 * Where pino hides what is named like a credential: in the fields, and one level below. Nothing
 * should come here; what does is a mistake of whoever logged it, made harmless.
 */
export const namedLikeCredentials = {
  paths: CREDENTIALS.flatMap((name) => [name, `*.${name}`]),
  censor: CENSOR,
};

/** A JWT, wherever it stands (RFC 7515, section 7.1): a header, `{"…` or `{ …`, begins like this in base64url. */
const JWT = /ey[AJ][\w-]{4,}\.[\w-]{2,}(?:\.[\w-]*)?/g;

/** A password in a URL (RFC 3986, section 3.2.1). */
const URL_PASSWORD = /(:\/\/[^\s/:@"]*:)[^\s/"]+@/g;

/** A text without what looks like a credential. */
export function scrub(text: string): string {
  return text.replaceAll(JWT, CENSOR).replaceAll(URL_PASSWORD, `$1${CENSOR}@`);
}

/**
 * Scrubs whole lines on their way out. Names do not help where a credential is part of a text: in the
 * message of an error that a hook threw, or a driver.
 */
export function scrubbed(destination: DestinationStream): DestinationStream {
  return { write: (line) => destination.write(scrub(line)) };
}
