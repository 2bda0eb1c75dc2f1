import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { recordFeed } from '../support/feed-parts.ts';
import { ownServer } from '../support/own-server.ts';
import { demote } from '../support/replica.ts';
import { inTime, until } from '../support/wait.ts';

const PATIENCE_MS = 15_000;

const server = await ownServer({ after });
describe('A feed of a read replica', () => {
  it('ends at the start, with the mend', async (t) => {
    const promote = await demote(server);
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
    const promote = await demote(server);
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
