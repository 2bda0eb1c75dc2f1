import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ensureLoginRole } from '#gateway/postgres/login-role.js';
import pg from 'pg';

import { password, startServer } from '../support/embedded.ts';
import { connect } from '../support/postgres.ts';
import type { Query, Scope } from '../support/postgres.ts';
import { until } from '../support/wait.ts';

/** Awkward in SQL. */
const NAME = 'it\'s "dev"';
const PASSWORD = `'; DROP TABLE x; -- \\' ${password}`;

describe('ensureLoginRole', () => {
  it('makes a role once, which is set right and gets the new password later', async (t) => {
    const server = await startServer(t);
    const first = await ensureLoginRole(server.url, { name: NAME, password: 'old' });
    await server.query(`ALTER ROLE "it's ""dev""" SUPERUSER NOLOGIN`);

    const url = await ensureLoginRole(server.url, { name: NAME, password: PASSWORD });
    const query = queryAt(t, url);
    assert.deepEqual(
      await query('SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user'),
      [{ rolname: NAME, rolsuper: false }],
    );
    await assert.rejects(queryAt(t, first)('SELECT 1'), { code: '28P01' });
  });

  it('gives it tables of its own, a trigger that notifies, and LISTEN', async (t) => {
    const server = await startServer(t);
    const url = await ensureLoginRole(server.url, { name: NAME, password: PASSWORD });
    const query = queryAt(t, url);
    const heard: (string | undefined)[] = [];
    const listener = new pg.Client(url);
    listener.on('notification', ({ payload }) => heard.push(payload));
    await listener.connect();
    await listener.query('LISTEN orders');

    await query(`CREATE TABLE orders (item text);
      CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_notify('orders', new.item); RETURN new; END $$;
      CREATE TRIGGER told AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tell();
      INSERT INTO orders VALUES ('lamp oil')`);
    try {
      await until('the notification', () => heard.length > 0);
    } finally {
      await listener.end();
    }
    assert.deepEqual(heard, ['lamp oil']);
  });

  it('runs nothing that the role has put in the way, as the superuser', async (t) => {
    const server = await startServer(t);
    const url = await ensureLoginRole(server.url, { name: NAME, password: PASSWORD });
    const query = queryAt(t, url);
    await query(`CREATE TABLE pg_roles (rolname text); CREATE TABLE traps (who text);
      CREATE FUNCTION trap(name, text) RETURNS boolean LANGUAGE sql
        AS $$ INSERT INTO public.traps VALUES (current_user); SELECT true $$;
      CREATE OPERATOR = (LEFTARG = name, RIGHTARG = text, FUNCTION = trap)`);
    await ensureLoginRole(server.url, { name: NAME, password: PASSWORD });
    assert.deepEqual(await server.query('TABLE traps'), []);
  });
});

function queryAt(scope: Scope, url: string): Query {
  const { query, close } = connect(url);
  scope.after(close);
  return query;
}
