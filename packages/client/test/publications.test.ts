import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import type { Connection } from '#client/connection.js';
import { PosternError, trouble } from '#client/errors.js';
import { Publications } from '#client/publications.js';

import { connect, connectAgain } from './support/connections.ts';
import type { TestConnection } from './support/connections.ts';
import { pass } from './support/time.ts';

/** What is to be published, and what became of it; `open` brings a connection. */
function publish(t: TestContext) {
  let current: TestConnection = connect(t);
  let open: Connection | undefined;
  const all = new Publications(() => (open?.isOpen === true ? open : undefined));
  const outcomes: string[] = [];
  return {
    all,
    outcomes,
    socket: () => current.socket,
    add: (payload: unknown, key?: string) =>
      all.add({ channel: 'chat', payload, key }, (outcome) =>
        outcomes.push(
          `${payload} ${outcome instanceof PosternError ? outcome.code : outcome.duplicate}`,
        ),
      ),
    open: (longest = 0) => {
      if (open !== undefined) current = connectAgain();
      current.socket.welcome();
      open = current.connection;
      all.open(longest);
    },
    /** The payloads that were said since it was asked for last. */
    said: () => current.socket.news().map((command) => 'payload' in command && command.payload),
    /** Answers the one that was said with this payload. */
    reply: (payload: unknown, members: object = { type: 'ok' }) => {
      const command = current.socket.ofType('publish').find((one) => one['payload'] === payload);
      current.socket.tell({ ...members, id: command?.id });
    },
  };
}

