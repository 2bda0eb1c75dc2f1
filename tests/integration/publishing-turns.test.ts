import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BATCH_MESSAGES } from '#gateway/postgres/outgoing.js';
import { buildGate } from '../support/gate.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import { enterByBearer } from '../support/refreshing.ts';
import { said } from '../support/way-in.ts';
import type { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();
const FLOOD = 10_000;

/** A gateway whose statements wait at a gate, and somebody who hears what is notified. */
async function startGated() {
  const database = await freshDatabase(scope, { hasSchema: true });
  const gate = await buildGate(scope, database);
  const { channel } = database;
  const gateway = await startGateway(scope, {
    databaseUrl: gate.url,
    environment: { POSTERN_DATABASE_CHANNEL: channel },
  });
  const listener = await listen(scope, { url: database.url, channel });
  return { gate, gateway, listener };
}

function publish(client: WsClient, id: number, payload: string): void {
  client.send(JSON.stringify({ type: 'publish', id, channel: 'chat', payload }));
}

/** Waits until the gateway has read all that this client said: it answers in order. */
async function allRead(client: WsClient): Promise<void> {
  client.send(JSON.stringify({ type: 'ping', id: FLOOD + 1 }));
  assert.deepEqual(await said(client), { type: 'pong', id: FLOOD + 1 });
}

const payloadsOf = (texts: readonly string[]): readonly string[] =>
  texts.map((text) => String(JSON.parse(text).payload));

describe('A sender who floods the gateway', () => {
  it('keeps nobody else waiting for more than the batch that is under way and the next one', async () => {
    const { gate, gateway, listener } = await startGated();
    const { client: flooder } = await enterByBearer(gateway.port, {});
    const { client: quiet } = await enterByBearer(gateway.port, { sub: 'bob' });
    const raw = await gateway.client({ mode: 'w', channel: 'chat', exp: 2e9 });

    await gate.shut();
    for (let nth = 1; nth <= FLOOD; nth += 1) publish(flooder, nth, `flood ${nth}`);
    await allRead(flooder);
    publish(quiet, 1, 'quiet 1');
    publish(quiet, 2, 'quiet 2');
    await allRead(quiet);
    raw.send('raw');
    await raw.ping();
    await gate.open();

    assert.deepEqual(
      [await said(quiet), await said(quiet)],
      [
        { type: 'ok', id: 1 },
        { type: 'ok', id: 2 },
      ],
    );
    const heard = payloadsOf(await listener.heard(FLOOD + 3, 30_000));
    const others = heard.filter((payload) => !payload.startsWith('flood'));
    assert.deepEqual(new Set(others.slice(0, 2)), new Set(['quiet 1', 'raw']));
    assert.equal(others[2], 'quiet 2');
    const last = heard.indexOf('quiet 2');
    assert.ok(last < 2 * BATCH_MESSAGES, `the last of them was the ${last}th`);
    assert.deepEqual(
      heard.filter((payload) => payload.startsWith('flood')),
      Array.from({ length: FLOOD }, (_, index) => `flood ${index + 1}`),
    );
    await Promise.all([flooder.close(), quiet.close(), raw.close()]);
  });

  it('with bad messages has these alone refused: its neighbours in the batch are acknowledged', async () => {
    const { gate, gateway, listener } = await startGated();
    const { client: flooder } = await enterByBearer(gateway.port, {});
    const { client: quiet } = await enterByBearer(gateway.port, { sub: 'bob' });

    await gate.shut();
    const payloads = Array.from({ length: 50 }, (_, nth) =>
      nth % 7 === 3 ? 'bad' : `good ${nth}`,
    );
    for (const [nth, payload] of payloads.entries()) publish(flooder, nth + 1, payload);
    await allRead(flooder);
    publish(quiet, 1, 'quiet');
    await allRead(quiet);
    await gate.open();

    assert.deepEqual(await said(quiet), { type: 'ok', id: 1 });
    for (const [nth, payload] of payloads.entries()) {
      const { type, id, code } = await said(flooder);
      const told = payload === 'bad' ? ['error', nth + 1, 'internal'] : ['ok', nth + 1, undefined];
      assert.deepEqual([type, id, code], told);
    }
    const good = payloads.filter((payload) => payload !== 'bad');
    const heard = payloadsOf(await listener.heard(good.length + 1));
    assert.deepEqual(
      heard.filter((payload) => payload !== 'quiet'),
      good,
    );
    await Promise.all([flooder.close(), quiet.close()]);
  });
});
