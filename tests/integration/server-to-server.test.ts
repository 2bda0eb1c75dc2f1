import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { startChild } from '../support/child.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { SECRET } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const ORDERS = 120;

const scope = failOnLeaks();

/** A gateway, and the two programs of the example, which know where it is. */
async function startScene() {
  const gateway = await startGateway(scope);
  const file = join(await scratchFolder(scope), 'orders.json');
  const start = (name: string, argument: string) =>
    startChild(scope, process.execPath, [`examples/server-to-server/${name}.js`, argument], {
      env: { POSTERN_URL: gateway.wsUrl, JWT_SECRET: SECRET },
    });
  return {
    gateway,
    books: (): { orders: number; cents: number; gaps: number } =>
      existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { orders: 0, cents: 0, gaps: 0 },
    follow: () => start('follow-orders', file),
    publish: (count: number) => start('publish-orders', String(count)),
  };
}

describe('The example from server to server', () => {
  it('counts each order once, whoever is killed and started again meanwhile', async () => {
    const { books, follow, publish } = await startScene();
    const killed = follow();
    await killed.line(/^Following, after 0 orders/, 60_000);

    const interrupted = publish(ORDERS / 2);
    await until('some orders', () => books().orders >= 20, 60_000);
    killed.signal('SIGKILL');
    await killed.exited();
    interrupted.signal('SIGKILL');
    await interrupted.exited();
    const missedFrom = books().orders;

    // While nobody follows.
    const again = publish(ORDERS);
    assert.deepEqual(await again.exited(60_000), { code: 0, signal: undefined });
    assert.match(again.stdout, /^Order 20 was published before$/m);
    assert.match(again.stdout, new RegExp(`^Order ${ORDERS} is published$`, 'm'));

    const follower = follow();
    await until('all orders', () => books().orders >= ORDERS, 60_000);
    assert.match(follower.stdout, new RegExp(`^Following, after ${missedFrom} orders$`, 'm'));
    follower.signal('SIGTERM');
    assert.deepEqual(await follower.exited(), { code: 0, signal: undefined });
    const { orders, cents, gaps } = books();
    const sum = (100 * ORDERS * (ORDERS + 1)) / 2;
    assert.deepEqual({ orders, cents, gaps }, { orders: ORDERS, cents: sum, gaps: 0 });
  });
});
