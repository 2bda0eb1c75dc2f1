import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Antechamber } from './antechamber.ts';

function rateLimited(id: number) {
  return { type: 'error', id, code: 'rate_limited', message: 'Rate limited', retry: 'yes' };
}

describe('A client of postern.v1 that says more than it may', () => {
  /** So slow that nothing is added while a test runs. */
  const slow = { messagesPerSecond: 0.000_1, messageBurst: 2 };

  it('is told so of each command too many, which is not carried out', () => {
    const { socket, say } = new Antechamber(slow).enter();
    for (const id of [1, 2, 3]) say({ type: 'ping', id });
    say({ type: 'nonsense', id: 4 });
    assert.deepEqual(socket.messages.slice(1), [
      { type: 'pong', id: 1 },
      { type: 'pong', id: 2 },
      rateLimited(3),
      rateLimited(4),
    ]);
    assert.deepEqual(socket.done, []);
  });

  it('may go on when time has passed', () => {
    const chamber = new Antechamber({ messagesPerSecond: 1, messageBurst: 1 });
    const { socket, say } = chamber.enter();
    for (const id of [1, 2]) say({ type: 'ping', id });
    chamber.pass(1_000);
    say({ type: 'ping', id: 3 });
    const replies = [{ type: 'pong', id: 1 }, rateLimited(2), { type: 'pong', id: 3 }];
    assert.deepEqual(socket.messages.slice(1), replies);
  });

  it('is ended as ever for what is no message', () => {
    for (const [kind, close] of [
      ['text', 'close 4505 Bad message'],
      ['binary', 'close 1003 Binary unsupported'],
    ] as const) {
      const { socket, session, say } = new Antechamber(slow).enter();
      for (const id of [1, 2]) say({ type: 'ping', id });
      session.receive(Buffer.from('x'), kind);
      assert.deepEqual(socket.done, [close]);
    }
  });

  it('is closed with 4029 when it goes on, ten times over', () => {
    const { socket, say } = new Antechamber(slow).enter();
    for (let id = 1; id <= 22; id += 1) say({ type: 'ping', id });
    assert.deepEqual([socket.messages.length, socket.done], [23, []]);
    say({ type: 'ping', id: 23 });
    assert.deepEqual([socket.messages.length, socket.done], [23, ['close 4029 Rate limited']]);
  });

  it('is told so for as long as it keeps below ten times the rate beyond it', () => {
    const chamber = new Antechamber({ messagesPerSecond: 2, messageBurst: 2 });
    const { socket, say } = chamber.enter();
    const sayMany = (count: number): void => {
      for (let n = 0; n < count; n += 1) say({ type: 'ping', id: 1 });
    };
    for (let second = 0; second < 100; second += 1) {
      sayMany(22);
      chamber.pass(1_000);
    }
    assert.deepEqual([socket.messages.length, socket.done], [2_201, []]);
    sayMany(23);
    assert.deepEqual(socket.done, ['close 4029 Rate limited']);
  });

  it('has its pings and pongs counted likewise', () => {
    for (const sign of ['pinged', 'alive'] as const) {
      const { socket, session, say } = new Antechamber(slow).enter();
      for (let n = 1; n <= 21; n += 1) session[sign]();
      say({ type: 'ping', id: 1 });
      assert.deepEqual([socket.messages.slice(1), socket.done], [[rateLimited(1)], []]);
      session[sign]();
      assert.deepEqual(socket.done, ['close 4029 Rate limited']);
    }
  });
});
