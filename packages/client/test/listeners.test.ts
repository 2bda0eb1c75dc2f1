import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { attempt, Listeners } from '#client/listeners.js';

/** A place for listeners, what it told to each of them, and what it reported. */
function listen() {
  const told: string[] = [];
  const reports: unknown[] = [];
  const listeners = new Listeners<number>((error) => void reports.push(error));
  const hear = (name: string) => (value: number) => void told.push(`${name}${value}`);
  return { listeners, told, reports, hear };
}

describe('Listeners', () => {
  it('tells all of them, in the order in which they came', () => {
    const { listeners, told, hear } = listen();
    listeners.tell(0);
    listeners.add(hear('a'));
    listeners.add(hear('b'));
    listeners.tell(1);
    listeners.tell(2);
    assert.deepEqual(told, ['a1', 'b1', 'a2', 'b2']);
  });

  it('reports what one throws, and tells the others all the same', () => {
    const { listeners, told, reports, hear } = listen();
    const bug = new Error('a bug of the program');
    listeners.add(() => {
      throw bug;
    });
    listeners.add(hear('b'));
    listeners.tell(1);
    assert.deepEqual(told, ['b1']);
    assert.deepEqual(reports, [bug]);
  });

  it('tells one that was added twice twice, and once after one of them was taken out, twice over', () => {
    const { listeners, told, hear } = listen();
    const listener = hear('a');
    const remove = listeners.add(listener);
    listeners.add(listener);
    listeners.tell(1);
    remove();
    remove();
    listeners.tell(2);
    assert.deepEqual(told, ['a1', 'a1', 'a2']);
  });

  it('leaves nobody out when one leaves while it is told, and lets whoever comes then wait', () => {
    const { listeners, told, hear } = listen();
    const leave = listeners.add((value) => {
      told.push(`once${value}`);
      leave();
      listeners.add(hear('late'));
    });
    listeners.add(hear('b'));
    listeners.tell(1);
    listeners.tell(2);
    assert.deepEqual(told, ['once1', 'b1', 'b2', 'late2']);
  });
});

describe('attempt', () => {
  it('reports what is thrown, whatever it is, and nothing else', () => {
    const reports: unknown[] = [];
    attempt(
      () => undefined,
      (error) => void reports.push(error),
    );
    attempt(
      () => {
        // oxlint-disable-next-line typescript/only-throw-error -- programs may
        throw 'text';
      },
      (error) => void reports.push(error),
    );
    assert.deepEqual(reports, ['text']);
  });
});
