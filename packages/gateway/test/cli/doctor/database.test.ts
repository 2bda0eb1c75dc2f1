import { describe, it } from 'node:test';
import type { Finding } from '#gateway/cli/doctor/check.js';
import { databaseChecks } from '#gateway/cli/doctor/database.js';
import type { ServerFacts } from '#gateway/postgres/inspection.js';
import { readMigrations } from '#gateway/postgres/migrations.js';
import { isFinding, reachedWith, run } from './grounds.ts';

const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);

type Row = readonly [string, Partial<ServerFacts>, Finding['status'], RegExp, RegExp?];

const rows: readonly Row[] = [
  ['version', { version: 110_022 }, 'problem', /PostgreSQL 11\.22 is too old/, /12 or later/],
  ['version', { version: 120_000 }, 'ok', /PostgreSQL 12\.0/],
  ['encoding', { encoding: 'LATIN1' }, 'warning', /LATIN1/, /UTF8/],
  ['replica', { replica: true }, 'problem', /read replica/, /name the primary/],
  ['listen', { replica: true }, 'skipped', /hears nothing/],
  ['pooler', { pooled: true }, 'warning', /pooler is in between/, /session mode/],
  ['pooler', {}, 'ok', /none/],
  ['clock', { clock: { seconds: -3, uncertainty: 0 } }, 'warning', /3\.000 s behind/, /NTP/],
  ['clock', { clock: { seconds: 6, uncertainty: 0 } }, 'problem', /6\.000 s ahead/, /NTP/],
  // What may be nothing but a slow way is no difference.
  ['clock', { clock: { seconds: 6, uncertainty: 5.5 } }, 'ok', /± 5\.500 s/],
  ['schema', { schema: { state: 'current' } }, 'ok', /all migrations have run/],
  [
    'schema',
    { schema: { state: 'pending', pending: readMigrations(), bare: true } },
    'ok',
    /pending.*start/,
  ],
  ['schema', { schema: { state: 'newer', found: 99 } }, 'ok', /later version/],
  ['schema', { schema: { state: 'forbidden' } }, 'warning', /raw protocol works/, /GRANT CREATE/],
  [
    'schema',
    { schema: { state: 'foreign', owner: 'mallory' } },
    'warning',
    /belongs to mallory/,
    /drop the schema/,
  ],
  ['schema', { schema: { state: 'readonly' } }, 'warning', /takes no writes/, /primary/],
  ['schema', { replica: true }, 'skipped', /left alone/],
  ['sql-channel', {}, 'ok', /listened on/],
  [
    'sql-channel',
    { publishChannel: 'another' },
    'warning',
    /does not come here/,
    /ALTER DATABASE … SET postern\.database_channel/,
  ],
  ['sql-channel', { schema: { state: 'forbidden' }, publishChannel: 'another' }, 'skipped', /not/],
  ['queue', { queueUsage: 0.09 }, 'ok', /9\.0 % full/],
  ['queue', { queueUsage: 0.1 }, 'warning', /10\.0 % full/, /pg_stat_activity/],
  ['queue', { queueUsage: 0.9 }, 'problem', /90\.0 % full.*every NOTIFY fails/, /end it/],
  ['connections', { connectionsLeft: 11 }, 'ok', /11 are needed/],
  ['connections', { connectionsLeft: 10 }, 'warning', /of 97 are 10 free/, /POOL_SIZE/],
  [
    'connections',
    { connectionsAtMost: 10, connectionsLeft: 10 },
    'problem',
    /of 10/,
    /max_connections/,
  ],
  [
    'database-tls',
    { tls: { encrypted: false, trusted: false, expires: undefined } },
    'warning',
    /whoever is in between can read/,
    /verify-full/,
  ],
  [
    'database-tls',
    { tls: { encrypted: true, trusted: false, expires: inDays(90) } },
    'warning',
    /nobody vouches/,
    /sslrootcert/,
  ],
  [
    'database-tls',
    { tls: { encrypted: true, trusted: true, expires: inDays(9) } },
    'warning',
    /expires on/,
    /renew it/,
  ],
  [
    'database-tls',
    { tls: { encrypted: true, trusted: false, expires: inDays(-2) } },
    'warning',
    /expired on/,
    /renew it/,
  ],
  ['database-tls', {}, 'ok', /encrypted, certificate until/],
];

describe('A check of the database', () => {
  for (const [name, facts, status, found, mend] of rows)
    it(`${name} takes ${JSON.stringify(facts)} to be ${status}`, async () => {
      isFinding(await run(databaseChecks, name, reachedWith(facts)), status, found, mend);
    });

  it('schema warns of pending migrations when the start runs none', async () => {
    const { configured, ...ground } = reachedWith({
      schema: { state: 'pending', pending: readMigrations(), bare: true },
    });
    const options = { ...configured.options, migrate: false };
    const finding = await run(databaseChecks, 'schema', {
      ...ground,
      configured: { ...configured, options },
    });
    isFinding(finding, 'warning', /POSTERN_MIGRATE is off/, /postern migrate/);
  });

  for (const host of ['localhost', '127.0.0.1', '[::1]'])
    it(`does not ask for TLS to ${host}`, async () => {
      const plain = { tls: { encrypted: false, trusted: false, expires: undefined } };
      const ground = reachedWith(plain, `postgres://gate:hunter2@${host}/app`);
      isFinding(await run(databaseChecks, 'database-tls', ground), 'ok', /does not leave/);
    });
});
