import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { migrate } from '#gateway/postgres/migrate.js';
import { readMigrations } from '#gateway/postgres/migrations.js';

import { openDatabase } from '../support/feed-parts.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { ownServer } from '../support/own-server.ts';
import { demote } from '../support/replica.ts';

const scope = failOnLeaks();

describe('migrate, at a standby', () => {
  it('leaves it alone, and runs when it has been promoted', async () => {
    const server = await ownServer(scope);
    const promote = await demote(server);
    const attempt = async () => {
      const database = openDatabase(scope, server.url, () => undefined);
      return await database.lend(10_000, (client) => migrate(client, readMigrations()));
    };
    assert.deepEqual(await attempt(), { outcome: 'left', schema: { state: 'readonly' } });
    await promote();
    assert.equal((await attempt()).outcome, 'migrated');
  });
});
