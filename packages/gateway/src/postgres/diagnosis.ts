import { GatewayError } from '../errors.ts';

/** The driver gives this error no code. It is what decides between `sslmode` prefer and require. */
const NO_TLS = 'The server does not support SSL connections';

const CREDENTIALS = 'correct user and password in POSTERN_DATABASE_URL';
const CERTIFICATE =
  'check the server’s certificate, and sslrootcert and host in POSTERN_DATABASE_URL';

/**
 * What no retry mends, by SQLSTATE or by Node's error code, and what does. Everything else may pass
 * by itself: a server that is down, starting up, full, or not yet known to the name service.
 */
const mends: Readonly<Record<string, string>> = {
  '28P01': `the password was refused; ${CREDENTIALS}`,
  '28000':
    'the server does not let this user in; check user and sslmode in POSTERN_DATABASE_URL, and pg_hba.conf on the server',
  '3D000': 'the database does not exist; create it, or name another one in POSTERN_DATABASE_URL',
  '42501': 'the user may not connect to this database; GRANT CONNECT ON DATABASE to it',
  CERT_HAS_EXPIRED: `the server’s certificate has expired; ${CERTIFICATE}`,
  DEPTH_ZERO_SELF_SIGNED_CERT: `the server signed its certificate itself; ${CERTIFICATE}`,
  ERR_TLS_CERT_ALTNAME_INVALID: `the server’s certificate is for another host; ${CERTIFICATE}`,
  SELF_SIGNED_CERT_IN_CHAIN: `the server’s certificate is not trusted; ${CERTIFICATE}`,
  UNABLE_TO_GET_ISSUER_CERT: `the server’s certificate is not trusted; ${CERTIFICATE}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `the server’s certificate is not trusted; ${CERTIFICATE}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `the server’s certificate is not trusted; ${CERTIFICATE}`,
};

/** Whether connecting failed only because the server has no TLS. */
export function lacksTls(error: unknown): boolean {
  return error instanceof Error && error.message === NO_TLS;
}

/** The error to end with when no retry can mend what went wrong, naming the mend; else undefined. */
export function hopeless(error: unknown): GatewayError | undefined {
  if (error instanceof GatewayError) return error;

  const detail = mendOf(error);
  return detail === undefined
    ? undefined
    : new GatewayError('POSTERN_DATABASE', { detail, cause: error });
}

function mendOf(error: unknown): string | undefined {
  if (lacksTls(error)) {
    return 'the server has no TLS; switch it on there, or weaken sslmode in POSTERN_DATABASE_URL';
  }
  // SCRAM's own failures, an absent password among them, come without a code.
  if (error instanceof Error && error.message.startsWith('SASL: ')) {
    return `server and gateway could not prove the password to each other; ${CREDENTIALS}`;
  }
  const code = codeOf(error);
  return code === undefined ? undefined : mends[code];
}

/** What went wrong, in a few words for the log: the code, if there is one, or the driver's text. */
export function reasonOf(error: unknown): string {
  if (error instanceof GatewayError) return error.message;
  return codeOf(error) ?? (error instanceof Error ? error.message : 'unknown');
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
