import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import pg from 'pg';

import type { Clock } from '#gateway/session/deadline.js';

import { killListener } from '../support/failure-causes.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { connect, freshDatabase } from '../support/postgres.ts';
import type { Query } from '../support/postgres.ts';
import { shown } from '../support/presence.ts';
import { enterByBearer } from '../support/refreshing.ts';
import { makeRole } from '../support/roles.ts';
import { makeSchema } from '../support/spending.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { endOf, isOpen, twoGateways } from '../support/two-gateways.ts';

const scope = failOnLeaks();

const claimsOf = (sub: string) =>
  ({ mode: 'rw', channel: 'chat', sub, sid: `login of ${sub}`, exp: inSeconds(600) }) as const;

const DISCONNECTED = { code: 4009, reason: 'Disconnected' } as const;

/** A gateway has read everything that was asked for before, when it has ended this one. */
async function hasRead({ client }: TestGateway, query: Query): Promise<void> {
  const witness = await client(claimsOf('witness'));
  await query(`SELECT postern.disconnect(sub => 'witness')`);
  assert.deepEqual(await endOf(witness), DISCONNECTED);
}

describe('postern.disconnect', () => {
  it('ends one session, of either protocol, on whichever gateway it is', async () => {
    const { one, other, query } = await twoGateways(scope);
    const page = await enterByBearer(one.port, { sub: 'ada' });
    const ada = await other.client(claimsOf('ada'));
    const { session } = await other.logged('session_started');
    await query('SELECT postern.disconnect($1)', [page.welcome['session']]);
    assert.deepEqual(await endOf(page.client), DISCONNECTED);
    await isOpen(ada);
    await query('SELECT postern.disconnect(session => $1)', [session]);
    assert.deepEqual(await endOf(ada), DISCONNECTED);
    const { failure, audit } = await other.logged('session_ended');
    assert.deepEqual({ failure, audit }, { failure: 'disconnected', audit: undefined });
  });

  for (const [name, value] of [
    ['sub', 'ada'],
    ['sid', 'login of ada'],
  ]) {
    it(`ends by ${name} whom it is about, on every gateway, and nobody else`, async () => {
      const { one, other, query } = await twoGateways(scope);
      const sid = claimsOf('ada').sid;
      const { client: page } = await enterByBearer(one.port, { sub: 'ada', sid });
      const adas = [page, await one.client(claimsOf('ada')), await other.client(claimsOf('ada'))];
      const bob = await one.client(claimsOf('bob'));
      await shown(query, ['ada', 'ada', 'ada', 'bob']);
      const [told] = await query(`SELECT postern.disconnect(${name} => $1)`, [value]);
      assert.deepEqual(
        await Promise.all(adas.map(endOf)),
        adas.map(() => DISCONNECTED),
      );
      assert.deepEqual(told, { disconnect: '3' });
      assert.equal((await one.logged('sessions_disconnected'))['sessions'], 2);
      assert.equal((await other.logged('sessions_disconnected'))['sessions'], 1);
      await isOpen(bob);
      await bob.close();
    });
  }

  it('keeps nobody out: who comes back at once, to any gateway, stays', async () => {
    const { one, other, query } = await twoGateways(scope);
    let ada = await one.client(claimsOf('ada'));
    for (const next of [other, one, other, one, one, other]) {
      await query(`SELECT postern.disconnect(sub => 'ada')`);
      assert.deepEqual(await endOf(ada), DISCONNECTED);
      ada = await next.client(claimsOf('ada'));
    }
    await hasRead(one, query);
    await hasRead(other, query);
    await isOpen(ada);
    await ada.close();
  });

  it('is done once, after a break of the feed during which it was asked for', async () => {
    const { one, query } = await twoGateways(scope);
    const [ada, bob] = [await one.client(claimsOf('ada')), await one.client(claimsOf('bob'))];
    const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'LISTEN%' AND application_name = 'postern'`;
    await query(sql);
    await query(`SELECT postern.disconnect(sub => 'ada')`);
    await one.logged('listener_restored', 10_000);
    assert.deepEqual(await endOf(ada), DISCONNECTED);
    await isOpen(bob);

    const again = await one.client(claimsOf('ada'));
    const { length } = one.events.filter(({ event }) => event === 'listener_restored');
    await query(sql);
    await restoredTimes(one, length + 1);
    await hasRead(one, query);
    await isOpen(again);
    await Promise.all([again.close(), bob.close()]);
  });

  it('means those who were in when it was called, and not when it is committed', async () => {
    const database = await freshDatabase(scope);
    const gateway = await startGateway(scope, {
      databaseUrl: database.url,
      environment: { POSTERN_DATABASE_CHANNEL: database.channel },
    });
    const before = await gateway.client(claimsOf('ada'));
    const slow = new pg.Client(database.url);
    await slow.connect();
    await slow.query(`BEGIN; SELECT postern.disconnect(sub => 'ada')`);
    const after = await gateway.client(claimsOf('ada'));
    await hasRead(gateway, database.query);
    await isOpen(before);
    await slow.query('COMMIT');
    assert.deepEqual(await endOf(before), DISCONNECTED);
    await isOpen(after);
    await Promise.all([after.close(), slow.end()]);
  });

  for (const hours of [1, -1])
    it(`works where the gateway’s clock is ${hours} h off, and where it is set back and forth`, async () => {
      const clock = new JumpingClock();
      clock.jumpWall(hours * 3_600_000);
      const gateway = await startGateway(scope, { hooks: { clock } });
      const { client, query } = gateway;
      const claims = { ...claimsOf('ada'), exp: clock.inSeconds(36_000) };
      const enterAnd = async (jumpMs: number): Promise<void> => {
        const ada = await client(claims);
        clock.jumpWall(jumpMs);
        await query(`SELECT postern.disconnect(sub => 'ada')`);
        assert.deepEqual(await endOf(ada), DISCONNECTED);
      };
      for (const jumpMs of [0, 3_600_000, -3_600_000]) await enterAnd(jumpMs);
    });

  it('ends those, too, who came before the machine slept', async () => {
    const sleeping: Clock = { wallMs: () => Date.now(), monotonicMs: () => 1_000_000 };
    const { client, query, logged } = await startGateway(scope, { hooks: { clock: sleeping } });
    const ada = await client(claimsOf('ada'));
    await killListener(query);
    await query(`SELECT postern.disconnect(sub => 'ada')`);
    await logged('listener_restored', 10_000);
    assert.deepEqual(await endOf(ada), DISCONNECTED);
  });

  it('says what is wrong with what it is given', async () => {
    const { query } = await startGateway(scope);
    const wrong = [
      '',
      "reason => 'because'",
      "sub => 'ada', sid => 'x'",
      "sub => ''",
      'sub => NULL',
    ];
    for (const given of wrong)
      await assert.rejects(
        query(`SELECT postern.disconnect(${given})`),
        /postern\.disconnect/,
        given,
      );
    await assert.rejects(query(`SELECT postern.disconnect(session => 'ada')`), /uuid/);
    assert.deepEqual(await query('SELECT FROM postern.disconnection'), []);
  });

  it('forgets what was asked for an hour ago', async () => {
    const { query } = await startGateway(scope);
    await query(`INSERT INTO postern.disconnection (kind, value, asked_at)
      VALUES ('sub', 'long ago', now() - interval '61 minutes'), ('sub', 'of late', now())`);
    const [told] = await query(`SELECT postern.disconnect(sub => 'nobody')`);
    assert.deepEqual(told, { disconnect: '0' });
    const left = await query('SELECT value FROM postern.disconnection ORDER BY value');
    assert.deepEqual(left, [{ value: 'nobody' }, { value: 'of late' }]);
  });

  it('may be called by a role that was granted it, which needs nothing else; by no other', async () => {
    const database = await freshDatabase(scope);
    const { client } = await startGateway(scope, {
      databaseUrl: database.url,
      environment: { POSTERN_DATABASE_CHANNEL: database.channel },
    });
    const ada = await client(claimsOf('ada'));
    const role = await makeRole(scope, database);
    const { query, close } = connect(role.url);
    await database.query(`GRANT USAGE ON SCHEMA postern TO ${role.name}`);
    const denied = /permission denied/;
    await assert.rejects(query(`SELECT postern.disconnect(sub => 'ada')`), denied);
    await assert.rejects(query(`INSERT INTO postern.disconnection DEFAULT VALUES`), denied);
    await isOpen(ada);
    await database.query(`GRANT EXECUTE ON FUNCTION postern.disconnect TO ${role.name}`);
    await query(`SELECT postern.disconnect(sub => 'ada')`);
    assert.deepEqual(await endOf(ada), DISCONNECTED);
    await assert.rejects(query('SELECT FROM postern.disconnection'), denied);
    await close();
  });
});

describe('The reason that an operator gives', () => {
  it('goes to the log, cut and in one line, and to no client', async () => {
    const { client, query, logged } = await startGateway(scope);
    const ada = await client(claimsOf('ada'));
    // No row of one letter: some secrets of other tests are such.
    const more = 'and on '.repeat(50);
    const reason = `moved house\n${more}`;
    await query(`SELECT postern.disconnect(sub => 'ada', reason => $1)`, [reason]);
    assert.deepEqual(await endOf(ada), DISCONNECTED);
    const said = (await logged('sessions_disconnected'))['reason'];
    assert.equal(said, `moved house\ufffd${more.slice(0, 188)}`);
  });
});

describe('A gateway that hears of disconnections', () => {
  it('believes no notification: it is a reason to look, and no more', async () => {
    const gateway = await startGateway(scope);
    const { client, query, logged } = gateway;
    const ada = await client(claimsOf('ada'));
    const { session } = await logged('session_started');
    for (const text of ['disconnect', `disconnect ${session}`, '{"sub":"ada"}', 'constructor'])
      await query(`SELECT pg_notify('postern.private', $1)`, [text]);
    await hasRead(gateway, query);
    await isOpen(ada);
    await ada.close();
  });

  it('needs no more than postern migrate --grant gives', async () => {
    const database = await freshDatabase(scope);
    const role = await makeRole(scope, database);
    await makeSchema(scope, database.url, role.name);
    const { client } = await startGateway(scope, {
      databaseUrl: role.url,
      environment: { POSTERN_DATABASE_CHANNEL: database.channel, POSTERN_MIGRATE: 'false' },
    });
    const ada = await client(claimsOf('ada'));
    await database.query(`SELECT postern.disconnect(sub => 'ada')`);
    assert.deepEqual(await endOf(ada), DISCONNECTED);
  });

  it('goes on without the table, and says that nobody can be disconnected', async () => {
    const { client, logged } = await startGateway(scope, {
      environment: { POSTERN_MIGRATE: 'false' },
    });
    assert.deepEqual(await logged('disconnection_unavailable'), { reason: '42P01' });
    await (await client(claimsOf('ada'))).close();
  });
});

/** Waits until a gateway has had its listener back so often. */
async function restoredTimes({ events }: TestGateway, times: number): Promise<void> {
  const isRestored = () =>
    events.filter(({ event }) => event === 'listener_restored').length >= times;
  await until('the listener once more', isRestored, 10_000);
}
