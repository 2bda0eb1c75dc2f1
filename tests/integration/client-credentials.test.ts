import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { PosternError } from '@postern/client';

import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { follow, startClient } from '../support/postern-client.ts';
import { PREAUTH_ENVIRONMENT, SITE_CLAIMS } from '../support/preauth.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();

/** Claims that differ from one token to the next; the last stay. */
function inTurn(
  ...all: readonly Readonly<Record<string, unknown>>[]
): () => Readonly<Record<string, unknown>> {
  let asked = -1;
  return () => {
    asked = Math.min(asked + 1, all.length - 1);
    return all[asked] ?? {};
  };
}

describe('A client with getToken', () => {
  it('shows another token before the one it has ends, on the same session', async () => {
    const gateway = await startGateway(scope);
    const exp = inSeconds(3_600);
    const { client, wishes, reaches } = startClient(scope, gateway, {
      // So near its end the warning comes with the welcome.
      claims: inTurn({ exp: inSeconds(12) }, { exp }),
    });
    client.connect();
    const { session } = await reaches('open');
    const state = await until('the new end', () => {
      const now = client.state;
      return now.name === 'open' && now.expiresAt === exp && now;
    });
    assert.equal(state.session, session);
    assert.deepEqual(wishes, ['connect', 'renew']);
  });

  it('comes back by another token once its own has expired, and is told what it missed', async () => {
    const gateway = await startGateway(scope);
    const sender = startClient(scope, gateway);
    const { client, states, reaches } = startClient(scope, gateway, {
      claims: inTurn({ exp: inSeconds(2) }, { exp: inSeconds(2) }, {}),
    });
    const told = await follow(client, 'chat');
    const { session } = await reaches('open');
    for (let n = 0; client.state.name === 'open' && client.state.session === session; n += 1)
      await sender.client.channel('chat').publish(n);
    await reaches('open');
    await sender.client.channel('chat').publish('last');
    await until('the last', () => told.payloads().at(-1) === 'last');
    const { length } = told.items;
    assert.deepEqual(told.payloads(), [...Array(length - 1).keys(), 'last']);
    assert.ok(
      states.every(({ name }) => name === 'connecting' || name === 'open'),
      'it did not wait',
    );
  });

  it('uses a token for as long as it lasts', async () => {
    const gateway = await startGateway(scope);
    const { client, wishes, states, reaches } = startClient(scope, gateway);
    client.connect();
    await reaches('open');
    await gateway.query(`SELECT postern.disconnect(sub => 'ada')`);
    await until('it is back', () => states.filter(({ name }) => name === 'open').length === 2);
    assert.deepEqual(wishes, ['connect']);
  });

  it('stops when it is revoked, and rejects what is to be published', async () => {
    const gateway = await startGateway(scope);
    const { client, reaches } = startClient(scope, gateway, { claims: () => ({ iat: 1 }) });
    client.connect();
    await reaches('open');
    await gateway.query(`SELECT postern.revoke(sub => 'ada')`);
    const { error } = await reaches('stopped');
    assert.deepEqual([error.code, error.closeCode, error.retry], ['revoked', 4500, 'no']);
    await assert.rejects(client.channel('chat').publish(1), error);
  });

  it('stops when nobody is logged in, and goes on after a login', async () => {
    const gateway = await startGateway(scope);
    const login: { token?: string } = {};
    const { client, reaches } = startClient(scope, gateway, { getToken: () => login.token });
    const publishing = client.channel('chat').publish(1);
    await assert.rejects(
      publishing,
      (error) => error instanceof PosternError && error.code === 'no_token',
    );
    assert.equal((await reaches('stopped')).error.code, 'no_token');
    login.token = await signToken({
      sub: 'ada',
      mode: 'rw',
      channels: ['chat'],
      exp: inSeconds(600),
    });
    client.connect();
    await reaches('open');
    await client.channel('chat').publish(2);
  });

  it('waits and tries again when no token can be had, and says why', async () => {
    const gateway = await startGateway(scope);
    let failures = 0;
    const reason = new Error('the issuer is away');
    const { client, states, reaches } = startClient(scope, gateway, {
      getToken: () => {
        failures += 1;
        if (failures < 3) throw reason;
        return signToken({ sub: 'ada', mode: 'r', channel: 'chat', exp: inSeconds(600) });
      },
    });
    client.connect();
    await reaches('open');
    const errors = states.flatMap((state) => (state.name === 'waiting' ? [state.error] : []));
    assert.deepEqual(
      errors.map(({ code, cause }) => [code, cause]),
      [
        ['token_failed', reason],
        ['token_failed', reason],
      ],
    );
  });

  it('stops by a token that does not hold, and does not show it again', async () => {
    const gateway = await startGateway(scope);
    const claims = { sub: 'eve', mode: 'rw', channels: ['chat'], exp: inSeconds(600) };
    const keys = ['x'.repeat(32), undefined];
    const { client, reaches } = startClient(scope, gateway, {
      getToken: () => {
        const key = keys.shift();
        return signToken(claims, key === undefined ? {} : { key });
      },
    });
    client.connect();
    const { error } = await reaches('stopped');
    assert.deepEqual([error.code, error.message], ['token_invalid', 'Token invalid']);
    client.connect();
    await reaches('open');
  });

  it('says nothing in the name of another user than the one it began with', async () => {
    const gateway = await startGateway(scope);
    const { client, reaches } = startClient(scope, gateway, {
      claims: inTurn({ exp: inSeconds(2) }, { exp: inSeconds(2) }, { sub: 'bo' }),
    });
    const told = await follow(client, 'chat');
    await until('it is away', () => client.state.name !== 'open' || undefined);
    const publishing = client.channel('chat').publish('of ada', { key: 'k' });
    await assert.rejects(
      publishing,
      (error) => error instanceof PosternError && error.code === 'identity_changed',
    );
    assert.equal((await reaches('stopped')).error.closeCode, 4501);
    client.connect();
    assert.equal((await reaches('open')).user, 'bo');
    await client.channel('chat').publish('of bo');
    await until('a message', () => told.items.length > 0);
    assert.deepEqual(told.payloads(), ['of bo']);
  });

  it('waits for a gateway that is not there yet', async () => {
    const first = await startGateway(scope);
    await first.gateway.stop();
    const { client, reaches } = startClient(scope, first);
    client.connect();
    assert.equal((await reaches('waiting')).error.code, 'unreachable');
    await startGateway(scope, { environment: { POSTERN_PORT: String(first.port) } });
    await reaches('open');
  });
});

