import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import type { Answer } from '#client/answer.js';
import { PosternError } from '#client/errors.js';
import { singleFlight } from '#client/single-flight.js';

import { pass, stopTime } from './support/time.ts';

/** Something that is got one at a time, how each is answered, and what those who asked were told. */
function flights(t: TestContext) {
  stopTime(t);
  const begun: Answer<string>[] = [];
  const told: string[] = [];
  const get = singleFlight<string>((answer) => void begun.push(answer));
  const ask = (name: string): void =>
    get((got) => void told.push(`${name} ${got instanceof PosternError ? got.code : got}`));
  return { begun, told, ask };
}

describe('singleFlight', () => {
  it('begins once for all who ask meanwhile, and tells them in the order in which they asked', (t) => {
    const { begun, told, ask } = flights(t);
    ask('a');
    ask('b');
    ask('c');
    assert.equal(begun.length, 1);
    assert.deepEqual(told, []);
    begun[0]?.('one');
    assert.deepEqual(told, ['a one', 'b one', 'c one']);
  });

  it('begins anew for whoever asks after the answer, even while it is being told', (t) => {
    const { begun, told, ask } = flights(t);
    const get = singleFlight<string>((answer) => void begun.push(answer));
    get(() => get((got) => void told.push(String(got))));
    begun[0]?.('one');
    assert.equal(begun.length, 2);
    begun[1]?.('two');
    assert.deepEqual(told, ['two']);
    ask('a');
    assert.equal(begun.length, 3);
  });

  it('tells all of an error', (t) => {
    const { begun, told, ask } = flights(t);
    ask('a');
    ask('b');
    begun[0]?.(new PosternError('forbidden', '', 'no'));
    assert.deepEqual(told, ['a forbidden', 'b forbidden']);
  });

  it('is answered at once where the answer is there', () => {
    let got: unknown;
    singleFlight<string>((answer) => answer('kept'))((answer) => (got = answer));
    assert.equal(got, 'kept');
  });

  it('ignores a second answer', (t) => {
    const { begun, told, ask } = flights(t);
    ask('a');
    begun[0]?.('one');
    ask('b');
    begun[0]?.('again');
    assert.deepEqual(told, ['a one']);
    begun[1]?.('two');
    assert.deepEqual(told, ['a one', 'b two']);
  });

  it('waits for 30 seconds, and ignores what comes after', (t) => {
    const { begun, told, ask } = flights(t);
    ask('a');
    pass(t, 29_000);
    ask('b');
    pass(t, 900);
    assert.deepEqual(told, []);
    pass(t, 200);
    assert.deepEqual(told, ['a unreachable', 'b unreachable']);
    ask('c');
    begun[0]?.('late');
    assert.deepEqual(told, ['a unreachable', 'b unreachable']);
    begun[1]?.('two');
    pass(t, 60_000);
    assert.deepEqual(told.slice(2), ['c two']);
  });

  it('does not let the patience of one flight end the next', (t) => {
    const { begun, told, ask } = flights(t);
    ask('a');
    pass(t, 20_000);
    begun[0]?.('one');
    ask('b');
    pass(t, 20_000);
    assert.deepEqual(told, ['a one']);
    begun[1]?.('two');
    assert.deepEqual(told, ['a one', 'b two']);
  });
});
