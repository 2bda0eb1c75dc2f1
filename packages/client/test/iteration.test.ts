import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { PosternError } from '#client/errors.js';
import { iterate } from '#client/iteration.js';
import type { Item } from '#client/iteration.js';

/** An iteration, what feeds and ends it, and how often it began and stopped. */
function iteration(limit = 100) {
  const counts = { begun: 0, stopped: 0 };
  let push = (_item: Item<number>): void => assert.fail('it has not begun');
  let end = (_error?: PosternError): void => assert.fail('it has not begun');
  const items = iterate<number>({
    limit,
    begin: (pushItem, endAll) => {
      counts.begun += 1;
      push = pushItem;
      end = endAll;
      return () => void (counts.stopped += 1);
    },
  });
  return {
    items,
    counts,
    say: (...payloads: readonly number[]) => {
      for (const n of payloads)
        push({ type: 'message', channel: 'chat', payload: n, cursor: `c${n}`, at: n });
    },
    miss: () => push({ type: 'gap', channel: 'chat', reason: 'feed_lost', cursor: 'g' }),
    end: (error?: PosternError) => end(error),
  };
}

const shown = (item: Item<number> | undefined): unknown =>
  item?.type === 'message' ? item.payload : item && `${item.reason} ${item.cursor}`;

/** What the next ones are, as far as the iteration goes. */
async function take(items: AsyncIterator<Item<number>, undefined>, count: number) {
  const taken: unknown[] = [];
  while (taken.length < count) {
    const { done, value } = await items.next();
    if (done === true) return [...taken, 'end'];
    taken.push(shown(value));
  }
  return taken;
}

describe('iterate', () => {
  it('begins with the first that is asked for, and not before', async () => {
    const { items, counts, say } = iteration();
    assert.equal(counts.begun, 0);
    const first = items.next();
    assert.equal(counts.begun, 1);
    say(1);
    assert.equal(shown((await first).value), 1);
  });

  it('hands out all of it in order, gaps in their places, however late it is asked for', async () => {
    const { items, say, miss } = iteration();
    const first = items.next();
    say(1, 2);
    miss();
    say(3);
    assert.equal(shown((await first).value), 1);
    assert.deepEqual(await take(items, 3), [2, 'feed_lost g', 3]);
    const next = items.next();
    say(4);
    assert.equal(shown((await next).value), 4);
  });

  it('puts one gap in the place of all that waits when it is too slow, and what follows after it', async () => {
    const { items, say } = iteration(3);
    const first = items.next();
    say(0);
    await first;
    say(1, 2, 3);
    say(4);
    say(5, 6);
    assert.deepEqual(await take(items, 3), ['overflow c4', 5, 6]);
  });

  it('keeps to one gap, up to its last loss, when it is too slow again and again', async () => {
    const { items, say } = iteration(3);
    const first = items.next();
    say(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    assert.equal(shown((await first).value), 'overflow c9');
    say(10);
    assert.deepEqual(await take(items, 1), [10]);
  });

  it('loses nothing while no more wait than may', async () => {
    const { items, say } = iteration(3);
    const first = items.next();
    say(1, 2, 3);
    await first;
    assert.deepEqual(await take(items, 2), [2, 3]);
  });

  it('ends when it is ended while it waits, and stops its source', async () => {
    const { items, counts, end } = iteration();
    const rest = take(items, 1);
    end();
    assert.deepEqual(await rest, ['end']);
    assert.equal(counts.stopped, 1);
    assert.deepEqual(await take(items, 1), ['end']);
  });

  it('ends at once when it is ended, though more is waiting', async () => {
    const { items, say, end } = iteration();
    const first = items.next();
    say(1, 2, 3);
    await first;
    end();
    assert.deepEqual(await take(items, 1), ['end']);
  });

  it('throws its error after all that came before, once, and stops its source', async () => {
    const { items, counts, say, end } = iteration();
    const first = items.next();
    say(1, 2);
    end(new PosternError('scope_denied', 'Forbidden', 'no'));
    assert.equal(shown((await first).value), 1);
    assert.deepEqual(await take(items, 1), [2]);
    await assert.rejects(items.next(), { code: 'scope_denied' });
    assert.equal(counts.stopped, 1);
    assert.deepEqual(await take(items, 1), ['end']);
  });

  it('stops its source when the loop is left', async () => {
    const { items, counts, say } = iteration();
    const loop = (async () => {
      for await (const item of items) if (shown(item) === 2) break;
    })();
    say(1, 2, 3);
    await loop;
    assert.deepEqual(counts, { begun: 1, stopped: 1 });
  });

  it('stops its source when the loop throws', async () => {
    const { items, counts, say } = iteration();
    const loop = (async () => {
      for await (const item of items) throw new Error(`cannot use ${String(shown(item))}`);
    })();
    say(1);
    await assert.rejects(loop, /cannot use 1/);
    assert.equal(counts.stopped, 1);
  });
});
