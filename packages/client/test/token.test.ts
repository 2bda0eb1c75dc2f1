import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import type { Answer } from '#client/answer.js';
import { PosternError, trouble } from '#client/errors.js';
import { tokenSource } from '#client/token.js';

import { NOW_MS, pass, stopTime } from './support/time.ts';

const addresses = { socket: 'wss://rt.example.com/ws', preauth: '' };

/** A source of tokens, why it has asked for one, and what it gave. */
function source(t: TestContext) {
  stopTime(t);
  const wishes: string[] = [];
  const answers: Answer<string>[] = [];
  const got: unknown[] = [];
  const tokens = tokenSource(addresses, ({ reason }, answer) => {
    wishes.push(reason);
    answers.push(answer);
  });
  return {
    tokens,
    wishes,
    got,
    get: () =>
      tokens.get((outcome) =>
        got.push(outcome instanceof PosternError ? outcome.code : outcome.token),
      ),
    renew: () =>
      tokens.renew('s1', (outcome) =>
        got.push(outcome instanceof PosternError ? outcome.code : outcome),
      ),
    answer: (outcome: string | PosternError) => answers.at(-1)?.(outcome),
    answers,
  };
}

describe('tokenSource', () => {
  it('shows a token by the first message, and never in the address or among the offers', (t) => {
    const { tokens, answer } = source(t);
    const got: unknown[] = [];
    tokens.get((outcome) => got.push(outcome));
    answer('jwt');
    assert.deepEqual(got, [
      { url: 'wss://rt.example.com/ws', protocols: ['postern.v1'], token: 'jwt' },
    ]);
  });

  it('asks once for as many connections as a token lasts for', (t) => {
    const { tokens, wishes, got, get, answer } = source(t);
    get();
    answer('one');
    tokens.endsAt(NOW_MS + 60_000);
    pass(t, 49_900);
    get();
    assert.deepEqual([wishes, got], [['connect'], ['one', 'one']]);
    pass(t, 100);
    get();
    assert.deepEqual(wishes, ['connect', 'connect']);
    answer('two');
    assert.deepEqual(got, ['one', 'one', 'two']);
  });

  it('keeps one whose end nobody has told, or that has none', (t) => {
    const { tokens, wishes, get, answer } = source(t);
    get();
    answer('one');
    pass(t, 100_000);
    get();
    tokens.endsAt(Infinity);
    get();
    assert.deepEqual(wishes, ['connect']);
  });

  it('does not take the end of the last one for that of the next', (t) => {
    const { tokens, wishes, get, answer } = source(t);
    get();
    answer('one');
    tokens.endsAt(0);
    get();
    answer('two');
    get();
    assert.deepEqual(wishes, ['connect', 'connect']);
  });

  it('uses none again that is no use any more', (t) => {
    const { tokens, got, get, answer } = source(t);
    get();
    answer('one');
    tokens.endsAt(0);
    get();
    answer('two');
    assert.deepEqual(got, ['one', 'two']);
  });

  it('says what each is wanted for, and keeps a renewed one for the next connection', (t) => {
    const { wishes, got, get, renew, answer } = source(t);
    get();
    answer('one');
    renew();
    answer('two');
    get();
    assert.deepEqual(wishes, ['connect', 'renew']);
    assert.deepEqual(got, ['one', 'two', 'two']);
  });

  it('gets one at a time, whatever it is wanted for', (t) => {
    const { wishes, got, get, renew, answer } = source(t);
    renew();
    get();
    assert.deepEqual(wishes, ['renew']);
    answer('one');
    assert.deepEqual(got, ['one', 'one']);
  });

  it('asks anew for each connection while nobody is logged in, and while it fails', (t) => {
    const { wishes, got, get, answer } = source(t);
    get();
    answer('');
    get();
    answer(trouble('token_failed'));
    get();
    answer('one');
    assert.deepEqual(wishes, ['connect', 'connect', 'connect']);
    assert.deepEqual(got, ['no_token', 'token_failed', 'one']);
  });

  it('does not stop for ever at a program that never answers', (t) => {
    const { got, wishes, get, answer } = source(t);
    get();
    pass(t, 30_000);
    assert.deepEqual(got, ['unreachable']);
    get();
    answer('one');
    assert.deepEqual(wishes, ['connect', 'connect']);
    assert.deepEqual(got, ['unreachable', 'one']);
  });
});
