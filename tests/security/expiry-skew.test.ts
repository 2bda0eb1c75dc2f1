import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { SITE_CLAIMS } from '../support/preauth.ts';
import { StandingClock } from '../support/standing-clock.ts';
import { signToken } from '../support/tokens.ts';
import { enter, knock, said, tickets, told } from '../support/way-in.ts';
import type { WsHandshake } from '../support/way-in.ts';
import { ATTACKED_ENVIRONMENT } from '../support/ws-attacks.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();
const { url: databaseUrl, channel } = await freshDatabase({ after });

const EXPIRED = { code: 3001, reason: 'JWT expired' };

/** A gateway by a clock of its own; all have the same secrets. */
async function setUp(environment: Readonly<Record<string, string>> = {}) {
  const clock = new StandingClock();
  const { port } = await startGateway(scope, {
    databaseUrl,
    environment: {
      ...ATTACKED_ENVIRONMENT,
      POSTERN_DATABASE_CHANNEL: channel,
      ...environment,
    },
    hooks: { clock },
  });
  return { clock, port };
}

const tokenOf = (claims: object): Promise<string> => signToken({ ...SITE_CLAIMS, ...claims });

/** Connects with a bearer in its header. */
const enterByBearer = (port: number, bearer: string): Promise<WsClient> =>
  WsClient.connect(`ws://127.0.0.1:${port}/ws`, {
    protocols: ['postern.v1'],
    headers: { Authorization: `Bearer ${bearer}` },
  });

/** Connects with nothing, and says `auth`. */
async function enterByMessage(port: number, token: string): Promise<WsClient> {
  const client = await WsClient.connect(`ws://127.0.0.1:${port}/ws`, { protocols: ['postern.v1'] });
  client.send(JSON.stringify({ type: 'auth', id: 1, token }));
  return client;
}

/** Asks over the protocol: what is over answers nothing. */
async function assertAlive(client: WsClient): Promise<void> {
  client.send('{"type":"ping","id":7}');
  let message = await said(client);
  while (message['type'] !== 'pong') message = await said(client);
}

describe('A token of an issuer whose clock is wrong', () => {
  for (const claim of ['nbf', 'iat'])
    it(`comes in at /ws while it is ahead by no more than the leeway: ${claim}`, async () => {
      for (const leeway of [0, 5, 60]) {
        const { clock, port } = await setUp({ POSTERN_CLOCK_LEEWAY: String(leeway) });
        const exp = clock.inSeconds(600);
        for (const [ahead, expected] of [
          [leeway, '101'],
          [leeway + 1, '401 JWT not active: token_not_active'],
        ] as const) {
          const bearer = await tokenOf({ exp, [claim]: clock.inSeconds(ahead) });
          for (const brought of [
            { bearer },
            { offers: [`postern.bearer.${bearer}`] },
          ] satisfies readonly WsHandshake[])
            assert.equal(told(await knock(port, brought)), expected, `${ahead} of ${leeway}`);
        }
      }
    });

  it('is refused or lasts: at no skew is anybody let in who is over at once', async () => {
    const [leeway, life] = [20, 30];
    const { clock, port } = await setUp({ POSTERN_EXP_LEEWAY: String(leeway) });
    for (const skew of [-90, -52, -51, -50, -49, -48, -31, -30, -29, -20, 0, 4, 5, 6, 7, 60]) {
      const iat = clock.inSeconds(skew);
      const bearer = await tokenOf({ iat, nbf: iat, exp: iat + life });
      const seconds = skew + life + leeway;
      const isIn = seconds > 0 && skew <= 5;
      const refusal = seconds > 0 ? '401 JWT not active' : '401 JWT expired';
      const answer = told(await knock(port, { bearer }));
      assert.ok(isIn ? answer === '101' : answer.startsWith(refusal), `${skew}: ${answer}`);
      if (!isIn) continue;

      const client = await enterByBearer(port, bearer);
      const { expiresAt, serverTime } = await said(client);
      assert.equal(Number(expiresAt) - Number(serverTime), seconds);
      await assertAlive(client);
      await client.close();
    }
  });
});

describe('A ticket of a gateway whose clock is wrong', () => {
  const edges = [
    [-45, '401 JWT expired: csrf_expired'],
    [-44, '101'],
    [5, '101'],
    [6, '401 Unauthorized: csrf_invalid'],
  ] as const;
  for (const [ahead, expected] of edges)
    it(`is answered by ${expected} at another one, where it is ${ahead} s ahead`, async () => {
      const [giver, taker] = [await setUp(), await setUp()];
      // Neither start at the same second, nor may they count at their own.
      taker.clock.pass(giver.clock.wallMs() - taker.clock.wallMs());
      giver.clock.pass(ahead * 1000);
      const { cookie, token: csrf } = await tickets(giver.port);
      assert.equal(told(await knock(taker.port, { cookie, csrf })), expected);
    });
});

/** A way in: takes a credential that ends then, and says how who comes too late is kept out. */
interface Way {
  readonly hold: (port: number, exp: number) => Promise<() => Promise<WsClient>>;
  readonly assertKeptOut: (come: () => Promise<WsClient>) => Promise<void>;
}

const assertRefused: Way['assertKeptOut'] = (come) =>
  assert.rejects(come, /refused: 401 JWT expired: (token|auth)_expired/);

const assertDenied: Way['assertKeptOut'] = async (come) => {
  const client = await come();
  assert.deepEqual(await client.closed(), EXPIRED);
  assert.deepEqual(client.messages, []);
};

const ways: Readonly<Record<string, Way>> = {
  'a bearer in its header': {
    hold: async (port, exp) => {
      const bearer = await tokenOf({ exp });
      return () => enterByBearer(port, bearer);
    },
    assertKeptOut: assertRefused,
  },
  'a first message': {
    hold: async (port, exp) => {
      const bearer = await tokenOf({ exp });
      return () => enterByMessage(port, bearer);
    },
    assertKeptOut: assertDenied,
  },
  'cookie and CSRF token': {
    hold: async (port, exp) => {
      const held = await tickets(port, { claims: { exp } });
      return () => enter(port, held);
    },
    assertKeptOut: assertRefused,
  },
};

describe('The end of a session of postern.v1', () => {
  for (const [name, { hold, assertKeptOut }] of Object.entries(ways))
    for (const leeway of [0, 60])
      it(`is that of admission, to the millisecond: by ${name}, with a leeway of ${leeway} s`, async () => {
        const { clock, port } = await setUp({ POSTERN_EXP_LEEWAY: String(leeway) });
        const exp = clock.inSeconds(10 - leeway);
        const come = await hold(port, exp);

        clock.pass(9_999);
        const client = await come();
        assert.equal((await said(client))['expiresAt'], exp + leeway);
        await assertAlive(client);

        clock.pass(1);
        assert.deepEqual(await client.closed(), EXPIRED);
        await assertKeptOut(come);
      });
});
