import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { selfSignedCertificate } from '../support/certificate.ts';
import { startPostern } from '../support/child.ts';
import { examine, finds, PATIENCE_MS } from '../support/doctor.ts';
import type { Examination } from '../support/doctor.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { behindPooler } from '../support/pooler.ts';
import { freshDatabase } from '../support/postgres.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });
const folder = mkdtempSync(join(tmpdir(), 'postern-doctor-'));
after(() => rmSync(folder, { recursive: true }));

const SECRET = randomBytes(32).toString('base64url');
const PASSWORD = new URL(database.url).password;

/** A set-up with which nothing is wrong. */
const sound = {
  POSTERN_DATABASE_URL: database.url,
  POSTERN_DATABASE_CHANNEL: database.channel,
  POSTERN_JWT_SECRET: SECRET,
  POSTERN_HOST: '127.0.0.1',
  POSTERN_PORT: '0',
  POSTERN_URL_TOKENS: 'true',
  POSTERN_ALLOWED_ORIGINS: 'https://app.example.com',
};

/** Examines the sound set-up with something changed, and sees that no secret is told. */
async function examined(changes: Readonly<Record<string, string>> = {}): Promise<Examination> {
  const examination = await examine(scope, { ...sound, ...changes });
  assert.equal(examination.stderr, '');
  for (const secret of [SECRET, PASSWORD, 'hunter2'])
    assert.ok(!examination.stdout.includes(secret));
  return examination;
}

