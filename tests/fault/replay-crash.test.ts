import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { ownServer } from '../support/own-server.ts';
import { freshToken, makeSchema, openStore } from '../support/spending.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();
const PATIENCE_MS = 20_000;

describe('A replay store, when PostgreSQL', () => {
  it('loses a backend to kill -9, refuses all that was issued before, and takes what comes after', async () => {
    // Else the crash would take the migration along.
    const server = await ownServer(scope, { settings: { synchronous_commit: 'on' } });
    await makeSchema(scope, server.url);
    const { store, lines } = openStore(scope, server.url);
    const used = freshToken();
    const unused = freshToken();
    assert.equal(await store.spend(used), 'first');
    const [before] = await server.query('SELECT pg_postmaster_start_time() AS time');

    const [victim] = await server.query(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'postern' LIMIT 1`,
    );
    process.kill(Number(victim?.['pid']), 'SIGKILL');
    // Until the server has noticed, it still knows what was used; then it lets nobody in for a while.
    await until(
      'the marker of a new epoch',
      async () => {
        assert.notEqual(await store.spend(used), 'first');
        return lines.some(({ event }) => event === 'replay_store_emptied');
      },
      PATIENCE_MS,
    );
    const emptied = lines.filter(({ event }) => event === 'replay_store_emptied');
    assert.equal(emptied.length, 1);
    assert.equal(await store.spend(unused), 'replayed');
    const issuedAt = Number(emptied[0]?.fields['validFrom']);
    assert.equal(await store.spend({ ...freshToken(), issuedAt }), 'first');

    // The server itself counts as the same one: its start time would tell nothing.
    const [after] = await server.query('SELECT pg_postmaster_start_time() AS time');
    assert.deepEqual(after, before);
  });

  it('restarts in order, still knows what was used', async () => {
    const server = await ownServer(scope);
    await makeSchema(scope, server.url);
    const { store } = openStore(scope, server.url);
    const used = freshToken();
    assert.equal(await store.spend(used), 'first');
    await server.restart();
    const answer = async () => {
      const spent = await store.spend(used);
      return spent === 'unavailable' ? undefined : spent;
    };
    assert.equal(await until('an answer of the store', answer, PATIENCE_MS), 'replayed');
    assert.equal(await store.spend(freshToken()), 'first');
  });

  it('stops answering, gives up after two seconds and comes back', async () => {
    const server = await ownServer(scope);
    await makeSchema(scope, server.url);
    const { store } = openStore(scope, server.url, 1);
    assert.equal(await store.spend(freshToken()), 'first');
    const [backend] = await server.query(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'postern' ORDER BY query_start DESC LIMIT 1`,
    );
    const pid = Number(backend?.['pid']);
    server.pause(pid);
    const startMs = performance.now();
    assert.equal(await store.spend(freshToken()), 'unavailable');
    assert.ok(performance.now() - startMs < 4_000);
    assert.equal(await store.spend(freshToken()), 'first');
    server.resume(pid);
  });
});
