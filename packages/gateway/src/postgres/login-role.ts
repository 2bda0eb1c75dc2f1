import { Database } from './connect.ts';
import { driver } from './driver.ts';
import { quoteIdentifier } from './identifier.ts';

const DEADLINE_MS = 10_000;
const DUPLICATE_OBJECT = '42710';

/** An account of the database that is nothing but one: no superuser, and maker of no others. */
export interface LoginRole {
  /** At most 63 bytes. */
  readonly name: string;
  readonly password: string;
}

/**
 * Makes the role, or sets right the one that is there: it may log in with this password, and make
 * tables and functions in the schemas `public` and `postern` of the database that `superuserUrl` names. Returns
 * that URL with the role in the superuser's place. Throws what the driver throws.
 */
export async function ensureLoginRole(
  superuserUrl: string,
  { name, password }: LoginRole,
): Promise<string> {
  const { escapeLiteral } = await driver();
  const role = quoteIdentifier(name);
  const database = new Database({ url: superuserUrl, poolSize: 1, log: () => {} });
  try {
    // Nothing here calls a function or an operator: the role could have put its own in their place.
    await database.run(`CREATE ROLE ${role}`, [], DEADLINE_MS).catch(unlessThere);
    await database.run(
      `ALTER ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
        PASSWORD ${escapeLiteral(password)}`,
      [],
      DEADLINE_MS,
    );
    await database.run(`GRANT CREATE, USAGE ON SCHEMA public TO ${role}`, [], DEADLINE_MS);
    // The gateway's own: it may create no other.
    await database.run(
      `CREATE SCHEMA IF NOT EXISTS postern AUTHORIZATION ${role}`,
      [],
      DEADLINE_MS,
    );
  } finally {
    await database.stop();
  }

  const url = new URL(superuserUrl);
  url.username = encodeURIComponent(name);
  url.password = encodeURIComponent(password);
  return url.href;
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === DUPLICATE_OBJECT)) throw error;
}