describe('A client that preauthenticates', () => {
  it('stops when no cookie comes along with its handshake, and says so', async () => {
    const { port, gateway: other } = await startGateway(scope);
    await other.stop();
    const gateway = await startGateway(scope, {
      environment: {
        ...PREAUTH_ENVIRONMENT,
        POSTERN_PORT: String(port),
        POSTERN_PUBLIC_URL: `http://127.0.0.1:${port}`,
      },
    });
    const bearer = await signToken(SITE_CLAIMS);
    const { client, states, reaches } = startClient(scope, gateway, {
      preauth: {
        headers: () => ({ Authorization: `Bearer ${bearer}`, 'X-Forwarded-Proto': 'https' }),
      },
    });
    client.connect();
    const { error } = await reaches('stopped');
    assert.equal(error.code, 'cookie_blocked');
    assert.deepEqual(
      states.map(({ name }) => name),
      ['connecting', 'connecting', 'stopped'],
    );
  });

  it('stops when the login does not hold, with the reason that the gateway gives', async () => {
    const gateway = await startGateway(scope, { environment: PREAUTH_ENVIRONMENT });
    const bearer = await signToken({ ...SITE_CLAIMS, exp: 1 });
    const { client, reaches } = startClient(scope, gateway, {
      preauth: {
        headers: async () => ({ Authorization: `Bearer ${bearer}`, 'X-Forwarded-Proto': 'https' }),
      },
    });
    client.connect();
    const { error } = await reaches('stopped');
    assert.deepEqual(
      [error.code, error.status, error.message],
      ['token_expired', 401, 'JWT expired'],
    );
  });

  it('waits while preauthentication is refused for a while only', async () => {
    const gateway = await startGateway(scope, {
      environment: { ...PREAUTH_ENVIRONMENT, POSTERN_HANDSHAKES_PER_ADDRESS: '1' },
    });
    const headers = { Authorization: 'Bearer x', 'X-Forwarded-Proto': 'https' };
    const { client, states, reaches } = startClient(scope, gateway, {
      preauth: { headers: () => headers },
    });
    for (const turn of [1, 2, 3]) {
      client.connect();
      await until(`the end of turn ${turn}`, () => client.state.name !== 'connecting');
    }
    await reaches('stopped');
    const waits = states.flatMap((state) => (state.name === 'waiting' ? [state.error.code] : []));
    assert.ok(waits.includes('rate_limited'), waits.join());
  });
});
