import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';

import { startEmbeddedPostgres } from '#gateway/cli/embedded/embedded-postgres.js';
import type {
  EmbeddedPostgres,
  EmbeddedPostgresOptions,
} from '#gateway/cli/embedded/embedded-postgres.js';
import { traceProcess } from '#gateway/cli/embedded/processes.js';

import { newDataDir, password, startServer } from '../support/embedded.ts';
import { connect } from '../support/postgres.ts';

const isRoot = process.getuid?.() === 0;

describe('The embedded PostgreSQL', { concurrency: 2 }, () => {
  it('answers with UTF-8 and nothing of it is left when it is stopped, twice', async (t) => {
    const dataDir = await newDataDir(t);
    const server = await startServer(t, { dataDir });
    const [row] = await server.query(`SELECT upper('ä') AS upper, current_user AS user,
      current_database() AS database, current_setting('server_encoding') AS encoding`);
    assert.deepEqual(row, { upper: 'Ä', user: 'postgres', database: 'postgres', encoding: 'UTF8' });

    await server.stop();
    await server.stop();
    assert.equal(await traceProcess(server.pid), undefined);
    assert.deepEqual(await leftovers(dataDir, server), []);
  });

  it('keeps its data from one start to the next', async (t) => {
    const dataDir = await newDataDir(t);
    const first = await startServer(t, { dataDir });
    await first.query('CREATE TABLE kept AS SELECT 1 AS one');
    await first.stop();

    const second = await startServer(t, { dataDir });
    assert.deepEqual(await second.query('TABLE kept'), [{ one: 1 }]);
    assert.equal(second.dataDir, first.dataDir);
  });

  it('takes settings, and reports what it logs', async (t) => {
    const lines: string[] = [];
    const settings = { fsync: 'off', max_connections: '37' };
    const { query } = await startServer(t, { settings, onLog: (line) => lines.push(line) });
    assert.deepEqual(await query('SHOW max_connections'), [{ max_connections: '37' }]);
    assert.ok(lines.some((line) => line.includes('ready to accept connections')));
  });

  it('listens on loopback alone and wants the password', async (t) => {
    const { url, query } = await startServer(t);
    const [row] = await query(`SELECT current_setting('listen_addresses') AS addresses,
      current_setting('unix_socket_directories') AS sockets,
      (SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules) AS methods`);
    assert.deepEqual(row, { addresses: '127.0.0.1', sockets: '', methods: ['scram-sha-256'] });

    const wrong = new URL(url);
    wrong.password = 'wrong';
    await assert.rejects(connect(wrong.href).query('SELECT 1'), { code: '28P01' });
  });

  it('names the port that is taken, and starts on it once it is free', async (t) => {
    const dataDir = await newDataDir(t);
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const address = blocker.address();
    assert.ok(typeof address === 'object' && address !== null);

    await rejects({ dataDir, port: address.port }, /The port is taken.*Address already in use/s);
    blocker.close();
    const server = await startServer(t, { dataDir, port: address.port });
    assert.equal(server.port, address.port);
  });

  it('refuses a second start with the same data, and leaves the first alone', async (t) => {
    const dataDir = await newDataDir(t);
    const starts = await Promise.allSettled([
      startServer(t, { dataDir }),
      startServer(t, { dataDir }),
    ]);
    const [winner] = starts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const [loser] = starts.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));

    assert.match(String(loser), new RegExp(`Process ${process.pid} already runs a server`));
    assert.deepEqual(await winner?.query('SELECT 1 AS one'), [{ one: 1 }]);
  });

  it('starts beside others', async (t) => {
    const servers = await Promise.all([startServer(t), startServer(t)]);
    assert.notEqual(servers[0].port, servers[1].port);
    for (const { query } of servers) await query('SELECT 1');
  });

  it('lives in a process group of its own, which Ctrl-C does not reach', async (t) => {
    const { pid } = await startServer(t);
    assert.ok(process.kill(-pid, 0));
  });

  it('touches no folder that holds something else', async (t) => {
    const dataDir = await newDataDir(t);
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'precious'), 'x');
    await rejects({ dataDir }, /made by another account|holds other files/);
    assert.deepEqual(await readdir(dataDir), ['precious']);
  });

  it('is content with an empty folder', async (t) => {
    const dataDir = await newDataDir(t);
    await mkdir(dataDir);
    await startServer(t, { dataDir });
  });

  it('runs for root in a folder that only root can enter', { skip: !isRoot }, async (t) => {
    const dataDir = await newDataDir(t);
    assert.equal((await stat(dirname(dataDir))).mode & 0o777, 0o700);

    const server = await startServer(t, { dataDir });
    assert.equal(await readlink(dataDir), server.dataDir);
    const { mode, uid } = await stat(server.dataDir);
    assert.equal(mode & 0o777, 0o700);
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    assert.deepEqual(/^Uid:\t(\d+)/m.exec(status)?.[1], String(uid));
    assert.notEqual(uid, 0);
  });

  it('starts anew for root once the link to the data was removed', { skip: !isRoot }, async (t) => {
    const dataDir = await newDataDir(t);
    const first = await startServer(t, { dataDir });
    await first.query('CREATE TABLE gone ()');
    await first.stop();
    await rm(dataDir);

    const second = await startServer(t, { dataDir, password: 'another' });
    assert.equal(second.dataDir, first.dataDir);
    await assert.rejects(second.query('TABLE gone'), { code: '42P01' });
  });
});

async function rejects(
  options: Pick<EmbeddedPostgresOptions, 'dataDir' | 'port'>,
  message: RegExp,
): Promise<void> {
  const starting = startEmbeddedPostgres({ password, settings: { fsync: 'off' }, ...options });
  await assert.rejects(starting, { code: 'POSTERN_EMBEDDED_POSTGRES', message });
}

/** What lies beside the data although the server has ended. */
async function leftovers(path: string, { dataDir }: EmbeddedPostgres): Promise<readonly string[]> {
  const places = [path, dataDir].map(async (place) => {
    const names = await readdir(dirname(place));
    return names.filter((name) => name.startsWith(`${basename(place)}.`));
  });
  return (await Promise.all(places)).flat();
}
