import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import pg from 'pg';

import { handshake } from '../support/exchange.ts';
import { killListener } from '../support/failure-causes.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { connect, freshDatabase } from '../support/postgres.ts';
import { codeOf, preauth, startPreauth } from '../support/preauth.ts';
import { makeRole } from '../support/roles.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { enter, knock, tickets, told } from '../support/way-in.ts';
import type { WsClient } from '../support/ws-client.ts';
import { endOf, isOpen, twoGateways } from '../support/two-gateways.ts';

const scope = failOnLeaks();

/** Somebody whom every way of revoking can be about. */
const claimsOf = (sub: string) =>
  ({
    mode: 'rw',
    channel: 'chat',
    sub,
    sid: `login of ${sub}`,
    jti: `token of ${sub}`,
    iat: inSeconds(-1),
    exp: inSeconds(600),
  }) as const;

const REVOKED = { code: 4500, reason: 'Revoked' } as const;

describe('postern.revoke', () => {
  for (const [name, value] of [
    ['sub', 'ada'],
    ['sid', 'login of ada'],
    ['jti', 'token of ada'],
  ]) {
    it(`ends by ${name} whom it is about, within a second, on every gateway, and nobody else`, async () => {
      const { one, other, query } = await twoGateways(scope);
      const adas = [await one.client(claimsOf('ada')), await other.client(claimsOf('ada'))];
      const bob = await one.client(claimsOf('bob'));
      await query(`SELECT postern.revoke(${name} => $1)`, [value]);

      assert.deepEqual(await Promise.all(adas.map(endOf)), [REVOKED, REVOKED]);
      await isOpen(bob);
      assert.equal((await one.logged('sessions_revoked'))['sessions'], 1);
      const { failure, audit } = await one.logged('session_ended');
      assert.deepEqual({ failure, audit }, { failure: 'revoked', audit: true });
      await bob.close();
    });
  }

  it('closes every door to what was issued before, and none to what comes after', async () => {
    const gateway = await startPreauth(scope);
    const { port, query, client } = gateway;
    const both = await tickets(port);
    const ada = await client(claimsOf('ada'));
    await query(`SELECT postern.revoke(sub => 'ada')`);
    assert.deepEqual(await endOf(ada), REVOKED);

    const bearer = await signToken(claimsOf('ada'));
    await assert.rejects(client(claimsOf('ada')), /400/);
    assert.equal(told(await knock(port, { bearer })), '401 Revoked: revoked');
    assert.equal(
      told(await knock(port, { cookie: both.cookie, csrf: both.token })),
      '401 Revoked: revoked',
    );
    const refused = await preauth(port);
    assert.equal(`${refused.status} ${codeOf(refused)}`, '401 revoked');
    assert.ok(!refused.headers.has('set-cookie'));

    // The next login, a moment later.
    const iat = inSeconds(2);
    const anew = await tickets(port, { claims: { iat } });
    assert.equal((await knock(port, { cookie: anew.cookie, csrf: anew.token })).status, 101);
    await (await client({ ...claimsOf('ada'), iat })).close();
  });

  it('ends a session by its cookie, of which the token behind it was issued before', async () => {
    const { port, query } = await startPreauth(scope);
    const both = await tickets(port, { claims: { iat: inSeconds(-3_600) } });
    const page = await enter(port, both);
    await query(
      `SELECT postern.revoke(sub => 'ada', before => clock_timestamp() - interval '30 min')`,
    );
    assert.deepEqual(await endOf(page), REVOKED);
  });

  it('takes a token that does not say when it was issued for one of before', async () => {
    const { client, query } = await startGateway(scope);
    const { iat: _, ...claims } = claimsOf('ada');
    const ada = await client(claims);
    await query(`SELECT postern.revoke(sub => 'ada', before => 'epoch')`);
    assert.deepEqual(await endOf(ada), REVOKED);
  });

  it('keeps those out for good whom it revokes to the end of time', async () => {
    const { client, query } = await startGateway(scope);
    const ada = await client(claimsOf('ada'));
    await query(`SELECT postern.revoke(sub => 'ada', before => 'infinity')`);
    assert.deepEqual(await endOf(ada), REVOKED);
    await assert.rejects(client({ ...claimsOf('ada'), iat: inSeconds(4) }), /400/);
  });

  it('holds after a restart, and was heard where nobody listened', async () => {
    const database = await freshDatabase(scope);
    const environment = { POSTERN_DATABASE_CHANNEL: database.channel };
    const start = () => startGateway(scope, { databaseUrl: database.url, environment });
    const first = await start();
    await first.gateway.stop();
    await database.query(`SELECT postern.revoke(sub => 'ada')`);
    const { client } = await start();
    await assert.rejects(client(claimsOf('ada')), /400/);
    await (await client(claimsOf('bob'))).close();
  });

  it('ends whom it is about after a break of the feed, during which it was said', async () => {
    const { client, query, logged } = await startGateway(scope);
    const ada = await client(claimsOf('ada'));
    await killListener(query);
    await query(`SELECT postern.revoke(sub => 'ada')`);
    await logged('listener_restored', 10_000);
    assert.deepEqual(await endOf(ada), REVOKED);
  });

  it('is heard in whatever order transactions are committed', async () => {
    const database = await freshDatabase(scope);
    const { client } = await startGateway(scope, {
      databaseUrl: database.url,
      environment: { POSTERN_DATABASE_CHANNEL: database.channel },
    });
    const [ada, bob] = [await client(claimsOf('ada')), await client(claimsOf('bob'))];
    const slow = new pg.Client(database.url);
    await slow.connect();
    await slow.query(`BEGIN; SELECT postern.revoke(sub => 'ada')`);
    await database.query(`SELECT postern.revoke(sub => 'bob')`);
    assert.deepEqual(await endOf(bob), REVOKED);
    await isOpen(ada);
    await slow.query('COMMIT');
    assert.deepEqual(await endOf(ada), REVOKED);
    await slow.end();
  });

  it('counts for those, too, about whom the program is still deciding', async () => {
    let decide: (answer: boolean) => void = () => {};
    const later = new Promise<boolean>((resolve) => (decide = resolve));
    const answers = [true, later, later];
    const authorize = () => answers.shift() ?? false;
    const { client, query, port } = await startPreauth(scope, {}, { authorize });
    const first = await client(claimsOf('ada'));
    const bearer = await signToken(claimsOf('ada'));
    const others = [handshake(port, { target: `/${bearer}` }), knock(port, { bearer })];
    await until('the questions', () => answers.length === 0 || undefined);
    await query(`SELECT postern.revoke(jti => 'token of ada')`);
    assert.deepEqual(await endOf(first), REVOKED);
    decide(true);
    const [raw, v1] = await Promise.all(others);
    assert.equal(told(raw ?? assert.fail()), '400 Revoked');
    assert.equal(told(v1 ?? assert.fail()), '401 Revoked: revoked');
  });

  it('is forgotten when its time is over, and taken back when its row is deleted', async () => {
    const { client, query, logged } = await startGateway(scope);
    const claims = { ada: claimsOf('ada'), bob: claimsOf('bob') };
    const comesBack = (who: keyof typeof claims) =>
      until('a return', () => client(claims[who]).then(leave, () => undefined), 4_000);
    const ada = await client(claims.ada);
    await query(`SELECT postern.revoke(sub => 'ada', keep => '1 second')`);
    assert.deepEqual(await endOf(ada), REVOKED);
    await comesBack('ada');

    const bob = await client(claims.bob);
    await query(`SELECT postern.revoke(sub => 'bob')`);
    assert.deepEqual(await endOf(bob), REVOKED);
    assert.deepEqual(await query('SELECT value FROM postern.revocation'), [{ value: 'bob' }]);
    for (const undo of ['DELETE FROM', 'TRUNCATE']) {
      await query(`${undo} postern.revocation`);
      await comesBack('bob');
      await query(`SELECT postern.revoke(sub => 'bob')`);
      await logged('sessions_revoked');
    }
  });

  it('is never lessened by a later word', async () => {
    const { query } = await startGateway(scope);
    await query(`SELECT postern.revoke(sub => 'ada', before => 'infinity', keep => '90 days')`);
    await query(`SELECT postern.revoke(sub => 'ada')`);
    const [row] = await query(
      `SELECT before::text, kept_until > now() + interval '80 days' AS kept FROM postern.revocation`,
    );
    assert.deepEqual(row, { before: 'infinity', kept: true });
  });

  const wrong = {
    'nobody in particular': '',
    'two at once': "sub => 'ada', jti => 'x'",
    'an empty name': "sub => ''",
    'no time': "sub => 'ada', before => NULL",
    'a time of nothing': "sub => 'ada', keep => '0 seconds'",
  };
  it('says what is wrong with what it is given', async () => {
    const { query } = await startGateway(scope);
    for (const [what, given] of Object.entries(wrong))
      await assert.rejects(query(`SELECT postern.revoke(${given})`), /postern\.revoke/, what);
    assert.deepEqual(await query('SELECT FROM postern.revocation'), []);
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
    await assert.rejects(query(`SELECT postern.revoke(sub => 'ada')`), /permission denied/);
    await assert.rejects(
      query(`INSERT INTO postern.revocation DEFAULT VALUES`),
      /permission denied/,
    );
    await database.query(`GRANT EXECUTE ON FUNCTION postern.revoke TO ${role.name}`);
    await query(`SELECT postern.revoke(sub => 'ada')`);
    assert.deepEqual(await endOf(ada), REVOKED);
    await close();
  });
});

