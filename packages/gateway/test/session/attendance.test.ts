import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Antechamber } from './antechamber.ts';

describe('Attendance', () => {
  it('knows who is in, from where and since when, and tells of each coming and leaving once', () => {
    const chamber = new Antechamber();
    const { attendance, clock, seen } = chamber;
    const since = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    const { session } = chamber.enter();
    const { id } = session;
    assert.deepEqual(attendance.find(id), { session, address: '192.0.2.1', since });
    assert.deepEqual(attendance.ids(), [id]);
    assert.deepEqual(attendance.all(), [attendance.find(id)]);

    attendance.changed(session);
    session.lose(1000);
    session.lose(1000);
    assert.equal(attendance.find(id), undefined);
    assert.deepEqual(attendance.ids(), []);
    // What is over does not change any more.
    attendance.changed(session);
    assert.deepEqual(seen, [`came ${id}`, `changed ${id}`, `left ${id}`]);
  });

  it('may be left twice', () => {
    const chamber = new Antechamber();
    const { session } = chamber.enter();
    chamber.attendance.remove(session);
    chamber.attendance.remove(session);
    assert.equal(chamber.seen.filter((what) => what === `left ${session.id}`).length, 1);
  });
});
