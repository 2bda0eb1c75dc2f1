import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createAdmission } from '#gateway/session/admission.js';
import type { RawVisitor } from '#gateway/session/admission.js';
import { Antechamber } from './antechamber.ts';
import { FakeSocket } from './fake-socket.ts';

const SESSIONS = 5_000;

/** What one turn of the loop may be used for: 100,000 ends in one go take more than two seconds. */
const SLICE = 500;

/** Sessions of one channel, whose tokens end in the same second. */
function crowd() {
  const chamber = new Antechamber();
  const { clock, parts, hub, wheel, registry } = chamber;
  const visitor: RawVisitor = {
    protocol: 'raw',
    claims: {},
    grant: { channels: ['chat'], readable: ['chat'], writable: [] },
    expiresAt: clock.wallMs() / 1000 + 600,
    address: undefined,
  };
  const admit = createAdmission(parts);
  const sockets = Array.from({ length: SESSIONS }, () => new FakeSocket());
  for (const socket of sockets) admit(socket, visitor);
  const ended = (): number => sockets.filter(({ done }) => done.length > 0).length;
  return { clock, hub, wheel, registry, sockets, ended };
}

describe('Many sessions that are over in the same second', () => {
  it('are sent nothing any more, and end in slices, whatever comes for them meanwhile', async () => {
    const { clock, hub, wheel, registry, sockets, ended } = crowd();
    clock.pass(600_000);
    hub.broadcast('chat', () => Buffer.from('too late'));
    assert.equal(ended(), 0);
    wheel.tick();
    for (let before = 0; before < SESSIONS; before = ended()) {
      hub.broadcast('chat', () => Buffer.from('too late'));
      assert.ok(ended() - before <= SLICE, `${ended() - before} ended in one turn`);
      await turn();
    }
    for (const { done, messages } of sockets)
      assert.deepEqual([done, messages], [['close 3001 JWT expired'], []]);
    assert.deepEqual([hub.size, registry.size], [0, 0]);
  });
});
