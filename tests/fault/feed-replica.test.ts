import assert from 'node:assert/strict';
import { chown, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { recordFeed } from '../support/feed-parts.ts';
import { ownServer } from '../support/own-server.ts';
import { inTime, until } from '../support/wait.ts';

const PATIENCE_MS = 15_000;

const server = await ownServer({ after });
const [setting] = await server.query('SHOW data_directory');
const dataDir = String(setting?.['data_directory']);

/** Makes a read replica of the server, though of no primary. Returns what makes it one again. */
async function demote(): Promise<() => Promise<void>> {
  await server.stop();
  const signal = join(dataDir, 'standby.signal');
  await writeFile(signal, '');
  const { uid, gid } = await stat(dataDir);
  await chown(signal, uid, gid);

  // A server counts as started when it takes writes, which this one does when it is promoted.
  const started = server.start();
  await until('a read replica', isReplica, PATIENCE_MS);
  return async () => {
    await server.query('SELECT pg_promote()');
    await started;
  };
}

async function isReplica(): Promise<boolean> {
  const rows = await server.query('SELECT pg_is_in_recovery() AS replica').catch(() => []);
  return rows[0]?.['replica'] === true;
}

describe('A feed of a read replica', () => {
  it('ends at the start, with the mend', async (t) => {
    const promote = await demote();
    t.after(promote);
    const { feed } = recordFeed(t, { ...server, retries: 0 });
    await assert.rejects(inTime('the end', feed.start()), (error: Error) => {
      assert.match(error.message, /read replica.*name the primary/);
      return error.name === 'GatewayError';
    });
  });

  it('that was a primary before waits until it is one again', async (t) => {
    const { feed, lines, states, state, heard } = recordFeed(t, server);
    await feed.start();
    const promote = await demote();
    await until(
      'an attempt on the replica',
      () => lines.some(({ fields }) => String(fields['reason']).includes('read replica')),
      PATIENCE_MS,
    );
    assert.equal(states.length, 2);

    await promote();
    assert.equal(await state(2, PATIENCE_MS), 'up');
    await server.query('SELECT pg_notify($1, $2)', [server.channel, 'hello']);
    assert.deepEqual(await heard(1), ['hello']);
  });
});