const REFUSED = { type: 'error', code: 'scope_denied', message: 'Forbidden', retry: 'no' };
const LATER = { type: 'error', code: 'rate_limited', message: 'Slower', retry: 'yes' };
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe('Publications', () => {
  it('waits for a connection, and says them in their order', (t) => {
    const { add, open, socket, outcomes, reply } = publish(t);
    add(1);
    add(null, 'k');
    open();
    add('three');
    assert.deepEqual(socket().said, [
      { id: 1, type: 'publish', channel: 'chat', payload: 1 },
      { id: 2, type: 'publish', channel: 'chat', payload: null, key: 'k' },
      { id: 3, type: 'publish', channel: 'chat', payload: 'three' },
    ]);
    reply('three');
    reply(null, { type: 'ok', duplicate: true });
    reply(1, REFUSED);
    assert.deepEqual(outcomes, ['three false', 'null true', '1 scope_denied']);
  });

  it('says 32 at a time, and the next with each reply', (t) => {
    const { add, open, said, socket } = publish(t);
    for (const n of numbers(1, 40)) add(n);
    open();
    const { length } = socket().said;
    assert.equal(length, 32);
    assert.deepEqual(said(), numbers(1, 32));
    socket().tell({ type: 'ok', id: 7 });
    assert.deepEqual(said(), [33]);
    socket().tell({ ...REFUSED, id: 9 });
    assert.deepEqual(said(), [34]);
    add(41);
    assert.deepEqual(said(), []);
    for (const id of [1, 2, 3, 4, 5, 6, 8]) socket().tell({ type: 'ok', id });
    assert.deepEqual(said(), numbers(35, 41));
  });

  it('refuses what is more than 1,000, and keeps those', (t) => {
    const { add, outcomes, open, socket } = publish(t);
    for (const n of numbers(1, 1_001)) add(n);
    add(1_002);
    assert.deepEqual(outcomes, ['1001 queue_full', '1002 queue_full']);
    open();
    socket().tell({ type: 'ok', id: 1 });
    add(1_003);
    assert.deepEqual(outcomes.slice(2), ['1 false']);
  });

  it('says what has a key again on the next connection, until it is answered', (t) => {
    const { add, open, said, socket, outcomes, reply } = publish(t);
    open();
    add(1, 'a');
    add(2, 'b');
    assert.deepEqual(said(), [1, 2]);
    socket().tell({ type: 'ok', id: 1 });
    socket().end(1006);
    open();
    assert.deepEqual(said(), [2]);
    socket().end(1012);
    open();
    reply(2, { type: 'ok', duplicate: true });
    assert.deepEqual(outcomes, ['1 false', '2 true']);
    socket().end(1012);
    open();
    assert.deepEqual(said(), []);
  });

  it('does not say again what has no key once it was said: nobody knows what became of it', (t) => {
    const { add, open, said, socket, outcomes } = publish(t);
    open();
    for (const n of numbers(1, 34)) add(n);
    assert.deepEqual(said(), numbers(1, 32));
    socket().end(1006);
    assert.deepEqual(
      outcomes,
      numbers(1, 32).map((n) => `${n} outcome_unknown`),
    );
    open();
    assert.deepEqual(said(), [33, 34]);
  });

  it('says nothing to a connection that has ended, when one is published by whoever is told so', (t) => {
    const { all, add, open, said, socket, outcomes } = publish(t);
    open();
    add('keyed', 'k');
    all.add({ channel: 'chat', payload: 'first' }, () => void add('again'));
    said();
    const ended = socket();
    ended.end(1006);
    assert.deepEqual(ended.said, []);
    open();
    assert.deepEqual(said(), ['keyed', 'again']);
    assert.deepEqual(outcomes, []);
  });

  it('says what has a key again after a second when it is refused for now, and others meanwhile', (t) => {
    const { add, open, said, reply, socket, outcomes } = publish(t);
    open();
    add(1, 'a');
    add(2);
    reply(1, LATER);
    reply(2, LATER);
    assert.deepEqual(outcomes, ['2 rate_limited']);
    said();
    pass(t, 900);
    add(3);
    assert.deepEqual(said(), [3]);
    pass(t, 200);
    assert.deepEqual(said(), [1]);
    socket().tell({ type: 'ok', id: 4 });
    assert.deepEqual(outcomes, ['2 rate_limited', '1 false']);
  });

  it('does not keep others waiting for those that were refused for now', (t) => {
    const { add, open, said, reply } = publish(t);
    open();
    for (const n of numbers(1, 32)) add(n, `k${n}`);
    for (const n of numbers(1, 32)) reply(n, LATER);
    said();
    add(33);
    assert.deepEqual(said(), [33]);
  });

  it('does not say again after a second what was given up or stopped by then', (t) => {
    const { all, add, open, said, reply, outcomes } = publish(t);
    open();
    const giveUp = add(1, 'a');
    add(2, 'b');
    reply(1, LATER);
    reply(2, LATER);
    said();
    giveUp();
    all.stop(trouble('closed'));
    pass(t, 2_000);
    assert.deepEqual(said(), []);
    assert.deepEqual(outcomes, ['1 aborted', '2 closed']);
  });

  it('refuses what is too big, counted in bytes and with its id, and says the rest', (t) => {
    const { add, open, said, outcomes } = publish(t);
    const command = JSON.stringify({ type: 'publish', channel: 'chat', payload: 'ää' });
    const bytes = Buffer.byteLength(command) + 20;
    add('ää');
    add('aaaaa');
    add('aaaa');
    open(bytes);
    assert.deepEqual(outcomes, ['aaaaa too_big']);
    assert.deepEqual(said(), ['ää', 'aaaa']);
    add('ä'.repeat(3));
    assert.deepEqual(outcomes.slice(1), ['äää too_big']);
  });

  it('does not leave the rest waiting behind a queue of those that are too big', (t) => {
    const { add, open, said } = publish(t);
    for (const n of numbers(1, 40)) add(`${n} is too much`);
    for (const n of numbers(1, 33)) add(n);
    open(70);
    assert.deepEqual(said(), numbers(1, 32));
  });

  it('takes anything where the gateway names no limit', (t) => {
    const { add, open, said } = publish(t);
    const long = 'x'.repeat(2_000_000);
    open(0);
    add(long);
    assert.deepEqual(said(), [long]);
  });

  it('gives up when it is asked to, once, whether it was said or not', (t) => {
    const { add, open, said, socket, outcomes } = publish(t);
    const before = add(1);
    before();
    open();
    const under = add(2, 'k');
    under();
    under();
    socket().tell({ type: 'ok', id: 1 });
    socket().end(1006);
    open();
    assert.deepEqual(said(), []);
    assert.deepEqual(outcomes, ['1 aborted', '2 aborted']);
  });

  it('fails all of them when it is stopped, and says them no more', (t) => {
    const { all, add, open, said, outcomes } = publish(t);
    add(1);
    add(2, 'k');
    all.stop(trouble('no_token'));
    open();
    assert.deepEqual(said(), []);
    assert.deepEqual(outcomes, ['1 no_token', '2 no_token']);
  });

  it('throws for what JSON cannot tell, and forgets it', (t) => {
    const { add, open, said } = publish(t);
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    assert.throws(() => add(circle), TypeError);
    assert.throws(() => add(1n), TypeError);
    open();
    assert.deepEqual(said(), []);
  });
});
