import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../errors.ts';

/** What `postern dev` makes up once and keeps, so that tokens and connection strings stay valid. */
export interface DevKeys {
  /** HMAC secret of the tokens, as text. */
  readonly jwtSecret: string;
  /** Of the embedded PostgreSQL's superuser, who could run programs: never shown. */
  readonly databasePassword: string;
  /** Of the role that the gateway and the examples on the page log in with. */
  readonly rolePassword: string;
}

/** Where in the folder the database is. */
export const DATA = 'postgres';

/**
 * The keys in `folder`, made at the first call. Nobody else may read them. Throws `POSTERN_CONFIG`
 * when they cannot be read, or are gone while their database is still there.
 */
export function devKeys(folder: string): DevKeys {
  mkdirSync(folder, { recursive: true });
  // An older umask, or a copy of the folder, must not open what is kept in it.
  chmodSync(folder, 0o700);
  const path = join(folder, 'keys.json');
  if (existsSync(path)) return readKeys(path);
  // The database keeps the password that it was made with: new keys would not open it.
  if (existsSync(join(folder, DATA))) throw broken(path);

  const keys: DevKeys = {
    jwtSecret: secret(),
    databasePassword: secret(),
    rolePassword: secret(),
  };
  writeFileSync(path, `${JSON.stringify(keys, undefined, 2)}\n`, { mode: 0o600 });
  return keys;
}

function secret(): string {
  return randomBytes(32).toString('base64url');
}

function readKeys(path: string): DevKeys {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isDevKeys(value)) return value;
  } catch (cause) {
    throw broken(path, cause);
  }
  throw broken(path);
}

function isDevKeys(value: unknown): value is DevKeys {
  return (
    typeof value === 'object' &&
    value !== null &&
    'jwtSecret' in value &&
    typeof value.jwtSecret === 'string' &&
    'databasePassword' in value &&
    typeof value.databasePassword === 'string' &&
    'rolePassword' in value &&
    typeof value.rolePassword === 'string'
  );
}

function broken(path: string, cause?: unknown): GatewayError {
  return new GatewayError('POSTERN_CONFIG', {
    cause,
    detail: `${path} cannot be read. Remove its folder to begin anew; the database in it goes, too.`,
  });
}
