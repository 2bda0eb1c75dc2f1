import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { startGateway } from '../support/gateway.ts';
import { connect, freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { PREAUTH_ENVIRONMENT, SITE_CLAIMS } from '../support/preauth.ts';
import { countWrites, leasedDatabase, shown } from '../support/presence.ts';
import { enterByBearer, show } from '../support/refreshing.ts';
import { makeRole } from '../support/roles.ts';
import { serve } from '../support/served.ts';
import { makeSchema } from '../support/spending.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { enter, said, tickets } from '../support/way-in.ts';

const scope = failOnLeaks();

const claimsOf = (sub: string) =>
  ({ mode: 'rw', channel: 'chat', sub, sid: `login of ${sub}`, exp: inSeconds(600) }) as const;

const gatewayAt = ({ channel }: TestDatabase, url: string, environment = {}) =>
  startGateway(scope, {
    databaseUrl: url,
    environment: { ...PREAUTH_ENVIRONMENT, POSTERN_DATABASE_CHANNEL: channel, ...environment },
  });

const gateways = 'SELECT gateway FROM postern.gateway';

describe('postern.sessions', () => {
  it('shows who is connected to which gateway, on either protocol, and who has left no more', async () => {
    const database = await leasedDatabase(scope);
    const { query } = database;
    const [one, other] = [
      await gatewayAt(database, database.url),
      await gatewayAt(database, database.url),
    ];
    const page = await enter(one.port, await tickets(one.port));
    const welcome = await said(page);
    const claims = claimsOf('bob');
    const bob = await other.client(claims);
    await shown(query, ['ada', 'bob']);

    const rows = await query(`
      SELECT gateway, session, sub, sid, protocol, address, date_part('epoch', expires_at) AS expires,
        connected_at BETWEEN now() - interval '10 s' AND now() AS recent, host <> '' AS placed
      FROM postern.sessions ORDER BY sub`);
    const gatewayOf = async ({ logged }: typeof one) => (await logged('presence_kept'))['gateway'];
    const sessionOf = async ({ logged }: typeof one) =>
      (await logged('session_started'))['session'];
    const shared = { address: '127.0.0.1', recent: true, placed: true };
    assert.deepEqual(rows, [
      {
        gateway: await gatewayOf(one),
        session: welcome['session'],
        sub: 'ada',
        sid: 'login-1',
        protocol: 'v1',
        expires: welcome['expiresAt'],
        ...shared,
      },
      {
        gateway: await gatewayOf(other),
        session: await sessionOf(other),
        sub: 'bob',
        sid: 'login of bob',
        protocol: 'raw',
        expires: claims.exp,
        ...shared,
      },
    ]);
    await bob.close();
    await shown(query, ['ada']);
    await page.close();
    await shown(query, []);
  });

  it('shows the end of the token that a session goes on by', async () => {
    const database = await leasedDatabase(scope);
    const { port } = await gatewayAt(database, database.url);
    const { client } = await enterByBearer(port, { exp: inSeconds(600) });
    await shown(database.query, ['ada']);
    const later = inSeconds(1_200);
    const token = await signToken({ ...SITE_CLAIMS, exp: later });
    assert.equal((await show(client, token))['expiresAt'], later);
    await until('the new end', async () => {
      const sql = `SELECT FROM postern.sessions WHERE expires_at = to_timestamp($1)`;
      return (await database.query(sql, [later])).length === 1;
    });
    await client.close();
  });

  it('loses a gateway that was killed when its lease is over, and others clear its rows away', async () => {
    const database = await leasedDatabase(scope);
    const { url, channel, query } = database;
    const victim = await serve(scope, { url, channel });
    await victim.ready();
    const ada = await victim.client(claimsOf('ada'));
    await shown(query, ['ada']);
    victim.child.signal('SIGKILL');
    assert.equal((await ada.closed()).code, 1006);
    await shown(query, [], 2_500);
    assert.equal((await query(gateways)).length, 1);

    const heir = await gatewayAt(database, url);
    await until('its rows to be cleared away', async () => {
      const left = await query('SELECT FROM postern.present_session');
      return left.length === 0 && (await query(gateways)).length === 1;
    });
    const bob = await heir.client(claimsOf('bob'));
    await shown(query, ['bob']);
    const [before] = await query('SELECT renewed_at FROM postern.gateway');
    await until('three renewals', async () => {
      const sql = `SELECT FROM postern.sessions JOIN postern.gateway USING (gateway)
        WHERE renewed_at > $1::timestamptz + interval '1500 milliseconds'`;
      return (await query(sql, [before?.['renewed_at']])).length === 1;
    });
    await bob.close();
  });

  it('is left by a gateway that is drained', async () => {
    const database = await leasedDatabase(scope, '10 minutes');
    const { gateway, client } = await gatewayAt(database, database.url);
    const ada = await client(claimsOf('ada'));
    await shown(database.query, ['ada']);
    await gateway.stop();
    assert.equal((await ada.closed()).code, 1001);
    assert.deepEqual(await database.query('SELECT FROM postern.present_session'), []);
    assert.deepEqual(await database.query(gateways), []);
  });

  it('takes a few statements for five hundred sessions that come at once, and for their end', async () => {
    const database = await leasedDatabase(scope, '10 minutes');
    const { query } = database;
    const { client } = await gatewayAt(database, database.url);
    const count = await countWrites(query, 'postern.present_session');
    const startMs = performance.now();
    const crowd = await Promise.all(Array.from({ length: 500 }, () => client(claimsOf('ada'))));
    const present = async () => (await query('SELECT FROM postern.sessions')).length;
    await until('all of them', async () => (await present()) === 500);
    await Promise.all(crowd.map((one) => one.close()));
    await until('none of them', async () => (await present()) === 0);

    const seconds = (performance.now() - startMs) / 1000;
    const [inserts, deletes] = [
      await count('INSERT STATEMENT'),
      await count('DELETE STATEMENT'),
    ] as const;
    assert.ok(inserts + deletes <= 2 * Math.ceil(seconds), `${inserts} and ${deletes}`);
    assert.ok(inserts >= 1 && deletes >= 1);
  });

  it('is for the owner, and for whom it is granted; the tables beneath are not', async () => {
    const database = await leasedDatabase(scope);
    const { client } = await gatewayAt(database, database.url);
    const ada = await client(claimsOf('ada'));
    await shown(database.query, ['ada']);
    const role = await makeRole(scope, database);
    const { query, close } = connect(role.url);
    await database.query(`GRANT USAGE ON SCHEMA postern TO ${role.name}`);
    for (const table of ['sessions', 'present_session', 'gateway'])
      await assert.rejects(query(`SELECT FROM postern.${table}`), /permission denied/);
    await database.query(`GRANT SELECT ON postern.sessions TO ${role.name}`);
    await shown(query, ['ada']);
    await assert.rejects(query('SELECT FROM postern.present_session'), /permission denied/);
    await assert.rejects(query('DELETE FROM postern.sessions'), /cannot delete|permission denied/);
    await Promise.all([ada.close(), close()]);
  });
});

describe('A gateway whose role may not write down who is connected', () => {
  it('says so once, with what to do, and serves as before', async () => {
    const { client, logged, events } = await startGateway(scope, {
      environment: { POSTERN_MIGRATE: 'false' },
    });
    assert.deepEqual(await logged('presence_unavailable'), {
      reason: 'its tables are not there',
      mend: 'run postern migrate',
    });
    const ada = await client(claimsOf('ada'));
    ada.send('hello');
    assert.match(await ada.message(), /"payload":"hello"/);
    await ada.close();
    const said_ = events.filter(({ event }) => event === 'presence_unavailable');
    assert.equal(said_.length, 1);
  });

  it('leaves the schema of a stranger alone', async () => {
    const database = await freshDatabase(scope);
    const [stranger, gateway] = [await makeRole(scope, database), await makeRole(scope, database)];
    await database.query(`CREATE SCHEMA postern AUTHORIZATION ${stranger.name}`);
    const { client, logged } = await gatewayAt(database, gateway.url);
    assert.match(String((await logged('presence_unavailable'))['reason']), /belongs to/);
    await (await client(claimsOf('ada'))).close();
  });

  it('needs no more than postern migrate --grant gives', async () => {
    const database = await freshDatabase(scope);
    const role = await makeRole(scope, database);
    await makeSchema(scope, database.url, role.name);
    const { client, gateway } = await gatewayAt(database, role.url, { POSTERN_MIGRATE: 'false' });
    const ada = await client(claimsOf('ada'));
    await shown(database.query, ['ada']);
    await ada.close();
    await shown(database.query, []);
    await gateway.stop();
    assert.deepEqual(await database.query(gateways), []);
  });

  it('says whose word it needs when the rights were given before an upgrade', async () => {
    const database = await freshDatabase(scope);
    const role = await makeRole(scope, database);
    await makeSchema(scope, database.url, role.name);
    await database.query(`REVOKE ALL ON postern.present_session FROM ${role.name}`);
    const { client, logged } = await gatewayAt(database, role.url, { POSTERN_MIGRATE: 'false' });
    const { reason, mend } = await logged('presence_unavailable');
    assert.equal(reason, '42501');
    assert.match(String(mend), /postern migrate --grant/);
    await (await client(claimsOf('ada'))).close();
  });
});
