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
import { twoGateways } from '../support/two-gateways.ts';
import { said } from '../support/way-in.ts';
import type { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

/** Publishes, and returns the reply. */
async function publish(client: WsClient, payload: unknown, more: Said = {}): Promise<Said> {
  client.send(JSON.stringify({ type: 'publish', id: 7, channel: 'chat', payload, ...more }));
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

  it('is not taken any more when another token does not grant it', async () => {
    const { port } = await startPreauth(scope);
    const { client } = await enterByBearer(port, {});
    assert.deepEqual(await publish(client, 1), OK);
    const token = await signToken({ ...SITE_CLAIMS, mode: 'r', exp: 2e9 });
    assert.equal((await show(client, token))['type'], 'ok');
    assert.equal((await publish(client, 2))['code'], 'scope_denied');
    await client.close();
  });

  it('with a key is published once for each user and channel, over all gateways', async () => {
    const { one, other } = await twoGateways(scope);
    const raw = await one.client({ mode: 'r', channels: ['chat', 'room:1'], exp: 2e9 });
    const { client: ada } = await enterByBearer(one.port, {});
    const { client: again } = await enterByBearer(other.port, { sid: 'login-2', jti: 'token-2' });
    const { client: bob } = await enterByBearer(other.port, { sub: 'bob' });
    const key = 'key-1';
    assert.deepEqual(await publish(ada, 1, { key }), OK);
    assert.deepEqual(await publish(ada, 2, { key }), { ...OK, duplicate: true });
    assert.deepEqual(await publish(again, 3, { key }), { ...OK, duplicate: true });
    assert.deepEqual(await publish(bob, 4, { key }), OK);
    assert.deepEqual(await publish(ada, 5, { key, channel: 'room:1' }), OK);
    assert.deepEqual(await publish(ada, 6, { key: 'key-2' }), OK);
    assert.deepEqual(await publish(ada, 7), OK);
    const heard = [];
    for (let n = 0; n < 5; n += 1) heard.push(JSON.parse(await raw.message()).payload);
    assert.deepEqual(heard, ['1', '4', '5', '6', '7']);
    assert.equal((await publish(ada, 8, { key: '' }))['code'], 'bad_message');
    await Promise.all([ada, again, bob, raw].map((client) => client.close()));
  });

  it('with a key is refused where none can be remembered, and without it is not', async () => {
    const gateway = await startPreauth(scope, { POSTERN_MIGRATE: 'false' });
    const { client } = await enterByBearer(gateway.port, {});
    const { code, retry, message } = await publish(client, 1, { key: 'key-1' });
    assert.deepEqual([code, retry], ['keys_unavailable', 'no']);
    assert.match(String(message), /publish without one/);
    assert.deepEqual(await publish(client, 1), OK);
    const { mend } = await gateway.logged('publication_tables_unavailable');
    assert.equal(mend, 'run postern migrate');
    await client.close();
  });

  it('with a key is tried again when PostgreSQL is lost in the middle, and arrives once', async () => {
    const database = await freshDatabase(scope);
    const gate = await buildGate(scope, database);
    const { port } = await startGateway(scope, {
      databaseUrl: gate.url,
      environment: { ...PREAUTH_ENVIRONMENT, POSTERN_DATABASE_CHANNEL: database.channel },
    });
    const listener = await listen(scope, database);
    const { client } = await enterByBearer(port, {});
    await gate.shut();
    const command = { type: 'publish', id: 7, channel: 'chat', payload: 'surely', key: 'key-1' };
    client.send(JSON.stringify(command));
    await database.query('SELECT pg_terminate_backend($1)', [await gate.waiting()]);
    await gate.waiting();
    await gate.open();
    assert.deepEqual(await said(client), OK);
    assert.deepEqual(await publish(client, 'surely', { key: 'key-1' }), { ...OK, duplicate: true });
    assert.deepEqual(await publish(client, 'the end'), OK);
    const payloads = (await listener.heard(2)).map((text) => JSON.parse(text).payload);
    assert.deepEqual(payloads, ['surely', 'the end']);
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