/** The URL of the database with something changed. */
function changedUrl(change: (url: URL) => void): { readonly POSTERN_DATABASE_URL: string } {
  const url = new URL(database.url);
  change(url);
  return { POSTERN_DATABASE_URL: url.href };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** The files of a certificate that ends so many days from now, and of a key: its own, unless said. */
function tls(name: string, toDays: number, key?: string) {
  const made = selfSignedCertificate({ fromDays: -9, toDays });
  return {
    POSTERN_TLS_CERTIFICATE: file(`${name}.crt`, made.certificate),
    POSTERN_TLS_KEY: file(`${name}.key`, key ?? made.key),
  };
}

/** A port on which nothing listens any more. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(typeof address === 'object' && address !== null);
  return String(address.port);
}

describe('postern doctor, of a sound set-up', () => {
  it('finds nothing, leaves nothing behind, and ends with 0', async () => {
    const examination = await examined();
    assert.equal(examination.code, 0);
    for (const { check, status, found } of examination.checks.values())
      assert.ok(status === 'ok' || status === 'skipped', `${check}: ${found}`);
    finds(examination, 'database', { status: 'ok', found: /^postgres:.*:\*\*\*@/ });
    finds(examination, 'listen', { status: 'ok', found: /NOTIFY and back in \d+\.\d ms/ });
    finds(examination, 'clock', { status: 'ok', found: /\d s (ahead|behind).*±/ });
    finds(examination, 'version', { status: 'ok', found: /PostgreSQL 18/ });
    finds(examination, 'keys', { status: 'ok', found: /secret of 43 bytes/ });

    const rows = await database.query(
      `SELECT 1 FROM pg_namespace WHERE nspname LIKE 'postern%'
       UNION ALL SELECT 1 FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'postern'`,
    );
    assert.deepEqual(rows, []);
  });

  it('says it for people in columns, each mend below its row, without colour off a terminal', async () => {
    const env = { ...sound, POSTERN_JWT_SECRET: 'hunter2' };
    const child = startPostern(scope, ['doctor'], { env });
    assert.equal((await child.exited(PATIENCE_MS)).code, 1);
    assert.match(child.stdout, /^✓ configuration {2}readable\n/);
    assert.match(
      child.stdout,
      /^✗ keys {11}.*shorter than 32 bytes.*\n {17}→ use a longer secret.*$/m,
    );
    assert.match(child.stdout, /^– certificate {4}not asked: no TLS of our own$/m);
    assert.match(child.stdout, /\n\n\d+ ok, 0 warnings, 1 problem, \d+ not asked\n$/);
    assert.ok(!child.stdout.includes('\u001b'));
  });
});

interface Case {
  readonly changes: () =>
    Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
  readonly check: string;
  readonly status: 'problem' | 'warning';
  readonly found: RegExp;
  readonly mend: RegExp;
  readonly code?: number;
}

const broken: Readonly<Record<string, Case>> = {
  'a wrong password': {
    changes: () => changedUrl((url) => void (url.password = 'hunter2')),
    check: 'database',
    status: 'problem',
    found: /the password was refused/,
    mend: /correct user and password in POSTERN_DATABASE_URL/,
  },
  'a database that does not exist': {
    changes: () => changedUrl((url) => void (url.pathname = '/nowhere')),
    check: 'database',
    status: 'problem',
    found: /the database does not exist/,
    mend: /create it, or name another one/,
  },
  'a port on which nothing listens': {
    changes: async () => {
      const port = await closedPort();
      return changedUrl((url) => void (url.port = port));
    },
    check: 'database',
    status: 'problem',
    found: /nothing listens at that host and port/,
    mend: /see that it runs/,
  },
  'TLS that the server does not have': {
    changes: () => changedUrl((url) => url.searchParams.set('sslmode', 'require')),
    check: 'database',
    status: 'problem',
    found: /the server has no TLS/,
    mend: /weaken sslmode/,
  },
  'no database': {
    changes: () => ({ POSTERN_DATABASE_URL: '' }),
    check: 'database',
    status: 'problem',
    found: /POSTERN_DATABASE_URL is not set/,
    mend: /set it/,
  },
  'a pooler in transaction mode': {
    changes: async () => {
      const url = await behindPooler(scope, database.url);
      return { POSTERN_DATABASE_URL: url };
    },
    check: 'listen',
    status: 'problem',
    found: /pooler in transaction mode/,
    mend: /name the server itself, or a pooler in session mode/,
  },
  'a clock that is off': {
    changes: async () => {
      await database.query(`CREATE SCHEMA off;
        CREATE FUNCTION off.clock_timestamp() RETURNS timestamptz LANGUAGE sql
        AS 'SELECT pg_catalog.clock_timestamp() + interval ''60 s'''`);
      return changedUrl((url) => url.searchParams.set('options', '-c search_path=off,pg_catalog'));
    },
    check: 'clock',
    status: 'problem',
    found: /(?:59|60)\.\d+ s ahead.*POSTERN_CLOCK_LEEWAY/,
    mend: /NTP/,
  },
  'a short secret': {
    changes: () => ({ POSTERN_JWT_SECRET: 'hunter2' }),
    check: 'keys',
    status: 'problem',
    found: /shorter than 32 bytes/,
    mend: /use a longer secret/,
  },
  'a certificate that has expired': {
    changes: () => tls('expired', -1),
    check: 'certificate',
    status: 'problem',
    found: /expired on \d{4}-/,
    mend: /renew it/,
  },
  'the key of another certificate': {
    changes: () => tls('mismatch', 90, selfSignedCertificate().key),
    check: 'certificate',
    status: 'problem',
    found: /the key is not that of the certificate/,
    mend: /name a pair/,
  },
  'a variable that is no option': {
    // Put together: tests, as pages, name options only.
    changes: () => ({ [['POSTERN', 'ALOWED', 'ORIGINS'].join('_')]: 'https://x.test' }),
    check: 'variables',
    status: 'warning',
    found: /\(POSTERN_ALLOWED_ORIGINS\?\)/,
    mend: /correct the name/,
  },
  'a configuration that cannot be read': {
    changes: () => ({ POSTERN_PORT: 'hunter2', POSTERN_POOL_SIZE: '-1' }),
    check: 'configuration',
    status: 'problem',
    found: /POSTERN_POOL_SIZE: expected 1 to 1000[^]*POSTERN_PORT: expected a whole number/,
    mend: /correct each/,
    code: 2,
  },
};

describe('postern doctor', () => {
  for (const [what, { changes, check, status, found, mend, code }] of Object.entries(broken))
    it(`finds ${what}, and what mends it`, async () => {
      const examination = await examined(await changes());
      assert.equal(examination.code, code ?? (status === 'problem' ? 1 : 0));
      finds(examination, check, { status, found, mend });
      // What does not stand on it is asked all the same, what does is not.
      const isReadable = check !== 'configuration';
      assert.equal(examination.checks.get('port')?.status, isReadable ? 'ok' : 'skipped');
      const isReached = isReadable && check !== 'database';
      assert.equal(examination.checks.get('version')?.status, isReached ? 'ok' : 'skipped');
    });

  it('takes a user without rights and with few connections for what it is', async () => {
    const role = `gate_${randomBytes(4).toString('hex')}`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 8`);
    scope.after(async () => void (await database.query(`DROP ROLE ${role}`)));
    const url = changedUrl((it) => {
      it.username = role;
      it.password = 'hunter2';
    });
    const examination = await examined({ ...url, POSTERN_POOL_SIZE: '9' });
    assert.equal(examination.code, 1);
    finds(examination, 'connections', {
      status: 'problem',
      found: /10 are needed, of 8 are 8 free/,
      mend: /POSTERN_POOL_SIZE/,
    });
    finds(examination, 'schema', {
      status: 'warning',
      found: /may not create what is missing in the schema postern/,
      mend: /GRANT CREATE ON DATABASE/,
    });
    finds(examination, 'listen', { status: 'ok', found: /nonce/ });
  });

  it('warns of a port that is taken, by the gateway itself perhaps', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    scope.after(async () => {
      server.close();
      await once(server, 'close');
    });
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const examination = await examined({ POSTERN_PORT: String(address.port) });
    assert.equal(examination.code, 0);
    finds(examination, 'port', { status: 'warning', found: /is taken/, mend: /POSTERN_PORT/ });
  });

  it('takes flags, and nothing else', async () => {
    const child = startPostern(scope, ['doctor', 'now', '--pool-size', '3'], { env: sound });
    assert.equal((await child.exited(PATIENCE_MS)).code, 2);
    assert.match(child.stderr, /flags only/);
  });
});
