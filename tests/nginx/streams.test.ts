import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { startNginx } from '../support/nginx.ts';
import { startPreauth } from '../support/preauth.ts';
import { StreamClient } from '../support/stream-client.ts';
import { BEARER, payloads, publish } from '../support/streams.ts';
import { until } from '../support/wait.ts';

/** In place of the page's 90 s. */
const PATIENCE_MS = 1_000;

const scope = failOnLeaks();

describe('A stream through the nginx of the page on operating', () => {
  it('has each event when it comes, and the last one', async () => {
    const gateway = await startPreauth(scope);
    const { port } = await startNginx(scope, gateway.port);
    const stream = await StreamClient.open(scope, port, { bearer: BEARER });
    await stream.said('welcome');
    for (const payload of [1, 2]) {
      await publish(gateway, 'chat', payload);
      assert.deepEqual(await payloads(stream, 1), [payload]);
    }
    await gateway.query(`SELECT postern.revoke(sub => 'ada')`);
    assert.equal((await stream.said('closed'))['code'], 4500);
    await stream.ended();
  });

  it('is kept by its comments, and ends at the gateway with its client', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const gateway = await startPreauth(scope);
    const { port } = await startNginx(scope, gateway.port, {
      'proxy_read_timeout 90s;': `proxy_read_timeout ${PATIENCE_MS}ms;`,
    });
    const stream = await StreamClient.open(scope, port, { bearer: BEARER });
    await stream.said('welcome');
    const endMs = performance.now() + 3 * PATIENCE_MS;
    for (let count = 1; performance.now() < endMs; count += 1) {
      for (let second = 0; second < 15; second += 1) t.mock.timers.tick(1_000);
      await until('the comment', () => stream.comments === count);
    }
    stream.leave();
    assert.equal((await gateway.logged('session_ended'))['by'], 'client');
  });
});
