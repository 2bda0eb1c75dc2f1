import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import type { DatabaseAddress } from '#gateway/postgres/database-url.js';
import { parseDatabaseUrl } from '#gateway/postgres/database-url.js';

const refusal = { name: 'GatewayError', code: 'POSTERN_CONFIG' };

/** The parts of an address that were given a value. */
function config(url: string): Record<string, unknown> {
  const entries = Object.entries(parseDatabaseUrl(url).config);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function refusalOf(url: string): Error {
  try {
    parseDatabaseUrl(url);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new assert.AssertionError({ message: 'it was accepted' });
}

describe('parseDatabaseUrl', () => {
  it('reads host, port, user, password and database', () => {
    assert.deepEqual(config('postgres://anna:pass@db.example:6543/shop?sslmode=disable'), {
      host: 'db.example',
      port: 6543,
      user: 'anna',
      password: 'pass',
      database: 'shop',
      application_name: 'postern',
      ssl: false,
    });
  });

  it('leaves to the driver what is not there', () => {
    assert.deepEqual(config('postgresql:///?sslmode=disable'), {
      application_name: 'postern',
      ssl: false,
    });
  });

  it('decodes user, password and database once', () => {
    const { user, password, database } = config('postgres://a%40b:p%2525%2F@h/d%20b');
    assert.deepEqual([user, password, database], ['a@b', 'p%25/', 'd b']);
  });

  it('reads an IPv6 address without its brackets', () => {
    assert.equal(config('postgres://[::1]:5433/db')['host'], '::1');
  });

  it('takes the host, and the rest, from parameters too', () => {
    const parameters =
      'host=/run/postgresql&port=5433&user=u&password=p&dbname=d&options=-c%20x%3D1';
    assert.deepEqual(config(`postgres://?${parameters}&application_name=me`), {
      host: '/run/postgresql',
      port: 5433,
      user: 'u',
      password: 'p',
      database: 'd',
      options: '-c x=1',
      application_name: 'me',
      ssl: false,
    });
  });

  it('accepts a user before an empty host, as libpq does', () => {
    const { user, database, host } = config('postgres://anna:pass@/shop?host=/tmp');
    assert.deepEqual([user, database, host], ['anna', 'shop', '/tmp']);
    assert.equal(config('postgres://anna@/shop')['host'], 'localhost');
  });

  it('brings any user, password and database through', () => {
    const part = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(part, part, part, (user, password, database) => {
        fc.pre(!/^\.{1,2}$/.test(database));
        const [u, p, d] = [user, password, database].map(encodeURIComponent);
        const read = config(`postgres://${u}:${p}@host/${d}`);
        assert.deepEqual(
          [read['user'], read['password'], read['database']],
          [user, password, database],
        );
      }),
    );
  });

  it('refuses other schemes and forms, and several hosts', () => {
    const others = [
      '',
      'localhost',
      'host=localhost dbname=shop',
      'mysql://host/db',
      'postgres:host/db',
      'http://postgres://host/db',
      'postgres://host:99999/db',
      'postgres://host:port/db',
      'postgres://one,two/db',
      'postgres://one/db?host=one,two',
      'postgres://host/db?port=5432,5433',
      'postgres://host/db?port=70000',
      'postgres://h%zz/db',
      'postgres://user:%zz@host/db',
    ];
    for (const url of others) assert.throws(() => parseDatabaseUrl(url), refusal, url);
  });

  it('never repeats anything of the URL, not even in a cause', () => {
    const urls = [
      'mysql://user:hunter2@host/db',
      'postgres://user:hunter2%zz@host/db',
      'postgres://user:hunter2@host:port/db',
      'postgres://user:hunter2@host/db?sslmode=hunter2',
      'postgres://user:hunter2@host/db?sslhunter2=1',
      'postgres://user:hunter2@host/db?sslmode=verify-ca',
      'postgres://user:hunter2@one,two/db',
    ];
    for (const url of urls) assert.doesNotMatch(inspect(refusalOf(url)), /hunter2/, url);
  });

  it('throws nothing but its own error, whatever the text', () => {
    const parts = fc.constantFrom(
      'postgres://',
      '@',
      ':',
      '/',
      '?',
      '%',
      'ssl',
      '=',
      '[',
      'x',
      '5',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts).map((list) => list.join('')),
        ),
        (text) => {
          try {
            parseDatabaseUrl(text);
          } catch (error) {
            assert.equal(error instanceof Error && error.name, 'GatewayError');
          }
        },
      ),
    );
  });
});