describe('A gateway that hears of revocations', () => {
  it('believes no notification: it is a reason to look, and no more', async () => {
    const { client, query } = await startGateway(scope);
    const ada = await client(claimsOf('ada'));
    for (const text of ['revoked', 'restored', '{"sub":"ada"}', 'x'.repeat(7_000)])
      await query(`SELECT pg_notify('postern.private', $1)`, [text]);
    await isOpen(ada);
    await query(`SELECT postern.revoke(sub => 'ada')`);
    assert.deepEqual(await endOf(ada), REVOKED);
  });

  it('goes on without the table, and says that nobody can be sent away', async () => {
    const { client, logged } = await startGateway(scope, {
      environment: { POSTERN_MIGRATE: 'false' },
    });
    assert.deepEqual(await logged('revocation_unavailable'), { reason: '42P01' });
    await (await client(claimsOf('ada'))).close();
  });

  it('reads no table that a stranger could have put there', async () => {
    const database = await freshDatabase(scope);
    const stranger = await makeRole(scope, database);
    await database.query(`CREATE SCHEMA postern AUTHORIZATION ${stranger.name}`);
    const gateway = await makeRole(scope, database);
    const { client, logged } = await startGateway(scope, {
      databaseUrl: gateway.url,
      environment: { POSTERN_DATABASE_CHANNEL: database.channel },
    });
    assert.match(String((await logged('revocation_unavailable'))['reason']), /foreign/);
    await (await client(claimsOf('ada'))).close();
  });
});

/** Leaves at once, for having been let in is what was to be seen. */
async function leave(client: WsClient): Promise<true> {
  await client.close();
  return true;
}
