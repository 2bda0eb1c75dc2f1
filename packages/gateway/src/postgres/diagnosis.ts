import { GatewayError } from '../errors.ts';

/** The driver gives this error no code. It is what decides between `sslmode` prefer and require. */
const NO_TLS = 'The server does not support SSL connections';

/** What was found, and what mends it. Neither ever holds input, an address or a password. */
export interface Diagnosis {
  readonly found: string;
  readonly mend: string;
}

const CREDENTIALS = 'correct user and password in POSTERN_DATABASE_URL';
const CERTIFICATE =
  'check the server’s certificate, and sslrootcert and host in POSTERN_DATABASE_URL';
const RUNNING = 'see that it runs, and that POSTERN_DATABASE_URL names it';

const untrusted: Diagnosis = {
  found: 'the server’s certificate is not trusted',
  mend: CERTIFICATE,
};

/**
 * What no retry mends, by SQLSTATE or by Node's error code, and what does. Everything else may pass
 * by itself: a server that is down, starting up, full, or not yet known to the name service.
 */
const lasting: Readonly<Record<string, Diagnosis>> = {
  '28P01': { found: 'the password was refused', mend: CREDENTIALS },
  '28000': {
    found: 'the server does not let this user in',
    mend: 'check user and sslmode in POSTERN_DATABASE_URL, and pg_hba.conf on the server',
  },
  '3D000': {
    found: 'the database does not exist',
    mend: 'create it, or name another one in POSTERN_DATABASE_URL',
  },
  '42501': {
    found: 'the user may not connect to this database',
    mend: 'GRANT CONNECT ON DATABASE to it',
  },
  CERT_HAS_EXPIRED: { found: 'the server’s certificate has expired', mend: CERTIFICATE },
  DEPTH_ZERO_SELF_SIGNED_CERT: {
    found: 'the server signed its certificate itself',
    mend: CERTIFICATE,
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    found: 'the server’s certificate is for another host',
    mend: CERTIFICATE,
  },
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
};

/** What may pass by itself, and what to do when it does not. */
const passing: Readonly<Record<string, Diagnosis>> = {
  ECONNREFUSED: { found: 'nothing listens at that host and port', mend: RUNNING },
  ENOTFOUND: {
    found: 'the host’s name is not known',
    mend: 'correct the host in POSTERN_DATABASE_URL, or the name service of this machine',
  },
  EAI_AGAIN: {
    found: 'the name service does not answer',
    mend: 'see to the name service of this machine, and to the host in POSTERN_DATABASE_URL',
  },
  ENOENT: { found: 'the socket is not there', mend: RUNNING },
  '53300': {
    found: 'the server has no connection left',
    mend: 'raise max_connections there, or lower POSTERN_POOL_SIZE',
  },
  '57P03': { found: 'the server is starting up or shutting down', mend: 'try again in a moment' },
};

/** The words in which driver and gateway say that the server took too long. */
const LATE = /timeout|no answer within/;

/** Whether connecting failed only because the server has no TLS. */
export function lacksTls(error: unknown): boolean {
  return error instanceof Error && error.message === NO_TLS;
}

/** The error to end with when no retry can mend what went wrong, naming the mend; else undefined. */
export function hopeless(error: unknown): GatewayError | undefined {
  if (error instanceof GatewayError) return error;

  const diagnosis = lastingOf(error);
  return diagnosis === undefined
    ? undefined
    : new GatewayError('POSTERN_DATABASE', {
        detail: `${diagnosis.found}; ${diagnosis.mend}`,
        cause: error,
      });
}

/** What went wrong, and what to do about it, for a person who wants to know now. */
export function diagnose(error: unknown): Diagnosis {
  if (error instanceof GatewayError) return inTwo(error.detail ?? error.message);

  const known = lastingOf(error) ?? passing[codeOf(error) ?? ''];
  if (known !== undefined) return known;
  if (error instanceof Error && LATE.test(error.message)) {
    return {
      found: 'the server does not answer in time',
      mend: 'see that it is not stopped or overloaded, and that no firewall drops what is sent to it',
    };
  }
  return { found: `the server cannot be reached (${reasonOf(error)})`, mend: RUNNING };
}

/** Our own details say what was found up to the first semicolon, and then the mend. */
function inTwo(detail: string): Diagnosis {
  const [found = detail, ...rest] = detail.split('; ');
  return { found, mend: rest.length === 0 ? 'correct it' : rest.join('; ') };
}

function lastingOf(error: unknown): Diagnosis | undefined {
  if (lacksTls(error)) {
    return {
      found: 'the server has no TLS',
      mend: 'switch it on there, or weaken sslmode in POSTERN_DATABASE_URL',
    };
  }
  // SCRAM's own failures, an absent password among them, come without a code.
  if (error instanceof Error && error.message.startsWith('SASL: ')) {
    return {
      found: 'server and gateway could not prove the password to each other',
      mend: CREDENTIALS,
    };
  }
  const code = codeOf(error);
  return code === undefined ? undefined : lasting[code];
}

/** What went wrong, in a few words for the log: the code, if there is one, or the driver's text. */
export function reasonOf(error: unknown): string {
  if (error instanceof GatewayError) return error.message;
  return codeOf(error) ?? (error instanceof Error ? error.message : 'unknown');
}

/** The SQLSTATE of an error, or the code of the network's. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
