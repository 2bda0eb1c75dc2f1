import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { deadlineAt } from '#gateway/session/deadline.js';
import { Expiring } from '#gateway/session/expiring.js';
import { ada, Antechamber } from './antechamber.ts';

const NOW = 1_800_000_000;

/** A session whose token has so many seconds left, and when and of what it is warned. */
function setUp(
  seconds: number | undefined,
  { random = 0.5, maxConnectionAge = 0 }: { random?: number; maxConnectionAge?: number } = {},
) {
  const chamber = new Antechamber({ maxConnectionAge }, {}, { random: () => random });
  const end = seconds === undefined ? undefined : NOW + seconds;
  const visit = chamber.enter({
    expiresAt: end,
    refresh: () => Promise.resolve({ ...ada, expiresAt: (end ?? 0) + 1_000 }),
  });
  const warnings = (): readonly number[] =>
    visit.socket.messages
      .map((message) => Object(message))
      .filter(({ type }) => type === 'expiring')
      .map((message) => message.seconds);
  return { chamber, ...visit, warnings };
}

describe('The warning that a token ends', () => {
  const cases = [
    [100, 30],
    [300, 30],
    [1_000, 100],
    [3_000, 300],
    [100_000, 300],
  ] as const;
  for (const [left, ahead] of cases)
    it(`comes once, ${ahead} s ahead of an end that is ${left} s away`, () => {
      const { chamber, warnings } = setUp(left);
      chamber.pass((left - ahead) * 1000 - 1);
      assert.deepEqual(warnings(), []);
      chamber.pass(1);
      assert.deepEqual(warnings(), [ahead]);
      chamber.pass(ahead * 1000 - 1);
      assert.equal(warnings().length, 1);
    });

  it('comes a fifth earlier or later, by chance', () => {
    for (const [random, ahead] of [
      [0, 80],
      [1, 120],
    ] as const) {
      const { chamber, warnings } = setUp(1_000, { random });
      chamber.pass((1_000 - ahead) * 1000 - 1);
      assert.deepEqual(warnings(), []);
      chamber.pass(1);
      assert.deepEqual(warnings(), [ahead]);
    }
  });

  it('follows the welcome at once where less is left', () => {
    const { socket, warnings } = setUp(20.5);
    assert.deepEqual(
      socket.messages.map((message) => Object(message).type),
      ['welcome', 'expiring'],
    );
    assert.deepEqual(warnings(), [20.5]);
  });

  it('never comes where there is no end, or where the session reaches its age before', () => {
    const endless = setUp(undefined);
    const old = setUp(1_000, { maxConnectionAge: 990 });
    for (const { chamber } of [endless, old]) {
      chamber.pass(985_000);
      chamber.pass(1_015_000);
    }
    assert.deepEqual([endless.warnings(), old.warnings()], [[], []]);
    assert.deepEqual(old.socket.done, ['close 4002 Connection too old']);
  });

  it('never comes to one who has left, and does not wait for it either', (t) => {
    const warned = t.mock.method(Expiring.prototype, 'expire');
    const { chamber, session, socket } = setUp(100);
    session.lose(1000);
    chamber.pass(80_000);
    assert.equal(warned.mock.callCount(), 0);
    assert.deepEqual(
      socket.messages.map((message) => Object(message).type),
      ['welcome'],
    );
  });

  it('comes anew for each token, and not for the one before', async () => {
    const { chamber, say, warnings } = setUp(500);
    say({ type: 'auth', id: 1, token: 't' });
    await turn();
    // The token that was lasted until 500, and this one until 1,500.
    chamber.pass(1_349_999);
    assert.deepEqual(warnings(), []);
    chamber.pass(1);
    assert.deepEqual(warnings(), [150]);
  });

  it('does not come for a token that was followed by another while many were warned', async () => {
    const chamber = new Antechamber({}, {}, { random: () => 0.5 });
    // So many are warned before the loop goes round.
    for (let n = 0; n < 500; n += 1)
      chamber.wheel.add({
        deadline: deadlineAt((NOW + 70) * 1000, chamber.clock),
        expire: () => undefined,
      });
    const { socket, say } = chamber.enter({
      expiresAt: NOW + 100,
      refresh: () => Promise.resolve({ ...ada, expiresAt: NOW + 1_070 }),
    });
    const types = (): readonly unknown[] => socket.messages.map((message) => Object(message).type);
    chamber.pass(70_000);
    say({ type: 'auth', id: 1, token: 't' });
    for (let n = 0; n < 10; n += 1) await Promise.resolve();
    assert.deepEqual(types(), ['welcome', 'ok']);
    await turn();
    assert.deepEqual(types(), ['welcome', 'ok']);
    chamber.pass(900_000);
    await turn();
    assert.deepEqual(types(), ['welcome', 'ok', 'expiring']);
  });

  it('comes in time when the wall clock is set forward', () => {
    const { chamber, warnings } = setUp(1_000);
    chamber.clock.setWall(900_000);
    chamber.wheel.tick();
    assert.deepEqual(warnings(), [100]);
  });
});
