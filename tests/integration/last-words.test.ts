import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';

const scope = failOnLeaks();
const MESSAGES = 500;

describe('What a client sends right before it leaves', () => {
  for (const [how, code] of [
    ['a close frame behind it', 1000],
    ['a close frame with a code of its own', 4000],
  ] as const)
    it(`arrives, all of it and in order, with ${how}`, async () => {
      const { url, channel } = await freshDatabase(scope);
      const environment = { POSTERN_DATABASE_CHANNEL: channel };
      const gateway = await startGateway(scope, { databaseUrl: url, environment });
      const witness = await listen(scope, { url, channel });
      const client = await gateway.client({ mode: 'w', channel: 'chat', exp: 2e9 });

      const sent = Array.from({ length: MESSAGES }, (_, index) => `message ${index}`);
      for (const text of sent) client.send(text);
      await client.close(code);
      const texts = await witness.heard(MESSAGES);
      assert.deepEqual(
        texts.map((text) => JSON.parse(text).payload),
        sent,
      );
    });
});
