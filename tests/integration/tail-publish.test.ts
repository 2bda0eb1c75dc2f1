import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Child } from '../support/child.ts';
import { startChild, startPostern } from '../support/child.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { behindPooler } from '../support/pooler.ts';
import { freshDatabase } from '../support/postgres.ts';
import { severableDatabase } from '../support/severed.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();

/** A busy machine is slow to start programs. */
const PATIENCE_MS = 30_000;

interface Place {
  readonly url: string;
  readonly channel: string;
}

const environment = ({ url, channel }: Place) => ({
  POSTERN_DATABASE_URL: url,
  POSTERN_DATABASE_CHANNEL: channel,
});

/** Starts `postern tail`, and waits until it hears. */
async function tail(place: Place, ...args: readonly string[]): Promise<Child> {
  const child = startPostern(scope, ['tail', ...args], { env: environment(place) });
  await child.line(/listening on the database channel/, PATIENCE_MS);
  return child;
}

async function publish(place: Place, args: readonly string[], input?: string) {
  const options = { env: environment(place), ...(input === undefined ? {} : { input }) };
  const child = startPostern(scope, ['publish', ...args], options);
  const { code } = await child.exited(PATIENCE_MS);
  return { code, stdout: child.stdout, stderr: child.stderr };
}

const lines = (child: Child, count: number): Promise<readonly string[]> =>
  until(`${count} lines`, () => {
    const all = child.stdout.split('\n').slice(0, -1);
    return all.length >= count ? all : undefined;
  });

describe('postern publish', () => {
  it('brings a message to the clients of its channel, in the envelope of a client’s', async () => {
    const database = await freshDatabase(scope);
    const gateway = await startGateway(scope, {
      databaseUrl: database.url,
      environment: { POSTERN_DATABASE_CHANNEL: database.channel },
    });
    const client = await gateway.client({ mode: 'r', channels: ['chat'], exp: inSeconds(600) });
    assert.deepEqual(await publish(database, ['chat', 'hello "you"']), {
      code: 0,
      stdout: '',
      stderr: '',
    });
    assert.match(
      await client.message(),
      /^\{"channel":"chat","claims":\{"message_delivered_at":[\d.]+\},"event":"WebsocketMessage","payload":"hello \\"you\\""\}$/,
    );
    await client.close();
  });

  it('sends nothing of what is too long, and says so', async () => {
    const database = await freshDatabase(scope);
    const { code, stderr } = await publish(database, ['chat', '-'], 'x'.repeat(8_000));
    assert.equal(code, 1);
    assert.match(stderr, /too long, nothing was sent: NOTIFY takes .*7999 bytes.*is not there/);
  });

  it('says why a database cannot be used, instead of waiting for it', async () => {
    const database = await freshDatabase(scope);
    const nowhere = new URL(database.url);
    nowhere.pathname = '/nowhere';
    const { code, stderr } = await publish({ ...database, url: nowhere.href }, ['chat', 'x']);
    assert.equal(code, 1);
    assert.match(stderr, /nothing was sent: the database does not exist; create it/);
  });

  it('ends with 0 only when PostgreSQL has committed the message', async () => {
    const database = await freshDatabase(scope);
    await database.query(`CREATE SCHEMA bad;
      CREATE FUNCTION bad.pg_notify(text, text) RETURNS void LANGUAGE plpgsql
      AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`);
    const url = new URL(database.url);
    url.searchParams.set('options', '-c search_path=bad,pg_catalog');
    const { code, stderr } = await publish({ ...database, url: url.href }, ['chat', 'x']);
    assert.equal(code, 1);
    assert.match(stderr, /PostgreSQL refused the message, nothing was sent \(P0001\)/);
  });

  it('needs one channel and one payload', async () => {
    for (const args of [[], ['chat'], ['', 'x'], ['chat', 'x', 'y']]) {
      const { code, stderr } = await publish({ url: '', channel: '' }, args);
      assert.equal(code, 2);
      assert.match(stderr, /name one channel and one payload/);
    }
  });
});

