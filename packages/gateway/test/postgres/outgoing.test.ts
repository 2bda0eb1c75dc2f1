import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BATCH_BYTES, BATCH_MESSAGES, OutgoingQueue } from '#gateway/postgres/outgoing.js';
import type { Outcome } from '#gateway/postgres/outgoing.js';

const [flooder, quiet] = [{}, {}];

/** A queue, what its batches hold, and what became of the messages in it. */
function setUp() {
  const queue = new OutgoingQueue();
  const outcomes: Outcome[] = [];
  const add = (sender: object, ...texts: readonly string[]): boolean =>
    queue.add({ texts, sender }, [], (outcome) => outcomes.push(outcome));
  const flood = (count: number, name = 'flood'): void => {
    for (let nth = 0; nth < count; nth += 1) add(flooder, `${name} ${nth}`);
  };
  return { queue, outcomes, add, flood };
}

const textsOf = (batch: readonly { readonly text: string }[]): readonly string[] =>
  batch.map(({ text }) => text);

describe('What waits to be notified', () => {
  it('goes in the next batch, however much another sender has waiting', () => {
    const { queue, add, flood } = setUp();
    flood(10_000);
    add(quiet, 'quiet 1');
    add(quiet, 'quiet 2');
    const batch = textsOf(queue.next());
    assert.equal(batch.length, BATCH_MESSAGES);
    assert.deepEqual(batch.slice(0, 5), ['flood 0', 'quiet 1', 'flood 1', 'quiet 2', 'flood 2']);
  });

  it('goes in the next batch but its own bytes, and alone when these are more than a batch takes', () => {
    const { queue, add } = setUp();
    const half = 'x'.repeat(BATCH_BYTES / 2);
    add(flooder, `${half}1`, half, half, `${half}${half}4`);
    add(quiet, 'quiet');
    assert.deepEqual(textsOf(queue.next()), [`${half}1`, 'quiet']);
    assert.deepEqual(textsOf(queue.next()), [half, half]);
    assert.deepEqual(textsOf(queue.next()), [`${half}${half}4`]);
    assert.equal(queue.isEmpty, true);
  });

  it('keeps its place when it is put back, in front of all that came meanwhile', () => {
    const { queue, add, flood } = setUp();
    flood(3);
    const batch = queue.next();
    add(quiet, 'quiet');
    flood(1, 'later');
    queue.putBack(batch.slice(0, 1), batch.slice(1));
    assert.deepEqual(textsOf(queue.next()), ['flood 0']);
    assert.deepEqual(textsOf(queue.next()), ['flood 1', 'flood 2']);
    assert.deepEqual(textsOf(queue.next()), ['quiet', 'later 0']);
    assert.deepEqual(queue.next(), []);
  });

  it('is settled once for a message, with the worst that became of its texts', () => {
    const { queue, outcomes, add } = setUp();
    add(flooder, 'one', 'two', 'three');
    const [one, two, three] = queue.next();
    assert.ok(one !== undefined && two !== undefined && three !== undefined);
    queue.settle(one, 'committed');
    queue.settle(two, 'rejected');
    assert.deepEqual(outcomes, []);
    assert.equal(queue.unsettledTexts, 1);
    queue.settle(three, 'committed');
    assert.deepEqual(outcomes, ['rejected']);
    assert.equal(queue.unsettledBytes, 0);
  });

  it('is all settled at the end, what was put back included', () => {
    const { queue, outcomes, add, flood } = setUp();
    flood(200);
    queue.putBack(queue.next());
    add(quiet, 'quiet');
    queue.settleAll('unknown');
    assert.deepEqual(
      outcomes,
      Array.from({ length: 201 }, () => 'unknown'),
    );
    assert.equal(queue.isEmpty, true);
    assert.equal(queue.unsettledTexts, 0);
  });
});
