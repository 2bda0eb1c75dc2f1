import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { TestGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { knock, told } from '../support/way-in.ts';
import { browser, framed, startAttacked } from '../support/ws-attacks.ts';

const scope = failOnLeaks();

/** Two gateways on one database, with the same secrets. */
async function startTwo(): Promise<readonly [TestGateway, TestGateway]> {
  const { url } = await freshDatabase(scope);
  const environment = { POSTERN_SINGLE_USE: 'true' };
  return [
    await startAttacked(scope, environment, url),
    await startAttacked(scope, environment, url),
  ];
}

describe('A ticket that counts once', () => {
  const replays = { 'a CSRF token': browser, 'an embed token': framed } as const;
  for (const [name, bring] of Object.entries(replays))
    it(`opens one socket of fifty that two gateways are asked for at once: ${name}`, async () => {
      const gateways = await startTwo();
      // Made before the database was there it would be refused as if it had been used.
      const handshake = bring();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => knock(gateways[n % 2]?.port ?? 0, handshake)),
      );
      const refused = answers.map(told).filter((answer) => answer !== '101');
      assert.equal(refused.length, 49);
      assert.deepEqual([...new Set(refused)], ['401 Ticket replayed: csrf_replayed']);
    });

  it('is not burnt by a handshake that fails for another reason', async () => {
    const [one, other] = await startTwo();
    const good = browser();
    assert.equal((await knock(one.port, { ...good, origin: 'https://evil.test' })).status, 403);
    assert.equal(
      (await knock(one.port, { ...good, headers: { 'Sec-Fetch-Site': 'none' } })).status,
      403,
    );
    assert.equal((await knock(other.port, good)).status, 101);
  });
});
