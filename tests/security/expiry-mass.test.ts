import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import type { Log } from '#gateway/observe/log.js';
import { Session } from '#gateway/session/session.js';
import { closePayload, opcodes } from '../support/frames.ts';
import { startGateway } from '../support/gateway.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import type { RawSocket } from '../support/raw-socket.ts';
import { enter } from '../support/rogue.ts';
import { inSeconds } from '../support/tokens.ts';
import { inTime, until } from '../support/wait.ts';

const scope = failOnLeaks();

const EXPIRED = closePayload(3001, 'JWT expired').toString('latin1');

/** Each session has two descriptors here, one at either end; some are for others. */
const SESSIONS = Math.min(2_000, Math.floor(descriptorLimit() / 2) - 100);

/**
 * How much one turn of the loop may work: for these clients, which share it, more than for the gateway.
 * Not how long it may take, which depends on what else this computer does.
 */
const MOST_WORK_MS = 500;

/** And all of it, from the first end on, which comes with the tick of a second. */
const MOST_WORK_IN_ALL_MS = 2_000;

/** Milliseconds that this process has worked so far. */
function worked(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** What the busiest turn of the loop has worked, until all is done. */
async function busiestTurnMs(isDone: () => boolean): Promise<number> {
  let busiest = 0;
  for (let before = worked(); !isDone();) {
    await turn();
    const now = worked();
    busiest = Math.max(busiest, now - before);
    before = now;
  }
  return busiest;
}

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
    const ends: number[] = [];
    const log: Log = (event) => void (event === 'session_ended' && ends.push(worked()));
    const gateway = await startGateway(scope, { hooks: { clock, log } });
    const claims = { mode: 'rw', channels: ['chat'], exp: clock.inSeconds(3_600) };
    const rogues: RawSocket[] = [];
    while (rogues.length < SESSIONS)
      rogues.push(
        ...(await Promise.all(
          Array.from({ length: 50 }, (_, n) =>
            enter(scope, gateway.port, claims, n % 2 === 0 ? 'raw' : 'v1'),
          ),
        )),
      );
    assert.equal(sessions(), rogues.length);

    clock.pass(claims.exp * 1000 - clock.wallMs());
    const text = '{"channel":"chat","payload":"for all of them"}';
    await gateway.query('SELECT pg_notify($1, $2)', [gateway.channel, text]);
    const turns = busiestTurnMs(() => ends.length === rogues.length);
    const workMs = await inTime('the end of every session', turns);
    const inAllMs = (ends.at(-1) ?? 0) - (ends[0] ?? 0);

    assert.ok(inAllMs < MOST_WORK_IN_ALL_MS, `${inAllMs} ms of work`);
    assert.ok(workMs < MOST_WORK_MS, `the loop was busy for ${workMs} ms`);
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