describe('sslmode', () => {
  const url = (parameters: string): string => `postgres://host/db?${parameters}`;
  const tls = (parameters: string): unknown => parseDatabaseUrl(url(parameters)).config.ssl;
  const address = (parameters: string): DatabaseAddress => parseDatabaseUrl(url(parameters));
  let folder = '';
  let root = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'database-url-'));
    root = join(folder, 'root.pem');
    writeFileSync(root, 'the authority');
  });
  after(() => rmSync(folder, { recursive: true }));

  it('prefers TLS and goes on without, unless something else is asked for', () => {
    for (const parameters of ['', 'sslmode=prefer', 'sslmode=allow']) {
      assert.deepEqual(tls(parameters), { rejectUnauthorized: false }, parameters);
      assert.ok(address(parameters).plainTextAllowed, parameters);
    }
  });

  it('disable: never', () => {
    assert.equal(tls('sslmode=disable'), false);
    assert.ok(!address('sslmode=disable').plainTextAllowed);
  });

  it('require: always, whoever the server is', () => {
    assert.deepEqual(tls('sslmode=require'), { rejectUnauthorized: false });
    assert.ok(!address('sslmode=require').plainTextAllowed);
  });

  it('verify-full: the authority and the name of the host', () => {
    assert.deepEqual(tls('sslmode=verify-full'), {});
    assert.deepEqual(tls('sslmode=verify-full&sslrootcert=system'), {});
    assert.deepEqual(tls(`sslmode=verify-full&sslrootcert=${root}`), { ca: 'the authority' });
    assert.ok(!address('sslmode=verify-full').plainTextAllowed);
  });

  it('verify-ca, and require with a root certificate: the authority, and any host', () => {
    for (const mode of ['verify-ca', 'require']) {
      const { ca, checkServerIdentity } = Object(tls(`sslmode=${mode}&sslrootcert=${root}`));
      assert.equal(ca, 'the authority', mode);
      assert.equal(checkServerIdentity(), undefined, mode);
    }
  });

  it('verify-ca without an authority of one’s own is refused: it would trust anybody', () => {
    for (const more of ['', '&sslrootcert=system']) {
      assert.throws(() => tls(`sslmode=verify-ca${more}`), refusal);
    }
    assert.match(refusalOf(url('sslmode=verify-ca')).message, /verify-full/);
  });

  it('sends a client certificate, which needs its key', () => {
    assert.deepEqual(tls(`sslmode=verify-full&sslcert=${root}&sslkey=${root}`), {
      cert: 'the authority',
      key: 'the authority',
    });
    assert.throws(() => tls(`sslcert=${root}`), refusal);
    assert.throws(() => tls(`sslkey=${root}`), refusal);
  });

  it('refuses a file that cannot be read by the name of its parameter', () => {
    assert.match(refusalOf(url('sslmode=verify-full&sslrootcert=/nowhere')).message, /sslrootcert/);
  });

  it('is not passed over when it is misspelt or unknown', () => {
    for (const parameters of ['sslmod=verify-full', 'ssl=true', 'sslmode=verify', 'sslmode=']) {
      assert.throws(() => tls(parameters), refusal, parameters);
    }
  });

  it('means nothing for a socket in the file system', () => {
    assert.equal(parseDatabaseUrl('postgres:///db?host=/tmp').config.ssl, false);
  });
});
