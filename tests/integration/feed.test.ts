import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { NotifyFeed } from '#gateway/postgres/notify-feed.js';
import { openDatabase, recordFeed, recordLog } from '../support/feed-parts.ts';
import { freshDatabase } from '../support/postgres.ts';
import { inTime, until } from '../support/wait.ts';

const NOTIFY = 'SELECT pg_notify($1, $2)';

const test = await freshDatabase({ after });

/** Connections of the gateway's that the server knows of. */
async function connections(): Promise<number> {
  const rows = await test.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND application_name = 'postern'`,
    [test.name],
  );
  return rows.length;
}

describe('NotifyFeed', () => {
  it('hands out what SQL notifies, byte for byte and in order', async (t) => {
    const { feed, heard, states, lines } = recordFeed(t, test);
    await feed.start();
    assert.deepEqual(states, ['up']);
    assert.deepEqual(lines, []);
    assert.ok(feed.up);

    const texts = ['', ' ', 'plain', '{"channel": "a"}', 'é € 😀 \u2028', 'x'.repeat(7_999), 'end'];
    for (const text of texts) await test.query(NOTIFY, [test.channel, text]);
    assert.deepEqual(await heard(texts.length), texts);
  });

  it('hears one channel only, and nothing of what gateways say among themselves', async (t) => {
    const { feed, heard } = recordFeed(t, test);
    await feed.start();
    await test.query(NOTIFY, ['postern.private', 'a nonce of another gateway']);
    await test.query(NOTIFY, [test.channel.toUpperCase(), 'another channel']);
    await test.query(NOTIFY, [test.channel, 'this one']);
    assert.deepEqual(await heard(1), ['this one']);
  });

  it('hears nothing of transactions that are rolled back', async (t) => {
    const { feed, heard } = recordFeed(t, test);
    await feed.start();
    await assert.rejects(test.query(`SELECT pg_notify($1, 'never'), 1 / 0`, [test.channel]));
    await test.query(NOTIFY, [test.channel, 'committed']);
    assert.deepEqual(await heard(1), ['committed']);
  });

  it('takes any name of a channel up to 63 bytes as it is', async (t) => {
    for (const channel of ['Aa" b', '漢'.repeat(21), `${'x'.repeat(62)}"`]) {
      const { feed, heard } = recordFeed(t, { ...test, channel });
      await feed.start();
      await test.query(NOTIFY, [channel, 'hello']);
      assert.deepEqual(await heard(1), ['hello']);
    }
  });

  it('proves itself again and again while another gateway does so too', async (t) => {
    const feeds = [0.05, 0.07].map((checkSeconds) => recordFeed(t, { ...test, checkSeconds }));
    for (const { feed } of feeds) await feed.start();

    const count = async (): Promise<number> => {
      const [row] = await test.query(
        `SELECT sum(xact_commit)::int AS commits FROM pg_stat_database WHERE datname = $1`,
        [test.name],
      );
      return Number(row?.['commits']);
    };
    const first = await count();
    await until('forty transactions more', async () => (await count()) > first + 40, 15_000);
    for (const { states, lines, texts } of feeds) {
      assert.deepEqual(states, ['up']);
      assert.deepEqual(lines, []);
      assert.deepEqual(texts, []);
    }
  });

  it('leaves no connection behind, and may be stopped twice', async (t) => {
    const { log } = recordLog();
    const database = openDatabase(t, test.url, log);
    const nobody = { notified() {}, up() {}, down() {}, lost() {} };
    const options = { database, log, channel: test.channel, checkSeconds: 10, retries: 1 } as const;
    const feed = new NotifyFeed({ ...options, onLoss: 'reconnect' }, nobody);
    await until('no connection of other tests', async () => (await connections()) === 0);
    await feed.start();
    assert.equal(await connections(), 2);

    await inTime('the stop', feed.stop());
    assert.ok(!feed.up);
    await inTime('the second stop', feed.stop());
    await inTime('the end of the pool', database.stop());
    await until('the end of both connections', async () => (await connections()) === 0);
  });

  it('is not told to be down when it is stopped', async (t) => {
    const { feed, states } = recordFeed(t, test);
    await feed.start();
    await feed.stop();
    assert.deepEqual(states, ['up']);
  });

  it('proves itself on its own connection when the pool gets none', async (t) => {
    await test.query(`CREATE ROLE lonely LOGIN PASSWORD 'pass' CONNECTION LIMIT 1`);
    t.after(() => test.query('DROP ROLE lonely').then(() => undefined));
    const url = new URL(test.url);
    [url.username, url.password] = ['lonely', 'pass'];

    const { feed, lines } = recordFeed(t, { ...test, url: url.href });
    await feed.start();
    assert.ok(feed.up);
    assert.deepEqual(lines, [{ event: 'listener_check_failed', fields: { reason: '53300' } }]);
    await feed.stop();
  });

  it('warns of a database that is not in UTF-8', async (t) => {
    const name = `${test.name}_latin1`;
    await test.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`);
    t.after(() => test.query(`DROP DATABASE ${name} WITH (FORCE)`).then(() => undefined));
    const url = new URL(test.url);
    url.pathname = `/${name}`;

    const { feed, lines } = recordFeed(t, { ...test, url: url.href });
    await feed.start();
    assert.deepEqual(lines, [{ event: 'database_encoding', fields: { encoding: 'LATIN1' } }]);
    await feed.stop();
  });
});

describe('NotifyFeed, at a start that cannot succeed', () => {
  /** What a start ends with. It must end by itself, although it may retry for ever. */
  async function endOf(
    t: { after(cleanUp: () => Promise<void>): void },
    change: (url: URL) => void,
  ) {
    const url = new URL(test.url);
    change(url);
    const { feed, states, lines } = recordFeed(t, { ...test, url: url.href, retries: 0 });
    const end: unknown = await inTime('the end', feed.start(), 15_000).catch(
      (error: unknown) => error,
    );

    assert.ok(end instanceof Error && end.name === 'GatewayError', String(end));
    assert.ok(!end.message.includes(url.password) || url.password === '', 'the password is told');
    assert.deepEqual([states, lines], [[], []]);
    return end.message;
  }

  it('names the password when that is wrong', async (t) => {
    assert.match(await endOf(t, (url) => (url.password = 'wrong-one')), /password was refused/);
  });

  it('names the password when there is none', async (t) => {
    assert.match(await endOf(t, (url) => (url.password = '')), /password/);
  });

  it('names the database when that does not exist', async (t) => {
    assert.match(await endOf(t, (url) => (url.pathname = '/nowhere')), /database does not exist/);
  });

  it('names the right when the user may not connect', async (t) => {
    await test.query(`CREATE ROLE barred LOGIN PASSWORD 'pass'`);
    await test.query(`REVOKE CONNECT ON DATABASE ${test.name} FROM PUBLIC`);
    t.after(() => test.query('DROP ROLE barred').then(() => undefined));
    const end = await endOf(t, (url) => ([url.username, url.password] = ['barred', 'pass']));
    assert.match(end, /GRANT CONNECT/);
  });

  it('names sslmode when TLS is demanded of a server without', async (t) => {
    for (const mode of ['require', 'verify-full']) {
      assert.match(await endOf(t, (url) => url.searchParams.set('sslmode', mode)), /sslmode/);
    }
  });

  it('refuses a channel that LISTEN would cut short, and the private one, before it connects', (t) => {
    for (const channel of ['x'.repeat(64), '漢'.repeat(22), '', 'postern.private']) {
      const build = () => recordFeed(t, { ...test, channel });
      assert.throws(build, { name: 'GatewayError', code: 'POSTERN_CONFIG' }, channel);
    }
  });
});
