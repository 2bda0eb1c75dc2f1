import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { buildGate } from '../support/gate.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import { PREAUTH_ENVIRONMENT, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { enterByBearer, show } from '../support/refreshing.ts';
import type { Said } from '../support/refreshing.ts';
import { signToken } from '../support/tokens.ts';
import { said } from '../support/way-in.ts';
import type { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

/** Publishes, and returns the reply. */
async function publish(client: WsClient, payload: unknown, channel = 'chat'): Promise<Said> {
  client.send(JSON.stringify({ type: 'publish', id: 7, channel, payload }));
  return await said(client);
}

async function subscribe(client: WsClient, channel: string): Promise<void> {
  client.send(JSON.stringify({ type: 'subscribe', id: 1, channel }));
  assert.equal((await said(client))['type'], 'ok');
}

/** The next replies and messages, in short. */
async function next(client: WsClient, count: number): Promise<readonly unknown[]> {
  const messages: unknown[] = [];
  for (let n = 0; n < count; n += 1) {
    const { type, payload } = await said(client);
    messages.push(type === 'message' ? payload : type);
  }
  return messages;
}

const OK = { type: 'ok', id: 7 };

describe('What is published on postern.v1', () => {
  it('arrives once and in order at subscribers, its sender among them, as the JSON that it was', async () => {
    const { port } = await startPreauth(scope);
    const [{ client: ada }, { client: bob }] = [
      await enterByBearer(port, {}),
      await enterByBearer(port, { sub: 'bob' }),
    ];
    await subscribe(ada, 'chat');
    await subscribe(bob, 'chat');
    const payloads = ['text', '{"a":1}', { a: [1, null, 'é'] }, 0, false, null, []];
    for (const payload of payloads)
      ada.send(JSON.stringify({ type: 'publish', id: 7, channel: 'chat', payload }));
    assert.deepEqual(await next(bob, payloads.length), payloads);
    const heard = await next(ada, 2 * payloads.length);
    assert.deepEqual(
      heard.filter((one) => one !== 'ok'),
      payloads,
    );
    await Promise.all([ada.close(), bob.close()]);
  });

  it('is the envelope that raw clients and SQL know, with its text as the payload', async () => {
    const gateway = await startPreauth(scope);
    const raw = await gateway.client({ mode: 'r', channel: 'chat', exp: 2e9 });
    const { client } = await enterByBearer(gateway.port, {});
    assert.deepEqual(await publish(client, 'hello'), OK);
    assert.deepEqual(await publish(client, { n: 1 }), OK);
    const envelopes = [JSON.parse(await raw.message()), JSON.parse(await raw.message())];
    const shown = envelopes.map(({ claims, ...envelope }) => ({ ...envelope, sub: claims.sub }));
    const usual = { channel: 'chat', event: 'WebsocketMessage', sub: 'ada' };
    assert.deepEqual(shown, [
      { ...usual, payload: 'hello' },
      { ...usual, payload: '{"n":1}', payload_type: 'json' },
    ]);
    assert.deepEqual(Object.keys(envelopes[0].claims), ['message_delivered_at', 'sub']);
    await Promise.all([client.close(), raw.close()]);
  });

  it('is refused when it is too long for NOTIFY, and the connection stays', async () => {
    const { port } = await startPreauth(scope);
    const { client } = await enterByBearer(port, {});
    const { type, code, retry } = await publish(client, 'x'.repeat(8_000));
    assert.deepEqual([type, code, retry], ['error', 'too_big', 'no']);
    assert.deepEqual(await publish(client, 'x'.repeat(7_000)), OK);
    await client.close();
  });

  it('is not taken any more when another token does not grant it', async () => {
    const { port } = await startPreauth(scope);
    const { client } = await enterByBearer(port, {});
    assert.deepEqual(await publish(client, 1), OK);
    const token = await signToken({ ...SITE_CLAIMS, mode: 'r', exp: 2e9 });
    assert.equal((await show(client, token))['type'], 'ok');
    assert.equal((await publish(client, 2))['code'], 'scope_denied');
    await client.close();
  });

  it('is answered honestly when PostgreSQL is lost in the middle: nobody knows, or not at all', async () => {
    const database = await freshDatabase(scope);
    const gate = await buildGate(scope, database);
    const { port } = await startGateway(scope, {
      databaseUrl: gate.url,
      environment: { ...PREAUTH_ENVIRONMENT, POSTERN_DATABASE_CHANNEL: database.channel },
    });
    const listener = await listen(scope, database);
    const { client } = await enterByBearer(port, {});
    await gate.shut();
    client.send(JSON.stringify({ type: 'publish', id: 7, channel: 'chat', payload: 'perhaps' }));
    await database.query('SELECT pg_terminate_backend($1)', [await gate.waiting()]);
    const { code, retry } = await said(client);
    assert.deepEqual([code, retry], ['outcome_unknown', 'no']);
    await gate.open();
    assert.deepEqual(await publish(client, 'surely'), OK);
    const payloads = (await listener.heard(1)).map((text) => JSON.parse(text).payload);
    assert.deepEqual(payloads, ['surely']);
    await client.close();
  });
});