describe('postern tail', () => {
  it('prints the payloads of its channels and of no other, one line each, until Ctrl-C', async () => {
    const database = await freshDatabase(scope);
    const child = await tail(database, 'chat', 'news');
    const notify = (text: string) =>
      database.query('SELECT pg_notify($1, $2)', [database.channel, text]);
    await notify('{"channel":"chat","payload":"from SQL"}');
    await notify('{"channel":"other","payload":"not for us"}');
    await notify('no JSON at all');
    await notify('{"channel":"news","payload":"two\\nlines"}');
    await notify('{"channel":"news","payload":{"a":1}}');
    assert.equal((await publish(database, ['chat', '-'], 'from a pipe\n')).code, 0);

    assert.deepEqual(await lines(child, 4), ['from SQL', 'two\\nlines', '{"a":1}', 'from a pipe']);
    child.signal('SIGINT');
    assert.deepEqual(await child.exited(PATIENCE_MS), { code: 0, signal: undefined });
  });

  it('prints every notification as a line of JSON, as it was sent', async () => {
    const database = await freshDatabase(scope);
    const child = await tail(database, '--all', '--json');
    const sent = ['{"channel":"chat",\n "payload":"x","n":1.50}', 'no JSON', '["list"]'];
    for (const text of sent)
      await database.query('SELECT pg_notify($1, $2)', [database.channel, text]);
    const { channel } = database;
    assert.deepEqual(await lines(child, 3), [
      '{"channel":"chat",  "payload":"x","n":1.50}',
      JSON.stringify({ channel, payload: 'no JSON' }),
      JSON.stringify({ channel, payload: ['list'] }),
    ]);
  });

  it('comes back after a break, and tells of it on standard error', async () => {
    const database = await severableDatabase(scope);
    const child = await tail(database, 'chat');
    await database.cut();
    await child.line(/no longer arrive; reconnecting/, PATIENCE_MS);
    await child.line(/arrive again; what was sent in between is missing/, PATIENCE_MS);
    const text = '{"channel":"chat","payload":"after"}';
    await database.query('SELECT pg_notify($1, $2)', [database.channel, text]);
    assert.deepEqual(await lines(child, 1), ['after']);
  });

  it('ends quietly when its reader has left', async () => {
    const database = await freshDatabase(scope);
    const script = `${process.execPath} packages/gateway/bin/postern.js tail --all | head -n 1`;
    const child = startChild(scope, 'sh', ['-c', script], { env: environment(database) });
    await child.line(/listening on the database channel/, PATIENCE_MS);
    const exited = child.exited(PATIENCE_MS);
    let over = false;
    void exited.then(() => (over = true));
    await until(
      'the end',
      async () => {
        await database.query('SELECT pg_notify($1, $2)', [database.channel, 'line']);
        return over;
      },
      PATIENCE_MS,
    );
    assert.equal(child.stdout, 'line\n');
    assert.doesNotMatch(child.stderr, /EPIPE|Error/);
  });

  it('shows what a terminal would obey, on a terminal', async () => {
    const database = await freshDatabase(scope);
    const script = `${process.execPath} packages/gateway/bin/postern.js tail --all`;
    const child = startChild(scope, 'script', ['-qec', script, '/dev/null'], {
      env: environment(database),
    });
    await child.line(/listening on the database channel/, PATIENCE_MS);
    const text = JSON.stringify({ channel: 'chat', payload: 'a\u001b[2Jb\u009bc\u202ed' });
    await database.query('SELECT pg_notify($1, $2)', [database.channel, text]);
    await child.line(/^a\\u001b\[2Jb\\u009bc\\u202ed\r?$/, PATIENCE_MS);
  });

  it('says what keeps it from hearing anything, and ends', async () => {
    const database = await freshDatabase(scope);
    const url = await behindPooler(scope, database.url);
    const child = startPostern(scope, ['tail', 'chat'], {
      env: environment({ ...database, url }),
    });
    assert.equal((await child.exited(PATIENCE_MS)).code, 1);
    assert.match(child.stderr, /pooler in transaction mode/);
  });

  it('needs channels, or to be told that it is all of them', async () => {
    for (const args of [['tail'], ['tail', '--all', 'chat']]) {
      const child = startPostern(scope, args);
      assert.equal((await child.exited(PATIENCE_MS)).code, 2);
      assert.match(child.stderr, /name the channels to follow, or --all/);
    }
  });
});
