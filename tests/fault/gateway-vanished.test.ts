import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { noProbe, probe } from '../support/process-probe.ts';
import type { RawSocket } from '../support/raw-socket.ts';
import { enter } from '../support/rogue.ts';
import { serve } from '../support/served.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

const claims = { mode: 'r', channels: ['chat'], exp: inSeconds(3_600) };
const CLIENTS = 100;

/** A client is asked for a sign of life once in so many ticks of a second. */
const ROUND = 30;

function enterMany(port: number): Promise<readonly RawSocket[]> {
  return Promise.all(Array.from({ length: CLIENTS }, () => enter(scope, port, claims)));
}

describe('A hundred read-only clients', { skip: noProbe }, () => {
  it('that hang up without a goodbye leave no descriptor behind', async () => {
    const { child, port, ready, client } = await serve(scope, database);
    await ready();
    const witness = await client(claims);
    const { descriptors } = probe(child.pid);
    await witness.ping();
    const before = descriptors();

    for (let round = 0; round < 3; round += 1) {
      const rogues = await enterMany(port);
      assert.ok(descriptors() >= before + CLIENTS);
      for (const rogue of rogues) rogue.destroy();
      await until('their descriptors back', () => descriptors() <= before);
    }
    await witness.ping();
    await witness.close();
  });

  it('that fall silent are cut off after two pings, and leave no descriptor behind', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const gateway = await startGateway(scope, {
      databaseUrl: database.url,
      environment: { POSTERN_DATABASE_CHANNEL: database.channel },
    });
    const witness = await gateway.client(claims);
    const { descriptors } = probe(process.pid);
    const before = descriptors();
    const rogues = await enterMany(gateway.port);
    const ended = () => gateway.events.filter(({ event }) => event === 'session_ended');

    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(ended(), []);
      t.mock.timers.tick(ROUND * 1_000);
      // The first round trip brings the gateway's ping before it, the second takes the pong along.
      await witness.ping();
      await witness.ping();
    }
    await until('the end of all', () => ended().length === CLIENTS);
    for (const { fields } of ended())
      assert.deepEqual([fields['code'], fields['by']], [1006, 'gateway']);
    for (const rogue of rogues) {
      await rogue.ended();
      rogue.destroy();
    }
    await until('their descriptors back', () => descriptors() <= before);
    await witness.ping();
    await witness.close();
  });
});
