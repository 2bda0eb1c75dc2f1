import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';

import type { TestGateway } from '../support/gateway.ts';
import { killListener } from '../support/failure-causes.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { claimsOf } from '../support/preauth.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { knock, told } from '../support/way-in.ts';
import { csrfOf, embedOf, startAttacked } from '../support/ws-attacks.ts';
import {
  faults,
  FULL_ADDRESS,
  FULL_USER,
  handshakeOf,
  REVOKED_LOGIN,
  ways,
} from '../support/ws-faults.ts';
import type { Draft, Fault, Way } from '../support/ws-faults.ts';
import { WsClient } from '../support/ws-client.ts';

/** What a bearer needs to take up a place. */
const holder = { iss: 'https://site.test', mode: 'r', channels: ['chat'], exp: inSeconds(600) };

/** A gateway at which one address and one user have all the connections that they may have. */
async function startFull(environment: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  const target = await startAttacked(
    { after },
    {
      POSTERN_URL_TOKENS: 'false',
      POSTERN_ALLOWED_HOSTS: '127.0.0.1',
      POSTERN_SINGLE_USE: 'true',
      POSTERN_CONNECTIONS_PER_ADDRESS: '1',
      POSTERN_CONNECTIONS_PER_USER: '1',
      ...environment,
    },
  );
  const connect = async (address: string, claims: object): Promise<WsClient> => {
    const bearer = await signToken({ ...holder, ...claims });
    const client = await WsClient.connect(`${target.wsUrl}/ws`, {
      protocols: ['postern.v1'],
      headers: { Authorization: `Bearer ${bearer}`, 'X-Forwarded-For': address },
    });
    after(() => client.terminate());
    return client;
  };
  await connect(FULL_ADDRESS, { sub: 'eve' });
  await connect('203.0.113.10', { sub: FULL_USER });
  const revoked = await connect('203.0.113.11', { sub: 'mallory', sid: REVOKED_LOGIN });
  await target.query(`SELECT postern.revoke(sid => $1)`, [REVOKED_LOGIN]);
  // From then on the gateway knows.
  await revoked.closed();
  return target;
}

const target = await startFull();
const closing = await startFull({ POSTERN_HANDSHAKE_ERRORS: 'close' });
const scope = failOnLeaks();

/** What makes a ticket the same one to whoever keeps them; of one that was used a moment ago. */
const spent = new Map<Way, Readonly<Record<string, unknown>>>();

const used: Fault = {
  row: 20,
  name: 'a ticket that was used',
  ways: ['csrf', 'embed'],
  harm: (draft) => ({ ...draft, spent: spent.get(draft.way) ?? {} }),
  answer: '401 Ticket replayed: csrf_replayed',
};
const all = [...faults, used];

const faultsOf = (way: Way): readonly Fault[] => all.filter((fault) => fault.ways.includes(way));

const answerTo = async ({ port }: TestGateway, draft: Draft): Promise<string> =>
  told(await knock(port, await handshakeOf(draft)));

/** Two that can be wrong at once, the one that is found earlier first. */
const pairsOf = (way: Way): readonly (readonly [Fault, Fault])[] =>
  faultsOf(way).flatMap((earlier) =>
    faultsOf(way)
      .filter(({ row }) => row > earlier.row)
      .map((later) => [earlier, later] as const),
  );

describe('The order of the checks', () => {
  // Each test has less than a minute's use of them.
  beforeEach(async () => {
    for (const [way, ticket] of [['csrf', csrfOf()] as const, ['embed', embedOf()] as const]) {
      const { jti, iat, exp } = claimsOf(ticket);
      spent.set(way, { jti, iat, exp });
      assert.equal(await answerTo(target, used.harm({ way })), '101');
    }
  });

  for (const way of ways) {
    it(`lets the draft itself in: ${way}`, async () => {
      assert.equal(await answerTo(target, { way }), '101');
    });

    it(`has a check for each of ${faultsOf(way).length} faults: ${way}`, async () => {
      for (const { name, harm, answer } of faultsOf(way))
        assert.equal(await answerTo(target, harm({ way })), answer, name);
    });

    it(`lets the earlier of two faults answer, ${pairsOf(way).length} pairs: ${way}`, async () => {
      for (const [earlier, later] of pairsOf(way)) {
        const draft = later.harm(earlier.harm({ way }));
        const name = `${earlier.name}, ${later.name}`;
        assert.equal(await answerTo(target, draft), earlier.answer, name);
      }
    });

    it(`answers all faults at once by the first, and so on down to the last: ${way}`, async () => {
      const rows = faultsOf(way).filter(({ row }) => row > 1);
      for (const [index, first] of rows.entries()) {
        const draft = rows.slice(index).reduce<Draft>((rest, { harm }) => harm(rest), { way });
        assert.equal(await answerTo(target, draft), first.answer, first.name);
      }
    });

    it(`never answers rows up to the address by a close code, and all others so: ${way}`, async () => {
      for (const { name, row, harm, answer } of faultsOf(way).filter((one) => one !== used)) {
        const expected = row <= 7 ? answer : '101';
        assert.equal(await answerTo(closing, harm({ way })), expected, name);
      }
    });
  }

  it('comes after the gateway’s own state for all but what is no handshake', async () => {
    const shut = await startAttacked(scope, {
      POSTERN_ON_LISTENER_LOSS: 'exit',
      POSTERN_ALLOWED_HOSTS: '127.0.0.1',
    });
    await killListener(shut.query);
    await shut.logged('listener_lost');
    for (const way of ways)
      for (const { name, row, harm, answer } of faultsOf(way)) {
        const expected = row === 1 ? answer : '503 Backend unavailable';
        assert.equal(await answerTo(shut, harm({ way })), expected, name);
      }
  });
});
