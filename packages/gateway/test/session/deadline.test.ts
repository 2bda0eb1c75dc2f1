import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deadlineAt, isOver, systemClock } from '#gateway/session/deadline.js';
import { TurnedClock } from './turned-clock.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('Deadline', () => {
  it('is over at its very millisecond and not before', () => {
    const clock = new TurnedClock();
    const deadline = deadlineAt(clock.wallMs() + MINUTE, clock);
    clock.pass(MINUTE - 1);
    assert.equal(isOver(deadline, clock), false);
    clock.pass(1);
    assert.equal(isOver(deadline, clock), true);
  });

  it('is not put off by a wall clock set back an hour', () => {
    const clock = new TurnedClock();
    const deadline = deadlineAt(clock.wallMs() + MINUTE, clock);
    clock.setWall(-HOUR);
    clock.pass(MINUTE);
    assert.equal(isOver(deadline, clock), true);
  });

  it('comes at once when the wall clock jumps past it, as after a sleep', () => {
    const clock = new TurnedClock();
    const deadline = deadlineAt(clock.wallMs() + MINUTE, clock);
    clock.setWall(HOUR);
    assert.equal(isOver(deadline, clock), true);
  });

  it('of a session let in after the clock was set back counts from the corrected time', () => {
    const clock = new TurnedClock();
    clock.setWall(-HOUR);
    const deadline = deadlineAt(clock.wallMs() + MINUTE, clock);
    clock.pass(MINUTE - 1);
    assert.equal(isOver(deadline, clock), false);
  });

  it('at infinity never comes', () => {
    const clock = new TurnedClock();
    const deadline = deadlineAt(Infinity, clock);
    clock.pass(1e15);
    assert.equal(isOver(deadline, clock), false);
  });

  it('follows the clocks of the system unless told otherwise', () => {
    assert.equal(isOver(deadlineAt(Date.now() - 1, systemClock), systemClock), true);
    assert.equal(isOver(deadlineAt(Date.now() + MINUTE, systemClock), systemClock), false);
  });
});
