import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { loadConfig } from '#gateway/config/load.js';
import { createStandalone } from '#gateway/standalone.js';

import { heard } from '../support/evidence.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { startMetered } from '../support/metered.ts';
import { scrape } from '../support/scrape.ts';
import { serve } from '../support/served.ts';
import { severableDatabase } from '../support/severed.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const CHAT = { mode: 'rw', channel: 'chat', exp: inSeconds(3_600) } as const;

const scope = failOnLeaks();
const database = await severableDatabase({ after });

describe('The admin port', () => {
  it('tells while clients are sent away', async () => {
    const { client, gateway, scrape } = await startMetered(scope, {
      environment: { POSTERN_DRAIN_SECONDS: '2' },
    });
    // Not all at once: on a busy machine the last would wait longer for its answer than clients do.
    for (let slice = 0; slice < 8; slice++)
      await Promise.all(Array.from({ length: 50 }, () => client(CHAT)));
    const stopped = gateway.stop();
    const scraped = await scrape();
    assert.equal(scraped.get('postern_draining'), 1);
    assert.ok((scraped.get('postern_sessions') ?? 0) > 0);
    await stopped;
    assert.equal(gateway.adminAddress, undefined);
  });

  it('tells before PostgreSQL is there, and while it is away', async () => {
    await database.sever();
    const environment = { POSTERN_ADMIN_PORT: '0' };
    const gateway = await serve(scope, { ...database, environment });
    const line = await gateway.child.line(/"event":"admin_listening"/);
    const adminPort = Number(/"port":(\d+)/.exec(line)?.[1]);
    assert.equal((await scrape(adminPort)).get('postern_feed_up'), 0);

    await database.restore();
    await gateway.ready(30_000);
    assert.equal((await scrape(adminPort)).get('postern_feed_up'), 1);
    await database.sever();
    await until('a loss', async () => (await scrape(adminPort)).get('postern_feed_up') === 0);
    const lost = 'postern_problems_total{event="listener_lost"}';
    assert.equal((await scrape(adminPort)).get(lost), 1);
    await database.restore();
  });

  it('ends the start when it cannot be had, and names its own option', async () => {
    const { adminPort } = await startMetered(scope);
    const { options } = loadConfig({
      environment: {
        POSTERN_DATABASE_URL: database.url,
        POSTERN_JWT_SECRET: 'x'.repeat(32),
        POSTERN_PORT: '0',
        POSTERN_ADMIN_PORT: String(adminPort),
      },
    });
    const gateway = createStandalone({ ...options, log: heard() });
    await assert.rejects(gateway.start(), {
      code: 'POSTERN_LISTEN_ADDRESS',
      message: /set POSTERN_ADMIN_PORT/,
    });
    await gateway.stop();
    assert.equal(gateway.address, undefined);
  });

  it('is closed when the gateway is stopped while it starts', async () => {
    const { options } = loadConfig({
      environment: {
        POSTERN_DATABASE_URL: database.url,
        POSTERN_JWT_SECRET: 'x'.repeat(32),
        POSTERN_PORT: '0',
        POSTERN_ADMIN_PORT: '0',
      },
    });
    const gateway = createStandalone({ ...options, log: heard() });
    const started = gateway.start();
    await gateway.stop();
    await started;
    assert.equal(gateway.adminAddress, undefined);
  });

  it('is off by default', async () => {
    const { gateway, events } = await startGateway(scope);
    assert.equal(gateway.adminAddress, undefined);
    assert.ok(!events.some(({ event }) => event === 'admin_listening'));
  });
});
