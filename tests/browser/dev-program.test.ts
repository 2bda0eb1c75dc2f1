import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { traceProcess } from '#gateway/cli/embedded/processes.js';

import { until } from '../support/wait.ts';
import { startDev } from './dev-program.ts';

describe('The database URL that postern dev shows', async () => {
  const dev = await startDev({ after });

  it('is the same on the page and in the banner', async () => {
    const response = await fetch(new URL('/dev/info', dev.url));
    const info: unknown = await response.json();
    assert.ok(typeof info === 'object' && info !== null && 'databaseUrl' in info);
    assert.equal(info.databaseUrl, dev.databaseUrl);
  });

  it('is of a role that is no superuser, makes none, and is in no other role', async () => {
    const [role] = await dev.query(
      `SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
        (SELECT count(*)::int FROM pg_auth_members WHERE member = pg_roles.oid) AS memberships
        FROM pg_roles WHERE rolname = current_user`,
    );
    assert.deepEqual(role, {
      rolname: 'postern_dev',
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
      rolbypassrls: false,
      memberships: 0,
    });
  });

  it('lets nobody run a program, or read a file, as the account of the server', async () => {
    await dev.query('CREATE TABLE IF NOT EXISTS loot (line text)');
    for (const source of ["PROGRAM 'id'", "'/etc/passwd'"])
      await assert.rejects(dev.query(`COPY loot FROM ${source}`), { code: '42501' });
    await assert.rejects(dev.query('SET ROLE postgres'), { code: '42501' });
  });
});

describe('postern dev', () => {
  it('is no more, nor its PostgreSQL, when the terminal was closed', async (t) => {
    const dev = await startDev(t);
    const pid = await dev.postgresPid();
    assert.ok(await traceProcess(pid));
    dev.child.signal('SIGHUP');
    assert.deepEqual(await dev.child.exited(), { code: 0, signal: undefined });
    await until('the end of PostgreSQL', async () => (await traceProcess(pid)) === undefined);
  });
});
