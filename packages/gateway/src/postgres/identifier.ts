import { GatewayError } from '../errors.ts';

/** `LISTEN` cuts longer names short without an error, so two channels could become one. */
const LONGEST_IDENTIFIER_BYTES = 63;

/**
 * Quotes a channel's name for `LISTEN`, the one statement that takes no parameters. Throws a
 * `GatewayError` for a name that PostgreSQL cannot hold as it is.
 */
export function quoteIdentifier(name: string): string {
  if (name === '' || name.includes('\0')) {
    throw unusable('the channel has an empty name, or one with a NUL in it');
  }
  if (Buffer.byteLength(name) > LONGEST_IDENTIFIER_BYTES) {
    throw unusable(`the channel’s name is longer than ${LONGEST_IDENTIFIER_BYTES} bytes`);
  }
  return `"${name.replaceAll('"', '""')}"`;
}

function unusable(what: string): GatewayError {
  return new GatewayError('POSTERN_CONFIG', {
    detail: `${what}; choose another POSTERN_DATABASE_CHANNEL`,
  });
}
