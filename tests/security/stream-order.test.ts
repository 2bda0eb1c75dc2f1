import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { claimsOf } from '../support/preauth.ts';
import { refusedStream, StreamClient, streamLike, whyNot } from '../support/stream-client.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
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

/** What a bearer needs to take up a place. */
const holder = { iss: 'https://site.test', mode: 'r', channels: ['chat'], exp: inSeconds(600) };

const target = await startAttacked(
  { after },
  {
    POSTERN_ALLOWED_HOSTS: '127.0.0.1',
    POSTERN_SINGLE_USE: 'true',
    POSTERN_CONNECTIONS_PER_ADDRESS: '1',
    POSTERN_CONNECTIONS_PER_USER: '1',
  },
);
/** A stream that takes up a place of its address, and of its user. */
async function hold(address: string, claims: object): Promise<StreamClient> {
  return StreamClient.open({ after: (cleanUp) => after(cleanUp) }, target.port, {
    bearer: await signToken({ ...holder, ...claims }),
    headers: { 'X-Forwarded-For': address },
  });
}
await hold(FULL_ADDRESS, { sub: 'eve' });
await hold('203.0.113.10', { sub: FULL_USER });
const revoked = await hold('203.0.113.11', { sub: 'mallory', sid: REVOKED_LOGIN });
await target.query(`SELECT postern.revoke(sid => $1)`, [REVOKED_LOGIN]);
// From then on the gateway knows.
await revoked.ended();
failOnLeaks();

const USUAL = '/sse?channel=chat';
const asking =
  (more: string) =>
  (draft: Draft): Draft => ({ ...draft, path: `${draft.path ?? USUAL}&channel=${more}` });
const header =
  (name: string, value: string) =>
  (draft: Draft): Draft => ({ ...draft, headers: { ...draft.headers, [name]: value } });

/** What is wrong with no handshake, or in another way; between the rows that those have. */
const own: readonly Fault[] = [
  {
    row: 6,
    name: 'a navigation',
    ways,
    harm: header('Sec-Fetch-Mode', 'navigate'),
    answer: '403 Request not allowed: fetch_denied',
  },
  {
    row: 7.5,
    name: 'a channel without a name',
    ways,
    harm: asking(''),
    answer: '400 Bad message: bad_message',
  },
  {
    row: 8,
    name: 'a second credential',
    ways: ['csrf', 'embed'],
    harm: header('Authorization', 'Bearer x'),
    answer: '400 Bad message: credential_ambiguous',
  },
  {
    row: 18.5,
    name: 'a channel of others',
    ways,
    harm: asking('news'),
    answer: '403 Forbidden: scope_denied',
  },
];

const ofHandshakes = new Set([1, 3, 4, 6, 8]);
const ofStreams = faults.filter(({ row, name }) => !ofHandshakes.has(row) || name === 'a POST');

/** Tickets that have opened a stream: what makes one the same to whoever keeps them. */
const spent = new Map<Way, Readonly<Record<string, unknown>>>();
const used: Fault = {
  row: 20,
  name: 'a ticket that was used',
  ways: ['csrf', 'embed'],
  harm: (draft) => ({ ...draft, spent: spent.get(draft.way) ?? {} }),
  answer: '401 Ticket replayed: csrf_replayed',
};

const faultsOf = (way: Way): readonly Fault[] =>
  [...ofStreams, ...own, used]
    .filter((fault) => fault.ways.includes(way))
    .toSorted((one, other) => one.row - other.row);

const requestOf = async (draft: Draft) => streamLike(await handshakeOf({ path: USUAL, ...draft }));
const answerTo = async (draft: Draft): Promise<string> =>
  whyNot(await refusedStream(target.port, await requestOf(draft)));

/** Both tell the same, a handshake without the code where there is only one. */
const isAnswer = (answer: string, expected: string): boolean =>
  answer === expected ||
  answer.startsWith(`${expected.replace(/: of this (address|user)$/, '')}: `);

describe('The order of the checks of a request for a stream', () => {
  for (const way of ways) {
    it(`lets the draft itself in: ${way}`, async () => {
      const ticket = { csrf: csrfOf(), embed: embedOf(), bearer: undefined }[way];
      if (ticket !== undefined) {
        const { jti, iat, exp } = claimsOf(ticket);
        spent.set(way, { jti, iat, exp });
      }
      const request = await requestOf({
        way,
        ...(ticket !== undefined && { spent: spent.get(way) ?? {} }),
      });
      const stream = await StreamClient.open({ after: () => {} }, target.port, request);
      await stream.said('welcome');
      stream.leave();
    });

    it(`has a check for each of ${faultsOf(way).length} faults: ${way}`, async () => {
      for (const { name, harm, answer } of faultsOf(way)) {
        const told = await answerTo(harm({ way }));
        assert.ok(isAnswer(told, answer), `${name}: ${told}`);
      }
    });

    it(`lets the earlier of two faults answer: ${way}`, async () => {
      for (const earlier of faultsOf(way))
        for (const later of faultsOf(way).filter(({ row }) => row > earlier.row)) {
          const told = await answerTo(later.harm(earlier.harm({ way })));
          assert.ok(isAnswer(told, earlier.answer), `${earlier.name}, ${later.name}: ${told}`);
        }
    });
  }
});
