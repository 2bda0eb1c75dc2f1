import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SenderTurns } from '#gateway/postgres/sender-turns.js';

const [ada, bob, eve] = [{}, {}, undefined];

/** Takes out all that waits. */
function drain<Item>(turns: SenderTurns<Item>): readonly Item[] {
  const items: Item[] = [];
  for (let item = turns.shift(); item !== undefined; item = turns.shift()) items.push(item);
  return items;
}

describe('Senders who take turns', () => {
  it('have one taken of each, and go on by themselves when the others have no more', () => {
    const turns = new SenderTurns<string>();
    for (const text of ['ada 1', 'ada 2', 'ada 3', 'ada 4']) turns.push(ada, text);
    turns.push(bob, 'bob 1');
    turns.push(eve, 'eve 1');
    turns.push(bob, 'bob 2');
    const order = ['ada 1', 'bob 1', 'eve 1', 'ada 2', 'bob 2', 'ada 3', 'ada 4'];
    assert.deepEqual(drain(turns), order);
    assert.equal(turns.isEmpty, true);
  });

  it('come after those who wait already, also when they come again', () => {
    const turns = new SenderTurns<string>();
    turns.push(ada, 'ada 1');
    turns.push(bob, 'bob 1');
    assert.equal(turns.next, 'ada 1');
    assert.equal(turns.shift(), 'ada 1');
    turns.push(ada, 'ada 2');
    assert.equal(turns.next, 'bob 1');
    assert.deepEqual(drain(turns), ['bob 1', 'ada 2']);
    assert.equal(turns.next, undefined);
  });

  it('lose nothing, keep their order, and wait for no more than one of each other sender', () => {
    const senders = [ada, bob, eve];
    const move = fc.option(fc.nat(senders.length - 1));
    fc.assert(
      fc.property(fc.array(move), (moves) => {
        const turns = new SenderTurns<readonly [sender: number, nth: number]>();
        const model: number[][] = senders.map(() => []);
        const passed = senders.map(() => 0);
        for (const [nth, sender] of [...moves, ...moves.map(() => null)].entries()) {
          if (sender !== null) {
            turns.push(senders[sender], [sender, nth]);
            model[sender]?.push(nth);
            continue;
          }
          const [whose = -1, taken] = turns.shift() ?? [];
          assert.equal(taken, model[whose]?.shift());
          for (const [other, waiting] of model.entries())
            passed[other] = other === whose || waiting.length === 0 ? 0 : (passed[other] ?? 0) + 1;
          assert.ok(Math.max(...passed) < senders.length, `${passed.join(' ')}`);
          assert.equal(
            turns.isEmpty,
            model.every((waiting) => waiting.length === 0),
          );
        }
        assert.equal(turns.isEmpty, true);
      }),
    );
  });
});
