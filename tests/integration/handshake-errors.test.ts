import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { failures } from '#client/protocol.js';
import type { EndingName, Failure } from '#client/protocol.js';

import { mixed } from '../support/failure-causes.ts';
import type { TestGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { APP, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { enter, tickets } from '../support/way-in.ts';
import { WsClient } from '../support/ws-client.ts';

const environment = {
  POSTERN_HANDSHAKE_ERRORS: 'close',
  POSTERN_SINGLE_USE: 'true',
  POSTERN_CONNECTIONS_PER_USER: '2',
};

const gateway = await startPreauth({ after }, environment, {
  authorize: ({ claims }) => claims['sub'] !== 'bug' || assert.fail('a bug'),
});
const scope = failOnLeaks();

const { port } = gateway;

/** Comes with a token in its header, or with nothing but these headers. */
async function come(headers: Readonly<Record<string, string>>): Promise<WsClient> {
  return WsClient.connect(`ws://127.0.0.1:${port}/ws`, { protocols: ['postern.v1'], headers });
}

const byBearer = async (claims: object): Promise<WsClient> => {
  const token = await signToken({ ...SITE_CLAIMS, ...claims });
  return await come({ Authorization: `Bearer ${token}` });
};

/** Takes the table away in which used tokens are, on a gateway of its own. */
async function withoutStore(): Promise<WsClient> {
  const other: TestGateway = await startPreauth(scope, environment);
  const held = await tickets(other.port);
  await other.query('DROP SCHEMA postern CASCADE');
  return await enter(other.port, held);
}

/** Comes while two others are there. */
async function third(claims: object): Promise<WsClient> {
  for (const first of [await byBearer(claims), await byBearer(claims)]) {
    await first.message();
    scope.after(() => first.close());
  }
  return await byBearer(claims);
}

/** Comes with a ticket that has opened a socket. */
async function again(): Promise<WsClient> {
  const held = await tickets(port, { claims: { sub: 'again' } });
  await (await enter(port, held)).close();
  return await enter(port, held);
}

async function afterRevocation(): Promise<WsClient> {
  const claims = { sub: 'mallory', iat: inSeconds(-5) };
  const victim = await byBearer(claims);
  await gateway.query(`SELECT postern.revoke(sub => 'mallory')`);
  await victim.closed();
  return await byBearer(claims);
}

/** Refusals that a close code can tell, by the failure, and what brings each of them about. */
const causes = {
  unauthorized: async () => {
    const { cookie } = await tickets(port);
    return await come({ Origin: APP, Cookie: cookie });
  },
  badMessage: async () => {
    const { token } = await tickets(port);
    return await WsClient.connect(`ws://127.0.0.1:${port}/ws`, {
      protocols: ['postern.v1', `postern.csrf.${token}`],
      headers: { Origin: APP, Authorization: 'Bearer x' },
    });
  },
  tokenInvalid: () => byBearer({ exp: 'soon' }),
  tokenExpired: () => byBearer({ exp: 1 }),
  notYetValid: () => byBearer({ nbf: inSeconds(60) }),
  forbidden: () => byBearer({ channels: [] }),
  bindingMismatch: async () => {
    const [held = assert.fail()] = await mixed(port);
    return await enter(port, held);
  },
  replayed: again,
  revoked: afterRevocation,
  connectionLimit: () => third({ sub: 'busy' }),
  internal: () => byBearer({ sub: 'bug' }),
  backendUnavailable: withoutStore,
} as const satisfies Partial<Record<EndingName, () => Promise<WsClient>>>;

const rows: Readonly<Record<string, Failure>> = failures;

/** Told by HTTP always: what comes before the origin is known, and what only an open connection brings. */
const NEVER_LATE: readonly string[] = ['goingAway', 'rateLimited', 'timeout'];

describe('A handshake that is refused by a close code', () => {
  it('can be so for each failure that has one and refuses handshakes, but for three', () => {
    const both = Object.entries(rows)
      .filter(([, { http, close }]) => http !== undefined && close !== undefined)
      .map(([name]) => name);
    const expected = both.filter((name) => !NEVER_LATE.includes(name));
    assert.deepEqual(Object.keys(causes).toSorted(), expected.toSorted());
  });

  for (const [name, cause] of Object.entries(causes))
    it(`is told by the code of ${name}, and gets nothing else`, async () => {
      const { close: code, reason } = rows[name] ?? assert.fail(name);
      const client = await cause();
      assert.deepEqual(await client.closed(), { code, reason });
      assert.deepEqual(client.messages, []);
      if (name === 'backendUnavailable') return;
      const last = () => gateway.events.findLast(({ event }) => event === 'handshake_refused');
      await until('the line', () => last()?.fields['failure'] === name);
    });
});
