import pg from 'pg';

import { enterAll } from '../../tests/load/bare-client.ts';
import { startMeasured } from '../../tests/load/measured-gateway.ts';
import { costOf, QUIET } from '../../tests/load/publish-cost.ts';
import type { PublishCost, PublishPlan } from '../../tests/load/publish-cost.ts';
import { encodeFrame, opcodes } from '../../tests/support/frames.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import { inSeconds, signToken } from '../../tests/support/tokens.ts';
import { inTime } from '../../tests/support/wait.ts';

const PATIENCE_MS = 60_000;
const PAYLOAD = 'x'.repeat(100);

/**
 * Measures what the gateway takes to pass on what clients publish by the raw protocol, which answers
 * nothing: each has a window of messages on the way until somebody who listens at PostgreSQL has heard all.
 */
export async function measureRawPublishing(
  scope: Scope,
  plan: Pick<PublishPlan, 'publishers' | 'window' | 'publishes' | 'rounds'>,
): Promise<readonly PublishCost[]> {
  const { url, channel } = await freshDatabase(scope, { hasSchema: true });
  const gateway = await startMeasured(scope, { url, channel, environment: QUIET });
  const heard = await countNotifications(scope, { url, channel });
  const token = await signToken({ mode: 'w', channels: ['room'], exp: inSeconds(3_600) });
  const visitor = {
    port: gateway.port,
    target: `/${token}`,
    onText: () => {},
    onLost: () => {
      throw new Error('A connection was lost');
    },
  };
  const clients = await enterAll(Array.from({ length: plan.publishers }, () => visitor));
  scope.after(async () => clients.forEach((client) => client.leave()));

  const frame = encodeFrame({ opcode: opcodes.text, payload: PAYLOAD });
  const frames = Buffer.concat(Array.from({ length: plan.window }, () => frame));
  const publish = async (): Promise<number> => {
    let published = 0;
    while (published < plan.publishes) {
      const all = heard(clients.length * plan.window);
      for (const client of clients) client.write(frames);
      published += await all;
    }
    return published;
  };

  await publish();
  const rounds: PublishCost[] = [];
  while (rounds.length < plan.rounds) rounds.push(await costOf(gateway, publish));
  return rounds;
}

/** Listens to a database channel. What it returns waits for so many more, and resolves with the number. */
async function countNotifications(
  scope: Scope,
  { url, channel }: { readonly url: string; readonly channel: string },
): Promise<(count: number) => Promise<number>> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {
    // The database is dropped at the end.
  });
  let missing = 0;
  let enough = (): void => {};
  client.on('notification', () => {
    missing -= 1;
    if (missing === 0) enough();
  });
  await client.connect();
  scope.after(() => client.end());
  await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
  return async (count) => {
    missing = count;
    const all = new Promise<void>((resolve) => (enough = resolve));
    await inTime(`${count} notifications`, all, PATIENCE_MS);
    return count;
  };
}
