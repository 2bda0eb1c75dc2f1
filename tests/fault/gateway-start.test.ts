import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { after, describe, it } from 'node:test';
import { startPostern } from '../support/child.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { behindPooler } from '../support/pooler.ts';
import { freshDatabase } from '../support/postgres.ts';
import { environmentFor } from '../support/served.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

/** Exit codes: something went wrong, something was configured wrongly. */
const [FAILED, MISCONFIGURED] = [1, 2];

/** The URL of the database with something changed. */
function url(change: (url: URL) => void): Readonly<Record<string, string>> {
  const changed = new URL(database.url);
  change(changed);
  return { POSTERN_DATABASE_URL: changed.href };
}

interface Case {
  readonly environment: () =>
    Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
  readonly code: number;
  /** What the last words name: the trouble, and the mend. */
  readonly says: RegExp;
}

/** What no waiting mends. */
const cases: Readonly<Record<string, Case>> = {
  'the password is wrong': {
    environment: () => url((it) => void (it.password = 'wrong-password')),
    code: FAILED,
    says: /the password was refused; correct user and password in POSTERN_DATABASE_URL/,
  },
  'the user does not exist': {
    environment: () => url((it) => void (it.username = 'nobody')),
    code: FAILED,
    says: /the password was refused; correct user and password in POSTERN_DATABASE_URL/,
  },
  'the database does not exist': {
    environment: () => url((it) => void (it.pathname = '/nowhere')),
    code: FAILED,
    says: /the database does not exist; create it, or name another one in POSTERN_DATABASE_URL/,
  },
  'the server has no TLS and it is asked for': {
    environment: () => url((it) => it.searchParams.set('sslmode', 'require')),
    code: FAILED,
    says: /the server has no TLS; switch it on there, or weaken sslmode in POSTERN_DATABASE_URL/,
  },
  'it is a read replica': {
    environment: pretendReplica,
    code: FAILED,
    says: /it is a read replica.*name the primary in POSTERN_DATABASE_URL/,
  },
  'there is a pooler in transaction mode in between': {
    environment: async () => ({
      POSTERN_DATABASE_URL: await behindPooler(scope, database.url),
    }),
    code: FAILED,
    says: /connection pooler in transaction mode.*name the server itself.*in POSTERN_DATABASE_URL/,
  },
  'nothing listens there and the attempts are used up': {
    environment: async () => ({
      ...url((it) => void (it.port = '1')),
      POSTERN_CONNECT_RETRIES: '2',
    }),
    code: FAILED,
    says: /could not be reached, 2 times \(ECONNREFUSED\).*POSTERN_DATABASE_URL names it/,
  },
  'the channel is longer than PostgreSQL can hold': {
    environment: () => ({ POSTERN_DATABASE_CHANNEL: 'é'.repeat(32) }),
    code: MISCONFIGURED,
    says: /POSTERN_DATABASE_CHANNEL: expected at most 63 bytes/,
  },
  'the channel is the gateways’ own': {
    environment: () => ({ POSTERN_DATABASE_CHANNEL: 'postern.private' }),
    code: MISCONFIGURED,
    says: /choose another POSTERN_DATABASE_CHANNEL/,
  },
  'no database is named': {
    environment: () => ({ POSTERN_DATABASE_URL: '' }),
    code: MISCONFIGURED,
    says: /POSTERN_DATABASE_URL is not set.*`postern dev`/,
  },
  'no key is named': {
    environment: () => ({ POSTERN_JWT_SECRET: '' }),
    code: MISCONFIGURED,
    says: /neither POSTERN_JWT_SECRET \(PGWS_JWT_SECRET\) nor POSTERN_JWKS is set: give one of them/,
  },
  'the secret is too short': {
    environment: () => ({ POSTERN_JWT_SECRET: 'x'.repeat(31) }),
    code: MISCONFIGURED,
    says: /POSTERN_JWT_SECRET.*32 bytes/,
  },
  'the port is taken': {
    environment: takenPort,
    code: FAILED,
    says: /EADDRINUSE.*Another program has it: stop that one, or set POSTERN_PORT/,
  },
};

/** Puts a function of our own before PostgreSQL's in the search path. */
async function pretendReplica(): Promise<Readonly<Record<string, string>>> {
  await database.query(`
    CREATE SCHEMA IF NOT EXISTS pretended;
    CREATE OR REPLACE FUNCTION pretended.pg_is_in_recovery() RETURNS boolean RETURN true`);
  return url((it) => it.searchParams.set('options', '-c search_path=pretended,pg_catalog'));
}

async function takenPort(): Promise<Readonly<Record<string, string>>> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  return { POSTERN_PORT: String(address.port) };
}

describe('postern serve ends at the start, with the mend and no secret, when', () => {
  const passwords = [new URL(database.url).password, 'wrong-password'];

  for (const [name, { environment, code, says }] of Object.entries(cases)) {
    it(name, async () => {
      const env = environmentFor({ ...database, environment: await environment() });
      const child = startPostern(scope, ['serve'], { env });
      assert.deepEqual(await child.exited(), { code, signal: undefined });
      const lastWords = child.stderr.trim();
      assert.match(lastWords, /^postern: /);
      assert.match(lastWords.replaceAll(/\s+/g, ' '), says);
      for (const password of passwords)
        assert.ok(!`${child.stdout}${lastWords}`.includes(password));
    });
  }
});
