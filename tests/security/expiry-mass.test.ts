import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { queryObjects } from 'node:v8';
import { Session } from '#gateway/session/session.js';
import { closePayload, opcodes } from '../support/frames.ts';
import { startGateway } from '../support/gateway.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import type { RawSocket } from '../support/raw-socket.ts';
import { enter } from '../support/rogue.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();

const EXPIRED = closePayload(3001, 'JWT expired').toString('latin1');

/** Each session has two descriptors here, one at either end; some are for others. */
const SESSIONS = Math.min(2_000, Math.floor(descriptorLimit() / 2) - 100);

/** How long the loop may be blocked: by these clients, which share it, more than by the gateway. */
const LONGEST_BLOCK_MS = 500;

/** Sessions that a garbage collection finds in use. */
function sessions(): number {
  return queryObjects(Session, { format: 'count' });
}

function descriptorLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1]);
}

describe('Many tokens', () => {
  it('that end in the same second are cut within two, without a halt, and leave nothing behind', async () => {
    const clock = new JumpingClock();
    const gateway = await startGateway(scope, { hooks: { clock } });
    const claims = { mode: 'rw', channels: ['chat'], exp: clock.inSeconds(3_600) };
    const rogues: RawSocket[] = [];
    while (rogues.length < SESSIONS)
      rogues.push(
        ...(await Promise.all(
          Array.from({ length: 50 }, () => enter(scope, gateway.port, claims)),
        )),
      );
    assert.equal(sessions(), rogues.length);

    const delay = monitorEventLoopDelay({ resolution: 5 });
    const startMs = performance.now();
    delay.enable();
    clock.pass(claims.exp * 1000 - clock.wallMs());
    const ended = (): number =>
      gateway.events.filter(({ event }) => event === 'session_ended').length;
    await until('the end of every session', () => ended() === rogues.length);
    const tookMs = performance.now() - startMs;
    delay.disable();

    assert.ok(tookMs < 2_000, `took ${tookMs} ms`);
    assert.ok(delay.max / 1e6 < LONGEST_BLOCK_MS, `the loop was blocked for ${delay.max / 1e6} ms`);
    for (const rogue of rogues) {
      const { opcode, payload } = await rogue.frame();
      assert.deepEqual([opcode, payload.toString('latin1')], [opcodes.close, EXPIRED]);
    }
    for (const rogue of rogues) rogue.destroy();
    await until('memory without a session', () => sessions() === 0, 15_000);
  });

  it('whose clients leave long before their end are forgotten at once', async () => {
    const gateway = await startGateway(scope);
    const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };
    const rogues = await Promise.all(
      Array.from({ length: 20 }, () => enter(scope, gateway.port, claims)),
    );
    assert.equal(sessions(), rogues.length);
    for (const rogue of rogues) rogue.destroy();
    await until('memory without a session', () => sessions() === 0, 15_000);
  });
});
