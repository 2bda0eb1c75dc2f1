import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { ClientConfig } from 'pg';
import { GatewayError } from '../errors.ts';

/** How to reach a database, as its URL says it. */
export interface DatabaseAddress {
  /** What the driver is given. Holds the password: not for logs. */
  readonly config: ClientConfig;
  /** Whether the connection goes on in plain text when the server has no TLS. */
  readonly plainTextAllowed: boolean;
}

/**
 * Reads a `postgres://` or `postgresql://` URL. `sslmode` means what it means to libpq, with
 * `prefer` as its default; `allow` is taken as `prefer`, which tries TLS first. Throws a
 * `GatewayError` that names the parameter and the mend and never holds any of the URL.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const url = parseUrl(text);
  const parameter = (name: string): string | undefined => url.searchParams.get(name) ?? undefined;
  const host = parameter('host') ?? decoded(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  const port = parameter('port') ?? url.port;
  if (host.includes(',') || !/^\d{0,5}$/.test(port) || Number(port) > 65_535) {
    throw badUrl('expected one host and one port');
  }

  return {
    config: {
      host: given(host),
      port: port === '' ? undefined : Number(port),
      user: given(parameter('user') ?? decoded(url.username)),
      password: given(parameter('password') ?? decoded(url.password)),
      database: given(parameter('dbname') ?? decoded(url.pathname.slice(1))),
      options: given(parameter('options') ?? ''),
      application_name: parameter('application_name') ?? 'postern',
      // A socket in the file system never leaves the machine: libpq has no TLS there either.
      ssl: host.startsWith('/') ? false : tlsOptions(url.searchParams),
    },
    plainTextAllowed: ['allow', 'prefer'].includes(parameter('sslmode') ?? 'prefer'),
  };
}

function parseUrl(text: string): URL {
  // `postgres://user@/database` has no host, which libpq takes and the URL standard does not.
  const complete = URL.canParse(text) ? text : text.replace('@/', '@localhost/');
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(complete)) {
    throw badUrl('expected postgres://user:password@host:port/database');
  }
  return new URL(complete);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Its message would not help, and the part may be a password.
    throw badUrl('expected valid percent-encoding (a `%` itself is `%25`)');
  }
}

/** What a URL leaves out is left to the driver, which has libpq's defaults. */
function given(value: string): string | undefined {
  return value === '' ? undefined : value;
}

type Tls = (rootCertificate: string | undefined) => ConnectionOptions | false;

const unverified: Tls = () => ({ rejectUnauthorized: false });

const verifiedAuthority: Tls = (rootCertificate) => {
  // Anybody can have a certificate from a public authority: only the host's name tells them apart.
  if (rootCertificate === undefined || rootCertificate === 'system') {
    throw badUrl('sslmode=verify-ca needs a file in sslrootcert; or use sslmode=verify-full');
  }
  return { ...authority(rootCertificate), checkServerIdentity: () => undefined };
};

const verifiedHost: Tls = (rootCertificate) =>
  rootCertificate === undefined ? {} : authority(rootCertificate);

/** What each `sslmode` asks of the server's certificate. */
const sslModes: Readonly<Record<string, Tls>> = {
  disable: () => false,
  allow: unverified,
  prefer: unverified,
  // libpq: `require` with a root certificate is `verify-ca`.
  require: (root) => (root === undefined ? unverified(root) : verifiedAuthority(root)),
  'verify-ca': verifiedAuthority,
  'verify-full': verifiedHost,
};

function tlsOptions(parameters: URLSearchParams): ConnectionOptions | false {
  const tls = sslModes[parameters.get('sslmode') ?? 'prefer'];
  if (tls === undefined) throw badUrl(`sslmode is one of ${Object.keys(sslModes).join(', ')}`);

  for (const name of parameters.keys()) {
    // A misspelt or unsupported demand for safety must not be passed over in silence.
    if (name.startsWith('ssl') && !['sslmode', 'sslrootcert', 'sslcert', 'sslkey'].includes(name)) {
      throw badUrl('of the ssl parameters, sslmode, sslrootcert, sslcert and sslkey are supported');
    }
  }
  const options = tls(parameters.get('sslrootcert') ?? undefined);
  return options === false ? false : { ...options, ...clientCertificate(parameters) };
}

function clientCertificate(parameters: URLSearchParams): ConnectionOptions {
  const certificate = parameters.get('sslcert');
  const key = parameters.get('sslkey');
  if (certificate === null && key === null) return {};
  if (certificate === null || key === null) throw badUrl('sslcert and sslkey go together');
  return { cert: fileContents('sslcert', certificate), key: fileContents('sslkey', key) };
}

function authority(rootCertificate: string): ConnectionOptions {
  // `system` is libpq's word for the certificate authorities that the system trusts.
  return rootCertificate === 'system' ? {} : { ca: fileContents('sslrootcert', rootCertificate) };
}

function fileContents(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw badUrl(`the file that ${parameter} names cannot be read`, cause);
  }
}

function badUrl(mend: string, cause?: unknown): GatewayError {
  return new GatewayError('POSTERN_CONFIG', { detail: `POSTERN_DATABASE_URL: ${mend}`, cause });
}
